/*
 * TFLite's integer requantize, shared by all int8 kernels; the C twin of src/core/fixed-point.ts.
 * C99 and C++11. Everything is static, so that two emitted models link into one program.
 */
#ifndef THIMBLE_FIXED_POINT_H
#define THIMBLE_FIXED_POINT_H

#include "thimble_base.h"

/* a * b / 2^31, rounded to nearest with ties up; the caller has excluded a = b = -2^31. */
THIMBLE_INLINE int32_t thimble_rounding_doubling_high_multiply(int32_t a, int32_t b)
{
    return (int32_t)(((int64_t)a * b + ((int32_t)1 << 30)) >> 31);
}

/* x / 2^exponent for exponent 0..31, ties away from zero. */
THIMBLE_INLINE int32_t thimble_rounding_divide_by_power_of_two(int32_t x, int32_t exponent)
{
    const int32_t mask = (int32_t)(((uint32_t)1 << exponent) - 1u);
    const int32_t threshold = (mask >> 1) + (x < 0 ? 1 : 0);
    return (x >> exponent) + ((x & mask) > threshold ? 1 : 0);
}

/* x * multiplier * 2^(shift - 31), rounded twice. The host has proved |x| * 2^shift < 2^31 for shift > 0. */
THIMBLE_INLINE int32_t thimble_multiply_by_quantized_multiplier(int32_t x, int32_t multiplier, int32_t shift)
{
    const int32_t left_shift = THIMBLE_MAX(shift, 0);
    const int32_t right_shift = left_shift - shift;
    const int32_t shifted = x * (int32_t)((uint32_t)1 << left_shift);

    return thimble_rounding_divide_by_power_of_two(
        thimble_rounding_doubling_high_multiply(shifted, multiplier), right_shift);
}

#endif
