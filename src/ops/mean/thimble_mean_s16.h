/*
 * mean, int8. Equals runInt8 in mean.ts bit for bit. Up to three axes are kept and up to three averaged, merged where
 * they are neighbours; step is the distance of neighbours in the input. The multiplier contains 1 / count, and the host
 * has proved that no sum leaves int32.
 */
#ifndef THIMBLE_MEAN_S16_H
#define THIMBLE_MEAN_S16_H

#include "thimble_fixed_point.h"

THIMBLE_INLINE int32_t thimble_sum_s16(
    const int16_t *input, int32_t size_0, int32_t step_0, int32_t size_1, int32_t step_1, int32_t size_2, int32_t step_2)
{
    int32_t sum = 0;

    for (int32_t i = 0; i < size_0; i++)
        for (int32_t j = 0; j < size_1; j++)
            for (int32_t k = 0; k < size_2; k++)
                sum += input[i * step_0 + j * step_1 + k * step_2];
    return sum;
}

THIMBLE_INLINE void thimble_mean_s16(
    const int16_t *input,
    int32_t kept_size_0, int32_t kept_step_0, int32_t kept_size_1, int32_t kept_step_1,
    int32_t kept_size_2, int32_t kept_step_2,
    int32_t size_0, int32_t step_0, int32_t size_1, int32_t step_1, int32_t size_2, int32_t step_2,
    int32_t offset, int32_t multiplier, int32_t shift, int16_t *output, int32_t output_zero_point)
{
    for (int32_t i = 0; i < kept_size_0; i++)
        for (int32_t j = 0; j < kept_size_1; j++)
            for (int32_t k = 0; k < kept_size_2; k++) {
                const int16_t *first = input + i * kept_step_0 + j * kept_step_1 + k * kept_step_2;
                const int32_t sum = thimble_sum_s16(first, size_0, step_0, size_1, step_1, size_2, step_2) - offset;
                const int32_t q
                    = thimble_multiply_by_quantized_multiplier(sum, multiplier, shift) + output_zero_point;
                *output++ = (int16_t)THIMBLE_MIN(THIMBLE_MAX(q, -32768), 32767);
            }
}

#endif
