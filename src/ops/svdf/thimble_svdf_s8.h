/*
 * svdf, int8, with the features of the last `memory` calls in `state`: int16, one row for each filter, oldest first.
 * Equals runInt8 in svdf.ts bit for bit. TensorFlow Lite Micro sums over time in int32 without proof that it suffices;
 * here, too, a sum beyond wraps around, by arithmetic that C defines.
 */
#ifndef THIMBLE_SVDF_S8_H
#define THIMBLE_SVDF_S8_H

#include "thimble_fixed_point.h"

THIMBLE_INLINE void thimble_svdf_s8(
    const int8_t *input, int32_t batches, int32_t input_size, int32_t input_zero_point,
    const int8_t *weights_feature, const int16_t *weights_time, const int32_t *bias,
    int32_t units, int32_t rank, int32_t memory,
    int16_t *state, int32_t state_multiplier, int32_t state_shift, int32_t state_min, int32_t state_max,
    int32_t output_multiplier, int32_t output_shift,
    int8_t *output, int32_t output_zero_point)
{
    for (int32_t b = 0; b < batches; b++) {
        const int8_t *w = weights_feature;
        const int16_t *time = weights_time;

        for (int32_t u = 0; u < units; u++) {
            uint32_t sum = (uint32_t)THIMBLE_LOAD_S32(bias + u);
            int32_t q;

            for (int32_t r = 0; r < rank; r++) {
                int32_t feature = 0;

                for (int32_t i = 0; i < input_size; i++)
                    feature += THIMBLE_LOAD_S8(w + i) * (input[i] - input_zero_point);
                feature = thimble_multiply_by_quantized_multiplier(feature, state_multiplier, state_shift);
                feature = THIMBLE_MIN(THIMBLE_MAX(feature, state_min), state_max);
                for (int32_t j = 0; j < memory; j++) {
                    const int32_t next = j + 1 < memory ? state[j + 1] : feature;
                    state[j] = (int16_t)next;
                    sum += (uint32_t)(THIMBLE_LOAD_S16(time + j) * next);
                }
                w += input_size;
                time += memory;
                state += memory;
            }
            q = output_zero_point
                + thimble_multiply_by_quantized_multiplier((int32_t)sum, output_multiplier, output_shift);
            *output++ = (int8_t)THIMBLE_MIN(THIMBLE_MAX(q, -128), 127);
        }
        input += input_size;
    }
}

#endif
