/*
 * quantize between int8 and int16, and from int16 to int16 with another scale. Equals runInt8 in quantize.ts bit for bit.
 * The host has proved that no value leaves int32 when it is shifted to the left.
 *
 * Input and output may begin at the same address: what widens goes from the last element to the first, what narrows from
 * the first to the last, so that none is written over before it is read.
 */
#ifndef THIMBLE_QUANTIZE_S16_H
#define THIMBLE_QUANTIZE_S16_H

#include "thimble_fixed_point.h"

THIMBLE_INLINE void thimble_quantize_s8_s16(
    const int8_t *input, int32_t count, int32_t zero_point, int32_t multiplier, int32_t shift,
    int16_t *output, int32_t output_zero_point)
{
    for (int32_t i = count - 1; i >= 0; i--) {
        const int32_t q = thimble_multiply_by_quantized_multiplier(input[i] - zero_point, multiplier, shift)
            + output_zero_point;
        output[i] = (int16_t)THIMBLE_MIN(THIMBLE_MAX(q, -32768), 32767);
    }
}

THIMBLE_INLINE void thimble_quantize_s16_s8(
    const int16_t *input, int32_t count, int32_t zero_point, int32_t multiplier, int32_t shift,
    int8_t *output, int32_t output_zero_point)
{
    for (int32_t i = 0; i < count; i++) {
        const int32_t q = thimble_multiply_by_quantized_multiplier(input[i] - zero_point, multiplier, shift)
            + output_zero_point;
        output[i] = (int8_t)THIMBLE_MIN(THIMBLE_MAX(q, -128), 127);
    }
}

THIMBLE_INLINE void thimble_quantize_s16_s16(
    const int16_t *input, int32_t count, int32_t zero_point, int32_t multiplier, int32_t shift,
    int16_t *output, int32_t output_zero_point)
{
    for (int32_t i = 0; i < count; i++) {
        const int32_t q = thimble_multiply_by_quantized_multiplier(input[i] - zero_point, multiplier, shift)
            + output_zero_point;
        output[i] = (int16_t)THIMBLE_MIN(THIMBLE_MAX(q, -32768), 32767);
    }
}

#endif
