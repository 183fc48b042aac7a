/*
 * add (sign 1) and sub (sign -1), int16, with broadcasting. Equals runInt8 of both bit for bit.
 *
 * The operands are shifted left by 15 bits before they are scaled: |q| <= 2^15 leaves 2^30, and neither multiplier
 * exceeds 1/2. The host has proved that the output's shift is not to the left, and that zero points are 0.
 */
#ifndef THIMBLE_ADD_S16_H
#define THIMBLE_ADD_S16_H

#include "thimble_broadcast.h"
#include "thimble_fixed_point.h"
#include "thimble_operand_s16.h"

THIMBLE_INLINE int32_t thimble_scale_addend_s16(int32_t x, int32_t multiplier, int32_t shift)
{
    return thimble_multiply_by_quantized_multiplier(x * ((int32_t)1 << 15), multiplier, shift);
}

THIMBLE_INLINE void thimble_add_s16(
    const thimble_broadcast *loops,
    const int16_t *a, int32_t a_in_flash, int32_t a_zero_point,
    const int16_t *b, int32_t b_in_flash, int32_t b_zero_point,
    int32_t sign,
    int32_t a_multiplier, int32_t a_shift, int32_t b_multiplier, int32_t b_shift,
    int32_t output_multiplier, int32_t output_shift,
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
                        const int32_t sum = thimble_scale_addend_s16(x, a_multiplier, a_shift)
                            + sign * thimble_scale_addend_s16(y, b_multiplier, b_shift);
                        const int32_t q = output_zero_point
                            + thimble_multiply_by_quantized_multiplier(sum, output_multiplier, output_shift);
                        *output++ = (int16_t)THIMBLE_MIN(THIMBLE_MAX(q, activation_min), activation_max);
                    }
                }
}

#endif
