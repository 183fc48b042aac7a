/*
 * What the kernels for cores with the DSP extension share (ARMv7E-M, ARMv8-M): two 16-bit products an instruction.
 *
 * Values and weights are 16 bits wide here. SXTB16 widens every second byte of a word, so that four neighbours k0..k3 lie
 * in the order k0, k2, k1, k3; the host packs weights in that order, and nothing is ever shuffled. The zero_point of the
 * input is part of the bias: padding is written as the zero_point, and sums need no correction.
 */
#ifndef THIMBLE_DSP_H
#define THIMBLE_DSP_H

#include "thimble_base.h"

/*
 * The blocks below hold all registers there are; gcc's first scheduling pass would lengthen lives until it spills, and
 * without optimization there is a frame pointer too few.
 */
#if defined(__GNUC__) && !defined(__clang__) && defined(__arm__)
#define THIMBLE_DSP_FUNCTION __attribute__((optimize("O2", "no-schedule-insns")))
#else
#define THIMBLE_DSP_FUNCTION
#endif

/* high word of a 64-bit sum: c + (a * b >> 32) */
THIMBLE_INLINE int32_t thimble_smmla(int32_t a, int32_t b, int32_t c)
{
#if defined(__ARM_FEATURE_DSP)
    int32_t result;

    __asm__("smmla %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(c));
    return result;
#else
    return (int32_t)((uint32_t)c + (uint32_t)(int32_t)(((int64_t)a * b) >> 32));
#endif
}

/* c + a.low * b.low + a.high * b.high, 16 bits each */
THIMBLE_INLINE int32_t thimble_smlad(uint32_t a, uint32_t b, int32_t c)
{
#if defined(__ARM_FEATURE_DSP)
    int32_t result;

    __asm__("smlad %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(c));
    return result;
#else
    return c + (int16_t)(a & 0xffff) * (int16_t)(b & 0xffff) + (int16_t)(a >> 16) * (int16_t)(b >> 16);
#endif
}

/* bytes 0 and 2, and bytes 1 and 3, as two 16-bit numbers */
THIMBLE_INLINE uint32_t thimble_sxtb16(uint32_t bytes)
{
#if defined(__ARM_FEATURE_DSP)
    uint32_t result;

    __asm__("sxtb16 %0, %1" : "=r"(result) : "r"(bytes));
    return result;
#else
    return ((uint32_t)(int32_t)(int8_t)(bytes & 0xff) & 0xffffu) | (uint32_t)(int32_t)(int8_t)((bytes >> 16) & 0xff) << 16;
#endif
}

THIMBLE_INLINE uint32_t thimble_sxtb16_odd(uint32_t bytes)
{
#if defined(__ARM_FEATURE_DSP)
    uint32_t result;

    __asm__("sxtb16 %0, %1, ror #8" : "=r"(result) : "r"(bytes));
    return result;
#else
    return thimble_sxtb16(bytes >> 8);
#endif
}

/* Words among bytes and halfwords: memcpy by hand, which compilers make one instruction of, and aliasing allows. */
THIMBLE_INLINE uint32_t thimble_load_word(const void *from)
{
    uint32_t word;

    __builtin_memcpy(&word, from, 4);
    return word;
}

THIMBLE_INLINE void thimble_store_pair(void *to, uint32_t first, uint32_t second)
{
    const uint64_t pair = (uint64_t)second << 32 | first;

    __builtin_memcpy(__builtin_assume_aligned(to, 8), &pair, 8);
}

/*
 * From a sum to an output. TFLite rounds twice: half up after * multiplier / 2^31, then half away from zero after / 2^e.
 * Floors compose, so both are one floor after one addition: with the sum scaled by 2^k,
 *
 *   (sum * 2^k * multiplier / 2^32 + offset) >> (e + k - 1),   offset = 2^(e + k - 2) + 2^(k - 2) + zero_point * 2^(e + k - 1)
 *
 * k makes e + k the same in all channels and is at least 2, so that the offset is whole. A negative number rounds its half
 * down: 2^(k - 1) less (`below_zero`); where the activation clamps at the zero_point it makes no difference and is left out.
 * The host has proved that nothing leaves 32 bits.
 */
typedef struct {
    int32_t multiplier;
    int32_t offset;
    int32_t below_zero;
    int32_t scale; /* k where the sum does not have it yet, 0 where the weights brought it */
} thimble_dsp_scale;

/* What a layer's channels have in common. */
typedef struct {
    int32_t base; /* of the offsets: without 2^(k - 2) */
    int32_t shift; /* e + k - 1 */
    int32_t clamps_below_zero;
    int32_t activation_min;
    int32_t activation_max;
} thimble_dsp_output;

/* A channel's constants: bias, multiplier, and k, or for wide weights the whole offset. */
#define THIMBLE_DSP_CHANNEL_WORDS 3

THIMBLE_INLINE thimble_dsp_scale thimble_dsp_scale_of(
    const int32_t *channel, int32_t wide, const thimble_dsp_output *to)
{
    thimble_dsp_scale scale;

    scale.multiplier = channel[1];
    if (wide) {
        scale.offset = channel[2];
        scale.below_zero = 2 * (channel[2] - to->base);
        scale.scale = 0;
    } else {
        const int32_t step = (int32_t)((uint32_t)1 << (channel[2] - 2));
        scale.offset = to->base + step;
        scale.below_zero = 2 * step;
        scale.scale = channel[2];
    }
    return scale;
}

/* a >> shift, within int8 */
#if defined(__ARM_FEATURE_DSP) && defined(__OPTIMIZE__)
#define THIMBLE_SATURATED_SHIFT(result, a, shift)                                                                     \
    __asm__("ssat %0, #8, %1, asr %2" : "=r"(result) : "r"(a), "i"(shift))
#else
#define THIMBLE_SATURATED_SHIFT(result, a, shift)                                                                     \
    result = THIMBLE_MIN(THIMBLE_MAX((a) >> (shift), -128), 127)
#endif

THIMBLE_INLINE int8_t thimble_dsp_requantize(
    int32_t sum, const thimble_dsp_scale *scale, int32_t wide, const thimble_dsp_output *to)
{
    const int32_t scaled = wide ? sum : (int32_t)((uint32_t)sum << scale->scale);
    int32_t high = thimble_smmla(scaled, scale->multiplier, scale->offset);
    int32_t result;

    if (!to->clamps_below_zero)
        high -= (scaled >> 31) & scale->below_zero;
    THIMBLE_SATURATED_SHIFT(result, high, to->shift);
    if (to->activation_min > -128)
        result = THIMBLE_MAX(result, to->activation_min);
    if (to->activation_max < 127)
        result = THIMBLE_MIN(result, to->activation_max);
    return (int8_t)result;
}

/* One step: four taps of a pixel and of two channels. `next` lies between steps, `second` and `third` between pixels. */
#define THIMBLE_DSP_WIDE "ldrd %[w0], %[w1], [%[w]], #8\n\tldrd %[w2], %[w3], [%[w]], #8\n\t"
#define THIMBLE_DSP_NARROW                                                                                            \
    "ldrd %[w1], %[w3], [%[w]], #8\n\tsxtb16 %[w0], %[w1]\n\tsxtb16 %[w1], %[w1], ror #8\n\t"                         \
    "sxtb16 %[w2], %[w3]\n\tsxtb16 %[w3], %[w3], ror #8\n\t"
#define THIMBLE_DSP_PRODUCTS(a, b)                                                                                    \
    "smlad %[" a "], %[x0], %[w0], %[" a "]\n\tsmlad %[" b "], %[x0], %[w2], %[" b "]\n\t"                            \
    "smlad %[" a "], %[x1], %[w1], %[" a "]\n\tsmlad %[" b "], %[x1], %[w3], %[" b "]\n\t"
#define THIMBLE_DSP_STEP_1(weights) weights "ldrd %[x0], %[x1], [%[x]], %[next]\n\t" THIMBLE_DSP_PRODUCTS("a0", "b0")
#define THIMBLE_DSP_STEP_2(weights)                                                                                   \
    weights "ldrd %[x0], %[x1], [%[x], %[second]]\n\t" THIMBLE_DSP_PRODUCTS("a1", "b1")                               \
        "ldrd %[x0], %[x1], [%[x]], %[next]\n\t" THIMBLE_DSP_PRODUCTS("a0", "b0")
#define THIMBLE_DSP_STEP_3(weights)                                                                                   \
    weights "ldrd %[x0], %[x1], [%[x], %[second]]\n\t" THIMBLE_DSP_PRODUCTS("a1", "b1")                               \
        "ldrd %[x0], %[x1], [%[x], %[third]]\n\t" THIMBLE_DSP_PRODUCTS("a2", "b2")                                    \
            "ldrd %[x0], %[x1], [%[x]], %[next]\n\t" THIMBLE_DSP_PRODUCTS("a0", "b0")

/* Of up to three pixels: a of the first channel, b of the second. Not arrays, which gcc would keep in memory. */
typedef struct {
    int32_t a0, a1, a2, b0, b1, b2;
} thimble_dsp_sums;

#if defined(__ARM_FEATURE_DSP)
#define THIMBLE_DSP_TEMPORARIES                                                                                       \
    [w0] "=&r"(w0), [w1] "=&r"(w1), [w2] "=&r"(w2), [w3] "=&r"(w3), [x0] "=&r"(x0), [x1] "=&r"(x1)
#define THIMBLE_DSP_RUN_1(text)                                                                                       \
    __asm__ volatile(text                                                                                             \
                     : [a0] "+r"(a0), [b0] "+r"(b0), [x] "+r"(x), [w] "+r"(w), THIMBLE_DSP_TEMPORARIES                \
                     : [next] "i"(next)                                                                               \
                     : "memory")
#define THIMBLE_DSP_RUN_2(text)                                                                                       \
    __asm__ volatile(text                                                                                             \
                     : [a0] "+r"(a0), [b0] "+r"(b0), [a1] "+r"(a1), [b1] "+r"(b1), [x] "+r"(x), [w] "+r"(w),          \
                       THIMBLE_DSP_TEMPORARIES                                                                        \
                     : [next] "i"(next), [second] "i"(second)                                                         \
                     : "memory")
#define THIMBLE_DSP_RUN_3(text)                                                                                       \
    __asm__ volatile(text                                                                                             \
                     : [a0] "+r"(a0), [b0] "+r"(b0), [a1] "+r"(a1), [b1] "+r"(b1), [a2] "+r"(a2), [b2] "+r"(b2),      \
                       [x] "+r"(x), [w] "+r"(w), THIMBLE_DSP_TEMPORARIES                                              \
                     : [next] "i"(next), [second] "i"(second), [third] "i"(2 * (second))                              \
                     : "memory")
/* `steps` in loops of `unroll` of them, which divides it. */
#define THIMBLE_DSP_UNROLL(run, step)                                                                                 \
    do {                                                                                                              \
        if (unroll == 1)                                                                                              \
            run(step);                                                                                                \
        else if (unroll == 2)                                                                                         \
            run(step step);                                                                                           \
        else if (unroll == 3)                                                                                         \
            run(step step step);                                                                                      \
        else if (unroll == 4)                                                                                         \
            run(step step step step);                                                                                 \
        else if (unroll == 5)                                                                                         \
            run(step step step step step);                                                                            \
        else if (unroll == 6)                                                                                         \
            run(step step step step step step);                                                                       \
        else if (unroll == 7)                                                                                         \
            run(step step step step step step step);                                                                  \
        else if (unroll == 8)                                                                                         \
            run(step step step step step step step step);                                                             \
        else if (unroll == 9)                                                                                         \
            run(step step step step step step step step step);                                                        \
        else if (unroll == 10)                                                                                        \
            run(step step step step step step step step step step);                                                   \
        else if (unroll == 12)                                                                                        \
            run(step step step step step step step step step step step step);                                         \
        else                                                                                                          \
            run(step step step step step step step step step step step step step step step step);                     \
    } while (x != end)
#endif

/*
 * Adds `steps` steps of products to the sums of 1 to 3 pixels and two channels. @param second bytes from a pixel to the
 * next; @param next bytes from a step to the next; both at most 508. Returns where the weights go on.
 */
THIMBLE_INLINE const int32_t *thimble_dsp_dot(
    thimble_dsp_sums *sums, const int16_t *values, const int32_t *weights, int32_t pixels, int32_t wide, int32_t steps,
    int32_t unroll, const int32_t second, const int32_t next)
{
#if defined(__ARM_FEATURE_DSP)
    const char *x = (const char *)values;
    const char *w = (const char *)weights;
    const char *const end = x + steps * next;
    int32_t a0 = sums->a0, b0 = sums->b0, a1 = sums->a1, b1 = sums->b1, a2 = sums->a2, b2 = sums->b2;
    uint32_t w0, w1, w2, w3, x0, x1;

    if (pixels == 3 && wide)
        THIMBLE_DSP_UNROLL(THIMBLE_DSP_RUN_3, THIMBLE_DSP_STEP_3(THIMBLE_DSP_WIDE));
    else if (pixels == 3)
        THIMBLE_DSP_UNROLL(THIMBLE_DSP_RUN_3, THIMBLE_DSP_STEP_3(THIMBLE_DSP_NARROW));
    else if (pixels == 2 && wide)
        THIMBLE_DSP_UNROLL(THIMBLE_DSP_RUN_2, THIMBLE_DSP_STEP_2(THIMBLE_DSP_WIDE));
    else if (pixels == 2)
        THIMBLE_DSP_UNROLL(THIMBLE_DSP_RUN_2, THIMBLE_DSP_STEP_2(THIMBLE_DSP_NARROW));
    else if (wide)
        THIMBLE_DSP_UNROLL(THIMBLE_DSP_RUN_1, THIMBLE_DSP_STEP_1(THIMBLE_DSP_WIDE));
    else
        THIMBLE_DSP_UNROLL(THIMBLE_DSP_RUN_1, THIMBLE_DSP_STEP_1(THIMBLE_DSP_NARROW));
    sums->a0 = a0;
    sums->b0 = b0;
    sums->a1 = a1;
    sums->b1 = b1;
    sums->a2 = a2;
    sums->b2 = b2;
    return (const int32_t *)(const void *)w;
#else
    (void)unroll;
    for (int32_t step = 0; step < steps; step++) {
        uint32_t w[4];

        for (int32_t i = 0; i < 4; i++) {
            const uint32_t narrow = (uint32_t)weights[i >> 1];
            w[i] = wide ? (uint32_t)weights[i] : i & 1 ? thimble_sxtb16_odd(narrow) : thimble_sxtb16(narrow);
        }
        weights += wide ? 4 : 2;
        for (int32_t p = 0; p < pixels; p++) {
            const int16_t *const x = values + (step * next + p * second) / 2;
            const uint32_t low = thimble_load_word(x), high = thimble_load_word(x + 2);
            int32_t *const a = p == 0 ? &sums->a0 : p == 1 ? &sums->a1 : &sums->a2;
            int32_t *const b = p == 0 ? &sums->b0 : p == 1 ? &sums->b1 : &sums->b2;
            *a = thimble_smlad(high, w[1], thimble_smlad(low, w[0], *a));
            *b = thimble_smlad(high, w[3], thimble_smlad(low, w[2], *b));
        }
    }
    return weights;
#endif
}

#endif
