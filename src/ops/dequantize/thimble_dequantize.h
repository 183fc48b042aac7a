/*
 * dequantize, int8 and int16 to float32: scale * (q - zero_point), rounded once. Equals runInt8 in dequantize.ts.
 */
#ifndef THIMBLE_DEQUANTIZE_H
#define THIMBLE_DEQUANTIZE_H

#include "thimble_base.h"

THIMBLE_INLINE void thimble_dequantize_s8_f32(
    const int8_t *input, int32_t count, const float *scale, int32_t zero_point, float *output)
{
    const float factor = THIMBLE_LOAD_F32(scale);

    for (int32_t i = 0; i < count; i++)
        output[i] = (float)(input[i] - zero_point) * factor;
}

THIMBLE_INLINE void thimble_dequantize_s16_f32(
    const int16_t *input, int32_t count, const float *scale, int32_t zero_point, float *output)
{
    const float factor = THIMBLE_LOAD_F32(scale);

    for (int32_t i = 0; i < count; i++)
        output[i] = (float)(input[i] - zero_point) * factor;
}

#endif
