/*
 * Moves bytes without looking at them: five nested loops, the last the innermost, with a step through the source and
 * one through the target for each. Passed by address to an inlined kernel, as a constant, so that loops of size 1 and
 * multiplications by literals disappear. Writes in the target's order, for some targets lie on their source.
 */
#ifndef THIMBLE_MOVE_S8_H
#define THIMBLE_MOVE_S8_H

#include "thimble_operand_s8.h"

/* Four bytes that may be of any type. Without gcc's word for it, and where a word is no faster, bytes move alone. */
#if defined(__GNUC__) && !defined(__AVR__)
typedef uint32_t __attribute__((may_alias)) thimble_word;
#define THIMBLE_MOVES_WORDS 1
#else
typedef int8_t thimble_word;
#define THIMBLE_MOVES_WORDS 0
#endif

#define THIMBLE_SHORTEST_RUN 4 /* bytes in a row; below, looking at the addresses costs more than it gains */

typedef struct {
    int32_t size[5];
    int32_t from[5];
    int32_t to[5];
} thimble_moves_s8;

/* A run of bytes, front to back, as far as words go; the rest is the caller's. Returns how many have been moved. */
THIMBLE_INLINE int32_t thimble_move_words(const int8_t *source, int8_t *target, int32_t bytes)
{
    const thimble_word *const from = (const thimble_word *)(const void *)source;
    thimble_word *const to = (thimble_word *)(void *)target;

    if ((((uintptr_t)source | (uintptr_t)target) & 3u) != 0)
        return 0;
    for (int32_t i = 0; i < bytes / 4; i++)
        to[i] = from[i];
    return bytes & ~(int32_t)3;
}

THIMBLE_INLINE void thimble_move_s8(
    const thimble_moves_s8 *loops, const int8_t *input, int32_t in_flash, int8_t *output)
{
    const int32_t *const size = loops->size;
    const int32_t *const from = loops->from;
    const int32_t *const to = loops->to;
    const int32_t in_a_row = from[4] == 1 && to[4] == 1 && size[4] >= THIMBLE_SHORTEST_RUN;
    const int32_t by_words = THIMBLE_MOVES_WORDS && in_a_row && !in_flash;

    for (int32_t h = 0; h < size[0]; h++)
        for (int32_t i = 0; i < size[1]; i++)
            for (int32_t j = 0; j < size[2]; j++)
                for (int32_t k = 0; k < size[3]; k++) {
                    const int8_t *const source = input + h * from[0] + i * from[1] + j * from[2] + k * from[3];
                    int8_t *const target = output + h * to[0] + i * to[1] + j * to[2] + k * to[3];
                    for (int32_t l = by_words ? thimble_move_words(source, target, size[4]) : 0; l < size[4]; l++)
                        target[l * to[4]] = thimble_load_operand_s8(source + l * from[4], in_flash);
                }
}

#endif
