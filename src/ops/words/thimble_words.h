/*
 * What the kernels for cores without SIMD share (ARMv6-M, ARMv7-M, RV32IM): inputs are widened once to 32 bits and laid
 * out so that one LDM loads the same tap of up to five pixels; every weight is loaded once for all of them.
 *
 * Weights are kept with 128 added, since an unsigned byte is loaded with an offset and a signed one is not (ARMv6-M): the
 * sums start with that many times the sum of the inputs less. The zero_point of the input is part of the bias.
 */
#ifndef THIMBLE_WORDS_H
#define THIMBLE_WORDS_H

#include "thimble_base.h"

#define THIMBLE_WORDS_PIXELS 5 /* at a time: with ARMv6-M's eight low registers there is no sixth */

/* The blocks below name their registers; without optimization one of them would be the frame pointer. */
#if defined(__GNUC__) && !defined(__clang__) && defined(__arm__)
#define THIMBLE_WORDS_FUNCTION __attribute__((optimize("O2")))
#else
#define THIMBLE_WORDS_FUNCTION
#endif

/* Not an array, which gcc would keep in memory. */
typedef struct {
    int32_t a0, a1, a2, a3, a4;
} thimble_words_sums;

#if defined(__ARM_ARCH_6M__)
#define THIMBLE_WORDS_ADD(acc, x) "muls " x ", r2, " x "\n\tadd %[" acc "], %[" acc "], " x "\n\t"
#define THIMBLE_WORDS_SUM(a) "+h"(a)
#elif defined(__ARM_ARCH_7M__) || defined(__ARM_ARCH_7EM__)
#define THIMBLE_WORDS_ADD(acc, x) "mla %[" acc "], " x ", r2, %[" acc "]\n\t"
#define THIMBLE_WORDS_SUM(a) "+r"(a)
#endif

#if defined(THIMBLE_WORDS_ADD)
#define THIMBLE_WORDS_LOAD(at, registers) "ldrb r2, [r1, #" #at "]\n\tldmia r0!, {" registers "}\n\t"
#define THIMBLE_WORDS_TAP_1(at) THIMBLE_WORDS_LOAD(at, "r3") THIMBLE_WORDS_ADD("a0", "r3")
#define THIMBLE_WORDS_TAP_2(at) \
    THIMBLE_WORDS_LOAD(at, "r3, r4") THIMBLE_WORDS_ADD("a0", "r3") THIMBLE_WORDS_ADD("a1", "r4")
#define THIMBLE_WORDS_TAP_3(at)                                                                                       \
    THIMBLE_WORDS_LOAD(at, "r3, r4, r5")                                                                              \
    THIMBLE_WORDS_ADD("a0", "r3") THIMBLE_WORDS_ADD("a1", "r4") THIMBLE_WORDS_ADD("a2", "r5")
#define THIMBLE_WORDS_TAP_4(at)                                                                                       \
    THIMBLE_WORDS_LOAD(at, "r3, r4, r5, r6")                                                                          \
    THIMBLE_WORDS_ADD("a0", "r3") THIMBLE_WORDS_ADD("a1", "r4")                                                       \
    THIMBLE_WORDS_ADD("a2", "r5") THIMBLE_WORDS_ADD("a3", "r6")
#define THIMBLE_WORDS_TAP_5(at)                                                                                       \
    THIMBLE_WORDS_LOAD(at, "r3, r4, r5, r6, r7")                                                                      \
    THIMBLE_WORDS_ADD("a0", "r3") THIMBLE_WORDS_ADD("a1", "r4") THIMBLE_WORDS_ADD("a2", "r5")                         \
    THIMBLE_WORDS_ADD("a3", "r6") THIMBLE_WORDS_ADD("a4", "r7")
#define THIMBLE_WORDS_8(tap) tap(0) tap(1) tap(2) tap(3) tap(4) tap(5) tap(6) tap(7)
#define THIMBLE_WORDS_16(tap) THIMBLE_WORDS_8(tap) tap(8) tap(9) tap(10) tap(11) tap(12) tap(13) tap(14) tap(15)
#define THIMBLE_WORDS_LOOP(taps, count, ...)                                                                         \
    __asm__ volatile(".syntax unified\n1:\n\t" taps "adds r1, #" #count "\n\tldr r2, %[end]\n\tcmp r1, r2\n\tbeq 2f\n\tb 1b\n2:" \
                     : __VA_ARGS__, "+l"(x), "+l"(w)                                                                  \
                     : [end] "m"(end)                                                                                 \
                     : "r2", "r3", "r4", "r5", "r6", "r7", "cc", "memory")
#define THIMBLE_WORDS_RUN(tap, ...)                                                                                   \
    do {                                                                                                              \
        if (unroll == 16)                                                                                             \
            THIMBLE_WORDS_LOOP(THIMBLE_WORDS_16(tap), 16, __VA_ARGS__);                                               \
        else if (unroll == 8)                                                                                         \
            THIMBLE_WORDS_LOOP(THIMBLE_WORDS_8(tap), 8, __VA_ARGS__);                                                 \
        else                                                                                                          \
            THIMBLE_WORDS_LOOP(tap(0), 1, __VA_ARGS__);                                                               \
    } while (0)
#define THIMBLE_WORDS_A(n) [a##n] THIMBLE_WORDS_SUM(a##n)
#endif

/* Adds to the sums `count` taps of 1 to 5 pixels; `unroll` is 16, 8 or 1 and divides it. */
THIMBLE_INLINE void thimble_words_dot(
    thimble_words_sums *sums, const int32_t *values, const uint8_t *weights, int32_t count, int32_t unroll,
    int32_t pixels)
{
#if defined(THIMBLE_WORDS_ADD)
    register const int32_t *x __asm__("r0") = values;
    register const uint8_t *w __asm__("r1") = weights;
    const uint8_t *const end = weights + count;
    int32_t a0 = sums->a0, a1 = sums->a1, a2 = sums->a2, a3 = sums->a3, a4 = sums->a4;

    if (pixels == 5)
        THIMBLE_WORDS_RUN(THIMBLE_WORDS_TAP_5, THIMBLE_WORDS_A(0), THIMBLE_WORDS_A(1), THIMBLE_WORDS_A(2), THIMBLE_WORDS_A(3), THIMBLE_WORDS_A(4));
    else if (pixels == 4)
        THIMBLE_WORDS_RUN(THIMBLE_WORDS_TAP_4, THIMBLE_WORDS_A(0), THIMBLE_WORDS_A(1), THIMBLE_WORDS_A(2), THIMBLE_WORDS_A(3));
    else if (pixels == 3)
        THIMBLE_WORDS_RUN(THIMBLE_WORDS_TAP_3, THIMBLE_WORDS_A(0), THIMBLE_WORDS_A(1), THIMBLE_WORDS_A(2));
    else if (pixels == 2)
        THIMBLE_WORDS_RUN(THIMBLE_WORDS_TAP_2, THIMBLE_WORDS_A(0), THIMBLE_WORDS_A(1));
    else
        THIMBLE_WORDS_RUN(THIMBLE_WORDS_TAP_1, THIMBLE_WORDS_A(0));
    sums->a0 = a0;
    sums->a1 = a1;
    sums->a2 = a2;
    sums->a3 = a3;
    sums->a4 = a4;
#else
    (void)unroll;
    for (int32_t k = 0; k < count; k++, values += pixels) {
        const int32_t weight = weights[k];

        sums->a0 += values[0] * weight;
        if (pixels > 1)
            sums->a1 += values[1] * weight;
        if (pixels > 2)
            sums->a2 += values[2] * weight;
        if (pixels > 3)
            sums->a3 += values[3] * weight;
        if (pixels > 4)
            sums->a4 += values[4] * weight;
    }
#endif
}

/*
 * From a sum to an output. TFLite's two roundings are one floor (floors compose):
 *
 *   (sum * multiplier + 2^30 + 2^(30 + e) + zero_point * 2^(31 + e)) / 2^(31 + e)
 *
 * and a negative number rounds its half down, 2^31 less, which makes no difference where the activation clamps at the
 * zero_point. The product is taken apart so that no part needs 64 bits: multiplier = high * 2^20 + low, sum = up * 2^11 +
 * down. The host has proved |sum| < 2^20, or that beyond it the output is saturated, so that the sum may be, too.
 */
typedef struct {
    int32_t zero_point;
    int32_t saturates; /* whether the sum must be clamped first */
    int32_t clamps_below_zero;
    int32_t activation_min;
    int32_t activation_max;
} thimble_words_output;

#define THIMBLE_WORDS_SUM_LIMIT 0xfffff

THIMBLE_INLINE int8_t thimble_words_requantize(
    int32_t sum, int32_t multiplier, int32_t shift, const thimble_words_output *to)
{
    const int32_t low = multiplier & 0xfffff;
    const int32_t rounding = (1 << 10) + (1 << (shift - 1)) + to->zero_point * (1 << shift); /* shift = 11 + e */
    int32_t result;

    if (to->saturates)
        sum = THIMBLE_MIN(THIMBLE_MAX(sum, -THIMBLE_WORDS_SUM_LIMIT), THIMBLE_WORDS_SUM_LIMIT);
    result = (sum & 0x7ff) * low;
    result = ((sum >> 11) * low + (int32_t)((uint32_t)result >> 11)) >> 9;
    result += sum * (multiplier >> 20) + rounding;
    if (!to->clamps_below_zero)
        result += (sum >> 31) * (1 << 11);
    result >>= shift;
    return (int8_t)THIMBLE_MIN(THIMBLE_MAX(result, to->activation_min), to->activation_max);
}

/* A channel's bias and multiplier; its shift lies in a list of its own. */
#define THIMBLE_WORDS_CHANNEL 2

/*
 * All output channels of 1 to 5 pixels. @param values of all taps; @param totals 128 times the sum of each pixel's
 * values; @param taps a multiple of unroll
 */
THIMBLE_INLINE void thimble_words_pixels(
    const int32_t *values, const int32_t *totals, int32_t taps, int32_t unroll, int32_t pixels, const uint8_t *weights,
    const int32_t *channel, const uint8_t *shifts, const thimble_words_output *to, int8_t *output,
    int32_t output_channels)
{
    for (int32_t c = 0; c < output_channels; c++, channel += THIMBLE_WORDS_CHANNEL, weights += taps) {
        const int32_t bias = channel[0], multiplier = channel[1], shift = shifts[c];
        thimble_words_sums sums = {0, 0, 0, 0, 0};

        sums.a0 = bias - totals[0];
        if (pixels > 1)
            sums.a1 = bias - totals[1];
        if (pixels > 2)
            sums.a2 = bias - totals[2];
        if (pixels > 3)
            sums.a3 = bias - totals[3];
        if (pixels > 4)
            sums.a4 = bias - totals[4];
        thimble_words_dot(&sums, values, weights, taps, unroll, pixels);
        output[c] = thimble_words_requantize(sums.a0, multiplier, shift, to);
        if (pixels > 1)
            output[output_channels + c] = thimble_words_requantize(sums.a1, multiplier, shift, to);
        if (pixels > 2)
            output[2 * output_channels + c] = thimble_words_requantize(sums.a2, multiplier, shift, to);
        if (pixels > 3)
            output[3 * output_channels + c] = thimble_words_requantize(sums.a3, multiplier, shift, to);
        if (pixels > 4)
            output[4 * output_channels + c] = thimble_words_requantize(sums.a4, multiplier, shift, to);
    }
}

#endif
