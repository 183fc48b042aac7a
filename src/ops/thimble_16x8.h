/*
 * From a sum to an int16 output: what conv_2d, depthwise_conv_2d and fully_connected with 16-bit activations share.
 * Equals prepareAnyWidth in weighted-16x8.ts bit for bit.
 *
 * The description is passed by address to inlined kernels, as a constant, so that only one of its ways is compiled. The
 * host has proved that the sums fit their type, and every result int32.
 */
#ifndef THIMBLE_16X8_H
#define THIMBLE_16X8_H

#include "thimble_fixed_point.h"

typedef struct {
    const int32_t *bias; /* or none: 0 */
    const int64_t *wide_bias; /* instead, where sums may leave int32 */
    const int16_t *multiplier; /* of 15 bits: rounded once */
    const int32_t *q31_multiplier; /* instead, where the model's bias is int32: rounded twice */
    const int8_t *shift; /* to the right; with a q31_multiplier above 0 to the left */
    int32_t wide; /* 1: sums in int64 */
    int32_t near; /* 1: shifts may be shorter than 17 */
    int32_t activation_min;
    int32_t activation_max;
} thimble_channels_16x8;

/* x * multiplier / 2^shift for |x| < 2^47, a multiplier of 15 bits and shift 8..46, to nearest with ties up. */
THIMBLE_INLINE int32_t thimble_rescale_s64(int64_t x, int32_t multiplier, int32_t shift)
{
    return (int32_t)((x * multiplier + ((int64_t)1 << (shift - 1))) >> shift);
}

/*
 * The same for an int32 x and shift 17..46, without a 64-bit product: the low half only ever carries whole steps of
 * 2^16 into the sum, for half of 2^shift is a multiple of 2^16. |high half * multiplier| <= 2^30, its carry < 2^15, half
 * <= 2^29.
 */
THIMBLE_INLINE int32_t thimble_rescale_far_s32(int32_t x, int32_t multiplier, int32_t shift)
{
#if defined(__ARM_FEATURE_DSP)
    int32_t sum = (int32_t)1 << (shift - 17); /* of it and the upper 32 bits of the 48 */

    __asm__("smlawb %0, %1, %2, %0" : "+r"(sum) : "r"(x), "r"(multiplier));
    return sum >> (shift - 16);
#else
    const int32_t low = (int32_t)(((uint32_t)x & 0xffffu) * (uint32_t)multiplier >> 16);

    return ((x >> 16) * multiplier + low + ((int32_t)1 << (shift - 17))) >> (shift - 16);
#endif
}

/* q within [min, max], which are literals. */
THIMBLE_INLINE int16_t thimble_clamp_s16(int32_t q, int32_t min, int32_t max)
{
#if defined(__ARM_FEATURE_DSP)
    if (min == 0) /* relu, and relu6 before its upper end */
        __asm__("usat %0, #15, %0" : "+r"(q));
    else
        __asm__("ssat %0, #16, %0" : "+r"(q));
    if (min > -32768 && min != 0)
        q = THIMBLE_MAX(q, min);
    if (max < 32767)
        q = THIMBLE_MIN(q, max);
    return (int16_t)q;
#else
    return (int16_t)THIMBLE_MIN(THIMBLE_MAX(q, min), max);
#endif
}

/* The output of channel c from its sum: wide_sum where channels->wide, else sum. */
THIMBLE_INLINE int16_t thimble_output_16x8(
    const thimble_channels_16x8 *channels, int32_t c, int32_t sum, int64_t wide_sum)
{
    const int32_t shift = THIMBLE_LOAD_S8(channels->shift + c);
    int32_t q;

    if (channels->wide) {
        if (channels->wide_bias)
            wide_sum += THIMBLE_LOAD_S64(channels->wide_bias + c);
        q = thimble_rescale_s64(wide_sum, THIMBLE_LOAD_S16(channels->multiplier + c), shift);
    } else {
        if (channels->bias)
            sum += THIMBLE_LOAD_S32(channels->bias + c);
        if (channels->q31_multiplier)
            q = thimble_multiply_by_quantized_multiplier(sum, THIMBLE_LOAD_S32(channels->q31_multiplier + c), shift);
        else if (channels->near)
            q = thimble_rescale_s64(sum, THIMBLE_LOAD_S16(channels->multiplier + c), shift);
        else
            q = thimble_rescale_far_s32(sum, THIMBLE_LOAD_S16(channels->multiplier + c), shift);
    }
    return thimble_clamp_s16(q, channels->activation_min, channels->activation_max);
}

#endif
