/*
 * add and sub of two tensors of one shape, int8, for cores with the DSP extension. Equals runInt8 in additive.ts bit for
 * bit. An operand has 256 values only: each is brought to the common scale once, into a table, and every element is two
 * loads, an addition and the requantize. The output may lie where either operand lies.
 */
#ifndef THIMBLE_ADD_S8_DSP_H
#define THIMBLE_ADD_S8_DSP_H

#include "thimble_dsp.h"
#include "thimble_fixed_point.h"

#define THIMBLE_ADD_LEFT_SHIFT 20 /* TFLite's: steps of the common scale */
#define THIMBLE_ADD_SCALE 4 /* 2^k of the requantize, k = 2 */

THIMBLE_INLINE void thimble_add_table(
    int32_t *table, int32_t zero_point, int32_t multiplier, int32_t shift, int32_t factor)
{
    for (int32_t q = -128; q < 128; q++)
        table[q & 255] = factor * thimble_multiply_by_quantized_multiplier(
                                      (q - zero_point) * (1 << THIMBLE_ADD_LEFT_SHIFT), multiplier, shift);
}

/* @param count of elements; @param scratch two tables of 1,024 bytes */
THIMBLE_INLINE void thimble_add_s8_dsp(
    const int8_t *a, int32_t a_zero_point, int32_t a_multiplier, int32_t a_shift,
    const int8_t *b, int32_t b_zero_point, int32_t b_multiplier, int32_t b_shift, int32_t sign,
    int32_t multiplier, int32_t base, int32_t shift, int32_t clamps_below_zero,
    int8_t *output, int32_t count, int32_t activation_min, int32_t activation_max, int8_t *scratch)
{
    const thimble_dsp_output to = {base, shift, clamps_below_zero, activation_min, activation_max};
    const int32_t channel[THIMBLE_DSP_CHANNEL_WORDS] = {0, multiplier, base + 1}; /* 2^(k - 2) = 1 */
    const thimble_dsp_scale scale = thimble_dsp_scale_of(channel, 1, &to);
    int32_t *const of_a = (int32_t *)(void *)scratch;
    int32_t *const of_b = of_a + 256;

    thimble_add_table(of_a, a_zero_point, a_multiplier, a_shift, THIMBLE_ADD_SCALE);
    thimble_add_table(of_b, b_zero_point, b_multiplier, b_shift, sign * THIMBLE_ADD_SCALE);
#pragma GCC unroll 4
    for (int32_t i = 0; i < count; i++)
        output[i] = thimble_dsp_requantize(of_a[a[i] & 255] + of_b[b[i] & 255], &scale, 1, &to);
}

#endif
