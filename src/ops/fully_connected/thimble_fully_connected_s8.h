/*
 * fully_connected, int8; weights [units, depth] with zero_point 0. Equals runInt8 in fully_connected.ts bit for bit.
 *
 * The emitter calls it once per layer with literals, and the compiler folds sizes and loops. The host has proved that
 * shapes fit and that no sum leaves int32.
 */
#ifndef THIMBLE_FULLY_CONNECTED_S8_H
#define THIMBLE_FULLY_CONNECTED_S8_H

#include "thimble_fixed_point.h"

THIMBLE_INLINE void thimble_fully_connected_s8(
    const int8_t *input, int32_t rows, int32_t depth, int32_t input_zero_point,
    const int8_t *weights, const int32_t *bias, const int32_t *multiplier, const int8_t *shift,
    int8_t *output, int32_t units,
    int32_t output_zero_point, int32_t activation_min, int32_t activation_max)
{
    for (int32_t row = 0; row < rows; row++) {
        const int8_t *x = input + row * depth;

        for (int32_t c = 0; c < units; c++) {
            const int8_t *w = weights + c * depth;
            int32_t sum = bias ? THIMBLE_LOAD_S32(bias + c) : 0;

            for (int32_t i = 0; i < depth; i++)
                sum += (x[i] - input_zero_point) * THIMBLE_LOAD_S8(w + i);
            sum = thimble_multiply_by_quantized_multiplier(
                sum, THIMBLE_LOAD_S32(multiplier + c), THIMBLE_LOAD_S8(shift + c));
            sum += output_zero_point;
            *output++ = (int8_t)THIMBLE_MIN(THIMBLE_MAX(sum, activation_min), activation_max);
        }
    }
}

#endif
