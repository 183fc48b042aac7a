/*
 * softmax over the last axis, int8 to int8 with scale 1/256 and zero_point -128. Equals runInt8 in softmax.ts bit for
 * bit. exp_table[d] is e^(-beta * scale * d) in Q31, made by the host. Input and output may be the same memory.
 */
#ifndef THIMBLE_SOFTMAX_S8_H
#define THIMBLE_SOFTMAX_S8_H

#include "thimble_fixed_point.h"

/* x * 4, saturated to int32. */
THIMBLE_INLINE int32_t thimble_saturating_times_4(int32_t x)
{
    return x > 0x1fffffff ? INT32_MAX : x < -0x20000000 ? INT32_MIN : x * 4;
}

/* 1 / (1 + a) for a in [0, 1), both in Q31: gemmlowp's three Newton steps from 48/17 - 32/17 * d, there in Q29. */
THIMBLE_INLINE int32_t thimble_reciprocal_of_one_plus(int32_t a)
{
    const int32_t half_denominator = (int32_t)(((uint32_t)a + 0x80000000u) >> 1);
    int32_t x = 1515870810 + thimble_rounding_doubling_high_multiply(half_denominator, -1010580540);

    for (int32_t step = 0; step < 3; step++) {
        const int32_t error = 0x20000000 - thimble_rounding_doubling_high_multiply(half_denominator, x);
        x += thimble_saturating_times_4(thimble_rounding_doubling_high_multiply(x, error));
    }
    return x > 0x3fffffff ? INT32_MAX : x * 2;
}

THIMBLE_INLINE int32_t thimble_softmax_exp(const int32_t *exp_table, int32_t exp_length, int32_t difference)
{
    return difference < exp_length ? THIMBLE_LOAD_S32(exp_table + difference) : 0;
}

THIMBLE_INLINE void thimble_softmax_s8(
    const int8_t *input, int32_t rows, int32_t classes, const int32_t *exp_table, int32_t exp_length, int8_t *output)
{
    for (int32_t row = 0; row < rows; row++, input += classes, output += classes) {
        int32_t max = -128;
        for (int32_t i = 0; i < classes; i++)
            max = THIMBLE_MAX(max, input[i]);

        int32_t sum = 0; /* 12 integer bits: the host has proved classes < 4096 */
        for (int32_t i = 0; i < classes; i++)
            sum += thimble_rounding_divide_by_power_of_two(thimble_softmax_exp(exp_table, exp_length, max - input[i]), 12);

        uint32_t normalized = (uint32_t)sum; /* at least e^0, so the loop ends */
        int32_t shift = 12 + 31 - 8;
        for (; normalized < 0x80000000u; shift--)
            normalized <<= 1;
        const int32_t reciprocal = thimble_reciprocal_of_one_plus((int32_t)(normalized - 0x80000000u));

        for (int32_t i = 0; i < classes; i++) {
            const int32_t product = thimble_rounding_doubling_high_multiply(
                reciprocal, thimble_softmax_exp(exp_table, exp_length, max - input[i]));
            /* Beyond 31 the quotient is below one half, and no shift in C. */
            const int32_t q = shift > 31 ? 0 : thimble_rounding_divide_by_power_of_two(product, shift);
            output[i] = (int8_t)(THIMBLE_MIN(q, 255) - 128);
        }
    }
}

#endif
