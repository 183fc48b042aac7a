/*
 * prelu, int8, with broadcasting of alpha. Equals runInt8 in prelu.ts bit for bit. The host has proved that no value and
 * no product leaves int32 when it is shifted to the left.
 */
#ifndef THIMBLE_PRELU_S8_H
#define THIMBLE_PRELU_S8_H

#include "thimble_broadcast.h"
#include "thimble_fixed_point.h"
#include "thimble_operand_s8.h"

THIMBLE_INLINE void thimble_prelu_s8(
    const thimble_broadcast *loops,
    const int8_t *input, int32_t input_in_flash, int32_t input_zero_point,
    const int8_t *alpha, int32_t alpha_in_flash, int32_t alpha_zero_point,
    int32_t multiplier, int32_t shift, int32_t slope_multiplier, int32_t slope_shift,
    int8_t *output, int32_t output_zero_point, int32_t output_min, int32_t output_max)
{
    const int32_t *const size = loops->size;
    const int32_t *const xs = loops->a_step;
    const int32_t *const as = loops->b_step;

    for (int32_t h = 0; h < size[0]; h++)
        for (int32_t i = 0; i < size[1]; i++)
            for (int32_t j = 0; j < size[2]; j++)
                for (int32_t k = 0; k < size[3]; k++) {
                    const int8_t *x_row = input + h * xs[0] + i * xs[1] + j * xs[2] + k * xs[3];
                    const int8_t *alpha_row = alpha + h * as[0] + i * as[1] + j * as[2] + k * as[3];
                    for (int32_t l = 0; l < size[4]; l++) {
                        const int32_t x = thimble_load_operand_s8(x_row + l * xs[4], input_in_flash) - input_zero_point;
                        const int32_t slope =
                            thimble_load_operand_s8(alpha_row + l * as[4], alpha_in_flash) - alpha_zero_point;
                        const int32_t y = x >= 0
                            ? thimble_multiply_by_quantized_multiplier(x, multiplier, shift)
                            : thimble_multiply_by_quantized_multiplier(x * slope, slope_multiplier, slope_shift);
                        const int32_t q = output_zero_point + y;
                        *output++ = (int8_t)THIMBLE_MIN(THIMBLE_MAX(q, output_min), output_max);
                    }
                }
}

#endif
