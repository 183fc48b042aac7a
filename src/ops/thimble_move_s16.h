/*
 * Moves 16-bit elements without looking at them: five nested loops, the last the innermost, with a step through the source and
 * one through the target for each. Passed by address to an inlined kernel, as a constant, so that loops of size 1 and
 * multiplications by literals disappear. Writes in the target's order, for some targets lie on their source.
 */
#ifndef THIMBLE_MOVE_S16_H
#define THIMBLE_MOVE_S16_H

#include "thimble_operand_s16.h"

typedef struct {
    int32_t size[5];
    int32_t from[5];
    int32_t to[5];
} thimble_moves_s16;

THIMBLE_INLINE void thimble_move_s16(
    const thimble_moves_s16 *loops, const int16_t *input, int32_t in_flash, int16_t *output)
{
    const int32_t *const size = loops->size;
    const int32_t *const from = loops->from;
    const int32_t *const to = loops->to;

    for (int32_t h = 0; h < size[0]; h++)
        for (int32_t i = 0; i < size[1]; i++)
            for (int32_t j = 0; j < size[2]; j++)
                for (int32_t k = 0; k < size[3]; k++) {
                    const int16_t *const source = input + h * from[0] + i * from[1] + j * from[2] + k * from[3];
                    int16_t *const target = output + h * to[0] + i * to[1] + j * to[2] + k * to[3];
                    for (int32_t l = 0; l < size[4]; l++)
                        target[l * to[4]] = thimble_load_operand_s16(source + l * from[4], in_flash);
                }
}

#endif
