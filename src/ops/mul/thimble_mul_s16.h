/*
 * mul, int16, with broadcasting. Equals runInt8 in mul.ts bit for bit. The host has proved that no product leaves int32
 * when it is shifted to the left.
 */
#ifndef THIMBLE_MUL_S16_H
#define THIMBLE_MUL_S16_H

#include "thimble_broadcast.h"
#include "thimble_fixed_point.h"
#include "thimble_operand_s16.h"

THIMBLE_INLINE void thimble_mul_s16(
    const thimble_broadcast *loops,
    const int16_t *a, int32_t a_in_flash, int32_t a_zero_point,
    const int16_t *b, int32_t b_in_flash, int32_t b_zero_point,
    int32_t multiplier, int32_t shift,
    int16_t *output, int32_t output_zero_point, int32_t activation_min, int32_t activation_max)
{
    const int32_t *const size = loops->size;
    const int32_t *const as = loops->a_step;
    const int32_t *const bs = loops->b_step;

    for (int32_t h = 0; h < size[0]; h++)
        for (int32_t i = 0; i < size[1]; i++)
            for (int32_t j = 0; j < size[2]; j++)
                for (int32_t k = 0; k < size[3]; k++) {
                    const int16_t *a_row = a + h * as[0] + i * as[1] + j * as[2] + k * as[3];
                    const int16_t *b_row = b + h * bs[0] + i * bs[1] + j * bs[2] + k * bs[3];
                    for (int32_t l = 0; l < size[4]; l++) {
                        const int32_t x = thimble_load_operand_s16(a_row + l * as[4], a_in_flash) - a_zero_point;
                        const int32_t y = thimble_load_operand_s16(b_row + l * bs[4], b_in_flash) - b_zero_point;
                        const int32_t q = output_zero_point
                            + thimble_multiply_by_quantized_multiplier(x * y, multiplier, shift);
                        *output++ = (int16_t)THIMBLE_MIN(THIMBLE_MAX(q, activation_min), activation_max);
                    }
                }
}

#endif
