/*
 * What the kernels for Helium (ARMv8.1-M with MVE) share: sixteen products an instruction, and the requantize of four
 * outputs at once. The zero_point of the input is part of the bias; padding is written as the zero_point.
 */
#ifndef THIMBLE_MVE_H
#define THIMBLE_MVE_H

#include "thimble_base.h"

#include <arm_mve.h>

#if defined(__GNUC__) && !defined(__clang__)
#define THIMBLE_MVE_FUNCTION __attribute__((optimize("O2", "no-schedule-insns", "no-branch-count-reg")))
#else
#define THIMBLE_MVE_FUNCTION
#endif

#define THIMBLE_MVE_LANES 16 /* bytes in a vector */

typedef struct {
    int32_t zero_point;
    int32_t clamps_below_zero;
    int32_t activation_min;
    int32_t activation_max;
} thimble_mve_output;

/*
 * TFLite's two roundings: VQRDMULH is the saturating rounding doubling high multiply. VRSHL rounds halves up, where TFLite
 * rounds them away from zero: a negative number gets 1 less first, which makes no difference where the activation clamps
 * at the zero_point. The host has proved that nothing saturates on the way, and that all shifts go to the right.
 */
THIMBLE_INLINE int32x4_t thimble_mve_requantize(
    int32x4_t sums, int32x4_t multipliers, int32x4_t shifts, const thimble_mve_output *to)
{
    int32x4_t result = vqrdmulhq_s32(sums, multipliers);

    if (!to->clamps_below_zero)
        result = vaddq_s32(result, vshrq_n_s32(vandq_s32(result, shifts), 31)); /* shifts are negative: -1 if result is */
    result = vrshlq_s32(result, shifts);
    result = vaddq_n_s32(result, to->zero_point);
    result = vmaxq_s32(result, vdupq_n_s32(to->activation_min));
    return vminq_s32(result, vdupq_n_s32(to->activation_max));
}

/* `count` bytes, which do not overlap or move to lower addresses. */
THIMBLE_INLINE void thimble_mve_copy(int8_t *to, const int8_t *from, int32_t count)
{
    for (int32_t i = 0; i < count; i += THIMBLE_MVE_LANES) {
        const mve_pred16_t live = vctp8q((uint32_t)(count - i));

        vstrbq_p_s8(to + i, vldrbq_z_s8(from + i, live), live);
    }
}

/* The same to higher addresses. */
THIMBLE_INLINE void thimble_mve_copy_up(int8_t *to, const int8_t *from, int32_t count)
{
    int32_t i = count;

    for (; i >= THIMBLE_MVE_LANES; i -= THIMBLE_MVE_LANES)
        vstrbq_s8(to + i - THIMBLE_MVE_LANES, vldrbq_s8(from + i - THIMBLE_MVE_LANES));
    if (i > 0) {
        const mve_pred16_t live = vctp8q((uint32_t)i);

        vstrbq_p_s8(to, vldrbq_z_s8(from, live), live);
    }
}

THIMBLE_INLINE void thimble_mve_fill(int8_t *to, int32_t value, int32_t count)
{
    const int8x16_t all = vdupq_n_s8((int8_t)value);

    for (int32_t i = 0; i < count; i += THIMBLE_MVE_LANES)
        vstrbq_p_s8(to + i, all, vctp8q((uint32_t)(count - i)));
}

/* Constants of four channels: biases, multipliers and shifts, each a vector. In a layer's stream they follow its weights. */
#define THIMBLE_MVE_CHANNELS 12

/*
 * Sixteen taps of four channels and one or two pixels. VMLADAVA adds up in even registers only, of which there are eight,
 * and gcc moves them about: hence a block. The first step starts the sums.
 */
#define THIMBLE_MVE_CHANNEL_1(op, n) "vldrb.8 q2, [%[w]], #16\n\t" op " %[a" #n "], q0, q2\n\t"
#define THIMBLE_MVE_CHANNEL_2(op, n) THIMBLE_MVE_CHANNEL_1(op, n) op " %[b" #n "], q1, q2\n\t"
#define THIMBLE_MVE_STEP_1(op)                                                                                        \
    "vldrb.8 q0, [%[x]], #16\n\t" THIMBLE_MVE_CHANNEL_1(op, 0) THIMBLE_MVE_CHANNEL_1(op, 1)                           \
        THIMBLE_MVE_CHANNEL_1(op, 2) THIMBLE_MVE_CHANNEL_1(op, 3)
#define THIMBLE_MVE_STEP_2(op)                                                                                        \
    "vldrb.8 q0, [%[x]], #16\n\tvldrb.8 q1, [%[y]], #16\n\t" THIMBLE_MVE_CHANNEL_2(op, 0)                             \
        THIMBLE_MVE_CHANNEL_2(op, 1) THIMBLE_MVE_CHANNEL_2(op, 2) THIMBLE_MVE_CHANNEL_2(op, 3)
#define THIMBLE_MVE_MORE(step) step("vmladava.s8")
#define THIMBLE_MVE_LOOP(steps) "1:\n\t" steps "subs %[n], %[n], #1\n\tbne 1b\n\t"
#define THIMBLE_MVE_GATHER(to, a) "vmov %q[" #to "][2], %q[" #to "][0], %[" #a "0], %[" #a "2]\n\t"                   \
                                  "vmov %q[" #to "][3], %q[" #to "][1], %[" #a "1], %[" #a "3]\n\t"
#define THIMBLE_MVE_SUMS_OF_A [a0] "=&Te"(a0), [a1] "=&Te"(a1), [a2] "=&Te"(a2), [a3] "=&Te"(a3)
#define THIMBLE_MVE_SUMS_OF_B [b0] "=&Te"(b0), [b1] "=&Te"(b1), [b2] "=&Te"(b2), [b3] "=&Te"(b3)
#define THIMBLE_MVE_RUN_1(loop, ...)                                                                                  \
    __asm__ volatile(THIMBLE_MVE_STEP_1("vmladav.s8") loop THIMBLE_MVE_GATHER(s, a)                                   \
                     : THIMBLE_MVE_SUMS_OF_A, [s] "=&w"(*first), [x] "+r"(x), [w] "+r"(w) __VA_ARGS__                 \
                     :                                                                                                \
                     : "q0", "q2", "cc", "memory")
#define THIMBLE_MVE_RUN_2(loop, ...)                                                                                  \
    __asm__ volatile(THIMBLE_MVE_STEP_2("vmladav.s8") loop THIMBLE_MVE_GATHER(s, a) THIMBLE_MVE_GATHER(t, b)          \
                     : THIMBLE_MVE_SUMS_OF_A, THIMBLE_MVE_SUMS_OF_B, [s] "=&w"(*first), [t] "=&w"(*second),           \
                       [x] "+r"(x), [y] "+r"(y), [w] "+r"(w) __VA_ARGS__                                              \
                     :                                                                                                \
                     : "q0", "q1", "q2", "cc", "memory")
#define THIMBLE_MVE_COUNT , [n] "+r"(n)
#define THIMBLE_MVE_UNROLL(run, step)                                                                                 \
    do {                                                                                                              \
        if (more == 0)                                                                                                \
            run("", );                                                                                                \
        else if (more == 1)                                                                                           \
            run(THIMBLE_MVE_MORE(step), );                                                                            \
        else if (more == 2)                                                                                           \
            run(THIMBLE_MVE_MORE(step) THIMBLE_MVE_MORE(step), );                                                     \
        else if (more == 3)                                                                                           \
            run(THIMBLE_MVE_MORE(step) THIMBLE_MVE_MORE(step) THIMBLE_MVE_MORE(step), );                              \
        else if (more % 5 == 0)                                                                                       \
            run(THIMBLE_MVE_LOOP(THIMBLE_MVE_MORE(step) THIMBLE_MVE_MORE(step) THIMBLE_MVE_MORE(step) THIMBLE_MVE_MORE(step) THIMBLE_MVE_MORE(step)), THIMBLE_MVE_COUNT);\
        else if (more % 4 == 0)                                                                                       \
            run(THIMBLE_MVE_LOOP(THIMBLE_MVE_MORE(step) THIMBLE_MVE_MORE(step) THIMBLE_MVE_MORE(step) THIMBLE_MVE_MORE(step)), THIMBLE_MVE_COUNT);\
        else if (more % 3 == 0)                                                                                       \
            run(THIMBLE_MVE_LOOP(THIMBLE_MVE_MORE(step) THIMBLE_MVE_MORE(step) THIMBLE_MVE_MORE(step)), THIMBLE_MVE_COUNT);\
        else if (more % 2 == 0)                                                                                       \
            run(THIMBLE_MVE_LOOP(THIMBLE_MVE_MORE(step) THIMBLE_MVE_MORE(step)), THIMBLE_MVE_COUNT);                  \
        else                                                                                                          \
            run(THIMBLE_MVE_LOOP(THIMBLE_MVE_MORE(step)), THIMBLE_MVE_COUNT);                                         \
    } while (0)

/* Sums of products of four channels: of one pixel to *first, of the other to *second. Returns where the weights go on. */
THIMBLE_INLINE const int8_t *thimble_mve_dot(
    int32x4_t *first, int32x4_t *second, const int8_t *values, int32_t depth, int32_t pixels, const int8_t *weights)
{
    const int32_t more = depth / THIMBLE_MVE_LANES - 1; /* steps */
    const int8_t *x = values;
    const int8_t *y = values + depth;
    const int8_t *w = weights;
    int32_t n = more / (more % 5 == 0 ? 5 : more % 4 == 0 ? 4 : more % 3 == 0 ? 3 : more % 2 == 0 ? 2 : 1);
    int32_t a0, a1, a2, a3;

    if (pixels == 1) {
        THIMBLE_MVE_UNROLL(THIMBLE_MVE_RUN_1, THIMBLE_MVE_STEP_1);
    } else {
        int32_t b0, b1, b2, b3;

        THIMBLE_MVE_UNROLL(THIMBLE_MVE_RUN_2, THIMBLE_MVE_STEP_2);
    }
    (void)n;
    return w;
}

THIMBLE_INLINE void thimble_mve_store(int8_t *output, int32x4_t values, int32_t count)
{
    if (count >= 4)
        vstrbq_s32(output, values);
    else
        vstrbq_p_s32(output, values, vctp32q((uint32_t)count));
}

/*
 * All output channels, by fours, of one or two pixels whose windows lie in a row of `depth` bytes each, a multiple of 16.
 * The stream: of four channels in turn 16 taps of each, for all taps, then what the four need to end their sums.
 */
THIMBLE_INLINE void thimble_mve_pixels(
    const int8_t *values, int32_t depth, int32_t pixels, const int32_t *stream, const thimble_mve_output *to,
    int8_t *output, int32_t output_channels)
{
    const int8_t *weights = (const int8_t *)stream;

    for (int32_t c = 0; c < output_channels; c += 4) {
        const int32_t live = output_channels % 4 == 0 ? 4 : output_channels - c;
        int32x4_t first, second = vdupq_n_s32(0);
        int32x4_t biases, multipliers, shifts;

        weights = thimble_mve_dot(&first, &second, values, depth, pixels, weights);
        biases = vldrwq_s32((const int32_t *)(const void *)weights);
        multipliers = vldrwq_s32((const int32_t *)(const void *)(weights + 16));
        shifts = vldrwq_s32((const int32_t *)(const void *)(weights + 32));
        weights += 4 * THIMBLE_MVE_CHANNELS;
        first = thimble_mve_requantize(vaddq_s32(first, biases), multipliers, shifts, to);
        thimble_mve_store(output + c, first, live);
        if (pixels > 1) {
            second = thimble_mve_requantize(vaddq_s32(second, biases), multipliers, shifts, to);
            thimble_mve_store(output + output_channels + c, second, live);
        }
    }
}

#endif
