/*
 * quantize, float32 to int8: clamp(round_half_away(x / scale) + zero_point), NaN to zero_point. Equals runInt8 in
 * quantize.ts, and needs no math library.
 */
#ifndef THIMBLE_QUANTIZE_H
#define THIMBLE_QUANTIZE_H

#include "thimble_base.h"

THIMBLE_INLINE void thimble_quantize_f32_s8(
    const float *input, int32_t count, const float *scale, int32_t zero_point, int8_t *output)
{
    const float divisor = THIMBLE_LOAD_F32(scale);
    const float min = (float)(-128 - zero_point);
    const float max = (float)(127 - zero_point);

    for (int32_t i = 0; i < count; i++) {
        const float quotient = input[i] / divisor;
        /* Clamped before the conversion, which C leaves undefined beyond int32; a NaN fails all comparisons. */
        const float x = quotient >= max ? max : quotient <= min ? min : quotient == quotient ? quotient : 0.0f;
        const int32_t whole = (int32_t)x; /* towards zero; |x| <= 255, so the fraction below is exact */
        const float fraction = x - (float)whole;

        output[i] = (int8_t)(whole + (fraction >= 0.5f ? 1 : 0) - (fraction <= -0.5f ? 1 : 0) + zero_point);
    }
}

#endif
