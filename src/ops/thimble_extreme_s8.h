/*
 * maximum (`larger` 1) and minimum (0), int8, with broadcasting. Equals runInt8 of both: bytes are compared, not the
 * real values that they stand for.
 */
#ifndef THIMBLE_EXTREME_S8_H
#define THIMBLE_EXTREME_S8_H

#include "thimble_broadcast.h"
#include "thimble_operand_s8.h"

THIMBLE_INLINE void thimble_extreme_s8(
    const thimble_broadcast *loops,
    const int8_t *a, int32_t a_in_flash,
    const int8_t *b, int32_t b_in_flash,
    int32_t larger, int8_t *output)
{
    const int32_t *const size = loops->size;
    const int32_t *const as = loops->a_step;
    const int32_t *const bs = loops->b_step;

    for (int32_t h = 0; h < size[0]; h++)
        for (int32_t i = 0; i < size[1]; i++)
            for (int32_t j = 0; j < size[2]; j++)
                for (int32_t k = 0; k < size[3]; k++) {
                    const int8_t *a_row = a + h * as[0] + i * as[1] + j * as[2] + k * as[3];
                    const int8_t *b_row = b + h * bs[0] + i * bs[1] + j * bs[2] + k * bs[3];
                    for (int32_t l = 0; l < size[4]; l++) {
                        const int8_t x = thimble_load_operand_s8(a_row + l * as[4], a_in_flash);
                        const int8_t y = thimble_load_operand_s8(b_row + l * bs[4], b_in_flash);
                        *output++ = (x > y) == (larger != 0) ? x : y;
                    }
                }
}

#endif
