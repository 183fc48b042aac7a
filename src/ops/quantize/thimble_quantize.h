/*
 * quantize, float32 to int8 and int16: clamp(round_half_away(x / scale) + zero_point), NaN to zero_point. Equals runInt8
 * in quantize.ts, and needs no math library.
 */
#ifndef THIMBLE_QUANTIZE_H
#define THIMBLE_QUANTIZE_H

#include "thimble_base.h"

/* The value before the zero_point is added; low and high are the ends of the type. */
THIMBLE_INLINE int32_t thimble_quantize_f32(float value, float divisor, int32_t zero_point, int32_t low, int32_t high)
{
    const float min = (float)(low - zero_point);
    const float max = (float)(high - zero_point);
    const float quotient = value / divisor;
    /* Clamped before the conversion, which C leaves undefined beyond int32; a NaN fails all comparisons. */
    const float x = quotient >= max ? max : quotient <= min ? min : quotient == quotient ? quotient : 0.0f;
    const int32_t whole = (int32_t)x; /* towards zero; |x| < 2^16, so the fraction below is exact */
    const float fraction = x - (float)whole;

    return whole + (fraction >= 0.5f ? 1 : 0) - (fraction <= -0.5f ? 1 : 0);
}

THIMBLE_INLINE void thimble_quantize_f32_s8(
    const float *input, int32_t count, const float *scale, int32_t zero_point, int8_t *output)
{
    const float divisor = THIMBLE_LOAD_F32(scale);

    for (int32_t i = 0; i < count; i++)
        output[i] = (int8_t)(thimble_quantize_f32(input[i], divisor, zero_point, -128, 127) + zero_point);
}

THIMBLE_INLINE void thimble_quantize_f32_s16(
    const float *input, int32_t count, const float *scale, int32_t zero_point, int16_t *output)
{
    const float divisor = THIMBLE_LOAD_F32(scale);

    for (int32_t i = 0; i < count; i++)
        output[i] = (int16_t)(thimble_quantize_f32(input[i], divisor, zero_point, -32768, 32767) + zero_point);
}

#endif
