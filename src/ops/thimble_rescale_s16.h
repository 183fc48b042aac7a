/*
 * int16 to int16 with another scale, clamped: relu and relu6. Zero points are 0. The host has proved that no value leaves
 * int32 when it is shifted to the left. Input and output may be the same memory.
 */
#ifndef THIMBLE_RESCALE_S16_H
#define THIMBLE_RESCALE_S16_H

#include "thimble_fixed_point.h"

THIMBLE_INLINE void thimble_rescale_s16(
    const int16_t *input, int32_t count, int32_t multiplier, int32_t shift, int16_t *output, int32_t min, int32_t max)
{
    for (int32_t i = 0; i < count; i++) {
        const int32_t q = thimble_multiply_by_quantized_multiplier(input[i], multiplier, shift);
        output[i] = (int16_t)THIMBLE_MIN(THIMBLE_MAX(q, min), max);
    }
}

#endif
