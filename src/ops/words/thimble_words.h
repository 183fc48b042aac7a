/*
 * What the kernels for cores without SIMD share (ARMv6-M, ARMv7-M, RV32IM): inputs are widened once to 32 bits and laid
 * out so that one LDM loads the same tap of up to five pixels; every weight is loaded once for all of them.
 *
 * Weights are kept with 128 added where they are all there, since an unsigned byte is loaded with an offset and a signed one is not (ARMv6-M): the
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
#define THIMBLE_WORDS_SKIP(at) "ldrb r3, [r1, #" #at "]\n\tlsls r3, r3, #2\n\tadds r0, r0, r3\n\t"
#define THIMBLE_WORDS_SIGNED(at) "ldrb r2, [r1, #" #at "]\n\tsxtb r2, r2\n\t"
#define THIMBLE_WORDS_PLACE "m" /* there is no register left for it */
#define THIMBLE_WORDS_ENTRY "ldr r3, %[codebook]\n\tldrb r2, [r3, r2]\n\t"
#define THIMBLE_WORDS_LOW "lsls r2, r2, #28\n\tlsrs r2, r2, #28\n\t"
#define THIMBLE_WORDS_ADD(acc, x) "muls " x ", r2, " x "\n\tadd " acc ", " acc ", " x "\n\t"
#elif defined(__ARM_ARCH_7M__) || defined(__ARM_ARCH_7EM__) || defined(__ARM_ARCH_8M_MAIN__)
#define THIMBLE_WORDS_SKIP(at) "ldrb r3, [r1, #" #at "]\n\tadd.w r0, r0, r3, lsl #2\n\t"
#define THIMBLE_WORDS_SIGNED(at) "ldrsb.w r2, [r1, #" #at "]\n\t"
#define THIMBLE_WORDS_PLACE "h"
#define THIMBLE_WORDS_ENTRY "ldrb.w r2, [%[codebook], r2]\n\t"
#define THIMBLE_WORDS_LOW "and r2, r2, #15\n\t"
#define THIMBLE_WORDS_ADD(acc, x) "mla " acc ", " x ", r2, " acc "\n\t"
#endif

/*
 * How the weights of a layer lie. Either all taps are there, a byte each with 128 added; or `lengths` is given and a
 * channel's taps that are not 0 follow one another, with the words of inputs to skip before each, in so many bytes, four
 * taps or a multiple; or `codebook` is given and a byte holds the places in it of two taps, the first in its upper half.
 */
typedef struct {
    const uint8_t *bytes;
    const uint16_t *lengths;
    const uint8_t *codebook;
    int32_t taps; /* of a channel, a multiple of unroll */
    int32_t unroll; /* 16, 8 or 1; with a codebook 8 */
} thimble_words_weights;

#if defined(THIMBLE_WORDS_ADD)
#define THIMBLE_WORDS_WEIGHT(at) "ldrb r2, [r1, #" #at "]\n\t"
#define THIMBLE_WORDS_FIRST(at) THIMBLE_WORDS_WEIGHT(at) "lsrs r2, r2, #4\n\t" THIMBLE_WORDS_ENTRY
#define THIMBLE_WORDS_SECOND(at) THIMBLE_WORDS_WEIGHT(at) THIMBLE_WORDS_LOW THIMBLE_WORDS_ENTRY
#define THIMBLE_WORDS_NEXT(skip, at) THIMBLE_WORDS_SKIP(skip) THIMBLE_WORDS_SIGNED(at)

/* A tap: its weight, its values of so many pixels, a product for each of the first of them. */
#define THIMBLE_WORDS_TAP_1(weight, values)                                                                           \
    weight "ldmia r0!, {" values "}\n\t" THIMBLE_WORDS_ADD("r8", "r3")
#define THIMBLE_WORDS_TAP_2(weight, values) THIMBLE_WORDS_TAP_1(weight, values) THIMBLE_WORDS_ADD("r9", "r4")
#define THIMBLE_WORDS_TAP_3(weight, values) THIMBLE_WORDS_TAP_2(weight, values) THIMBLE_WORDS_ADD("r10", "r5")
#define THIMBLE_WORDS_TAP_4(weight, values) THIMBLE_WORDS_TAP_3(weight, values) THIMBLE_WORDS_ADD("r11", "r6")
#define THIMBLE_WORDS_TAP_5(weight, values) THIMBLE_WORDS_TAP_4(weight, values) THIMBLE_WORDS_ADD("r12", "r7")
#define THIMBLE_WORDS_VALUES_1 "r3"
#define THIMBLE_WORDS_VALUES_2 "r3, r4"
#define THIMBLE_WORDS_VALUES_3 "r3, r4, r5"
#define THIMBLE_WORDS_VALUES_4 "r3, r4, r5, r6"
#define THIMBLE_WORDS_VALUES_5 "r3, r4, r5, r6, r7"

#define THIMBLE_WORDS_4(tap, values, a, b, c, d)                                                                      \
    tap(THIMBLE_WORDS_WEIGHT(a), values) tap(THIMBLE_WORDS_WEIGHT(b), values)                                         \
    tap(THIMBLE_WORDS_WEIGHT(c), values) tap(THIMBLE_WORDS_WEIGHT(d), values)
#define THIMBLE_WORDS_8(tap, values) THIMBLE_WORDS_4(tap, values, 0, 1, 2, 3) THIMBLE_WORDS_4(tap, values, 4, 5, 6, 7)
#define THIMBLE_WORDS_16(tap, values)                                                                                 \
    THIMBLE_WORDS_8(tap, values)                                                                                      \
    THIMBLE_WORDS_4(tap, values, 8, 9, 10, 11) THIMBLE_WORDS_4(tap, values, 12, 13, 14, 15)
#define THIMBLE_WORDS_SPARSE(tap, values)                                                                             \
    tap(THIMBLE_WORDS_NEXT(0, 1), values) tap(THIMBLE_WORDS_NEXT(2, 3), values)                                       \
    tap(THIMBLE_WORDS_NEXT(4, 5), values) tap(THIMBLE_WORDS_NEXT(6, 7), values)
#define THIMBLE_WORDS_PAIR(tap, values, at) tap(THIMBLE_WORDS_FIRST(at), values) tap(THIMBLE_WORDS_SECOND(at), values)
#define THIMBLE_WORDS_CODED(tap, values)                                                                              \
    THIMBLE_WORDS_PAIR(tap, values, 0) THIMBLE_WORDS_PAIR(tap, values, 1)                                             \
    THIMBLE_WORDS_PAIR(tap, values, 2) THIMBLE_WORDS_PAIR(tap, values, 3)

/*
 * Blocks take the sums into registers and give them back. The sums lie in r8 to r12, since the low registers are taken. For ARMv6-M gcc at -Os hands out no high registers, nor
 * does it save those of its caller: there the block does both itself, in a frame that lr points at.
 */
#if defined(__ARM_ARCH_6M__) && defined(__OPTIMIZE_SIZE__)
#define THIMBLE_WORDS_OPENING                                                                                         \
    "mov lr, r12\n\tmov r2, r12\n\tldmia r2!, {r3, r4, r5, r6, r7}\n\tmov r12, r7\n\t"                                \
    "mov r7, r8\n\tmov r8, r3\n\tmov r3, r9\n\tmov r9, r4\n\tmov r4, r10\n\tmov r10, r5\n\t"                         \
    "mov r5, r11\n\tmov r11, r6\n\tstmia r2!, {r3, r4, r5, r7}\n\t"
#define THIMBLE_WORDS_CLOSING                                                                                         \
    "\n\tmov r2, lr\n\tmov r3, r8\n\tmov r4, r9\n\tmov r5, r10\n\tmov r6, r11\n\tmov r7, r12\n\t"                    \
    "stmia r2!, {r3, r4, r5, r6, r7}\n\tldmia r2!, {r3, r4, r5, r7}\n\t"                                             \
    "mov r8, r7\n\tmov r9, r3\n\tmov r10, r4\n\tmov r11, r5"
#define THIMBLE_WORDS_TAKE(from)                                                                                      \
    struct {                                                                                                          \
        thimble_words_sums sums;                                                                                      \
        int32_t callers[4];                                                                                           \
    } both;                                                                                                           \
    register void *frame __asm__("r12");                                                                              \
    both.sums = *(from);                                                                                              \
    frame = &both
#define THIMBLE_WORDS_GIVE(to) *(to) = both.sums
#define THIMBLE_WORDS_SUMS "+h"(frame)
#define THIMBLE_WORDS_LINK "lr",
#else
#define THIMBLE_WORDS_OPENING ""
#define THIMBLE_WORDS_CLOSING ""
#define THIMBLE_WORDS_TAKE(from)                                                                                      \
    register int32_t a0 __asm__("r8") = (from)->a0;                                                                   \
    register int32_t a1 __asm__("r9") = (from)->a1;                                                                   \
    register int32_t a2 __asm__("r10") = (from)->a2;                                                                  \
    register int32_t a3 __asm__("r11") = (from)->a3;                                                                  \
    register int32_t a4 __asm__("r12") = (from)->a4
#define THIMBLE_WORDS_GIVE(to)                                                                                        \
    ((to)->a0 = a0, (to)->a1 = a1, (to)->a2 = a2, (to)->a3 = a3, (to)->a4 = a4)
#define THIMBLE_WORDS_SUMS "+h"(a0), "+h"(a1), "+h"(a2), "+h"(a3), "+h"(a4)
#define THIMBLE_WORDS_LINK
#endif

#define THIMBLE_WORDS_LOOP(taps, bytes, inputs)                                                                       \
    __asm__ volatile(".syntax unified\n\t" THIMBLE_WORDS_OPENING "1:\n\t" taps "adds r1, #" #bytes                    \
                     "\n\tldr r2, %[end]\n\tcmp r1, r2\n\tbeq 2f\n\tb 1b\n2:" THIMBLE_WORDS_CLOSING                     \
                     : THIMBLE_WORDS_SUMS, "+l"(x), "+l"(w)                                                           \
                     : inputs [end] "m"(end)                                                                          \
                     : "r2", "r3", "r4", "r5", "r6", "r7", THIMBLE_WORDS_LINK "cc", "memory")
#define THIMBLE_WORDS_NO_INPUTS
#define THIMBLE_WORDS_BOOK [codebook] THIMBLE_WORDS_PLACE(codebook),
/* The last pixels of a row may be fewer than lie side by side where taps are skipped; so it loads them all. */
#define THIMBLE_WORDS_RUN(tap, values)                                                                           \
    do {                                                                                                              \
        if (from->lengths && stride == 5)                                                                             \
            THIMBLE_WORDS_LOOP(THIMBLE_WORDS_SPARSE(tap, THIMBLE_WORDS_VALUES_5), 8, THIMBLE_WORDS_NO_INPUTS); \
        else if (from->lengths && stride == 4)                                                                        \
            THIMBLE_WORDS_LOOP(THIMBLE_WORDS_SPARSE(tap, THIMBLE_WORDS_VALUES_4), 8, THIMBLE_WORDS_NO_INPUTS); \
        else if (from->lengths)                                                                                       \
            THIMBLE_WORDS_LOOP(THIMBLE_WORDS_SPARSE(tap, values), 8, THIMBLE_WORDS_NO_INPUTS);           \
        else if (from->codebook)                                                                                      \
            THIMBLE_WORDS_LOOP(THIMBLE_WORDS_CODED(tap, values), 4, THIMBLE_WORDS_BOOK);                 \
        else if (from->unroll == 16)                                                                                  \
            THIMBLE_WORDS_LOOP(THIMBLE_WORDS_16(tap, values), 16, THIMBLE_WORDS_NO_INPUTS);              \
        else if (from->unroll == 8)                                                                                   \
            THIMBLE_WORDS_LOOP(THIMBLE_WORDS_8(tap, values), 8, THIMBLE_WORDS_NO_INPUTS);                \
        else                                                                                                          \
            THIMBLE_WORDS_LOOP(tap(THIMBLE_WORDS_WEIGHT(0), values), 1, THIMBLE_WORDS_NO_INPUTS);        \
    } while (0)
#endif

/*
 * Adds to the sums the taps that lie in `length` bytes from `weights` on, of 1 to 5 pixels. @param stride words from a tap
 * to the next: as many as pixels, or where taps are skipped, always the most
 */
THIMBLE_INLINE void thimble_words_dot(
    thimble_words_sums *sums, const int32_t *values, const thimble_words_weights *from, const uint8_t *weights,
    int32_t length, int32_t pixels, int32_t stride)
{
    const uint8_t *const end = weights + length;
#if defined(THIMBLE_WORDS_ADD)
    register const int32_t *x __asm__("r0") = values;
    register const uint8_t *w __asm__("r1") = weights;
    const uint8_t *const codebook = from->codebook;
    THIMBLE_WORDS_TAKE(sums);

    (void)codebook;
    (void)stride;
    if (pixels == 5)
        THIMBLE_WORDS_RUN(THIMBLE_WORDS_TAP_5, THIMBLE_WORDS_VALUES_5);
    else if (pixels == 4)
        THIMBLE_WORDS_RUN(THIMBLE_WORDS_TAP_4, THIMBLE_WORDS_VALUES_4);
    else if (pixels == 3)
        THIMBLE_WORDS_RUN(THIMBLE_WORDS_TAP_3, THIMBLE_WORDS_VALUES_3);
    else if (pixels == 2)
        THIMBLE_WORDS_RUN(THIMBLE_WORDS_TAP_2, THIMBLE_WORDS_VALUES_2);
    else
        THIMBLE_WORDS_RUN(THIMBLE_WORDS_TAP_1, THIMBLE_WORDS_VALUES_1);
    THIMBLE_WORDS_GIVE(sums);
#else
    for (int32_t second = 0; weights != end; values += stride) {
        int32_t weight;

        if (from->lengths) {
            values += weights[0];
            weight = (int8_t)weights[1];
            weights += 2;
        } else if (from->codebook) {
            weight = from->codebook[second ? *weights & 15 : *weights >> 4];
            weights += second;
            second ^= 1;
        } else {
            weight = *weights++;
        }
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
 * down; or where a core has the upper half of a product in one instruction, that. The host has proved |sum| < 2^20, or that
 * beyond it the output is saturated, so that the sum may be, too.
 */
typedef struct {
    int32_t zero_point;
    int32_t saturates; /* whether the sum must be clamped first */
    int32_t clamps_below_zero;
    int32_t activation_min;
    int32_t activation_max;
} thimble_words_output;

#define THIMBLE_WORDS_SUM_LIMIT 0xfffff

/* Whether the upper half of a 64-bit product is one instruction. */
#if defined(__ARM_ARCH_6M__) || defined(__AVR__)
#define THIMBLE_WORDS_LONG_PRODUCT 0
#else
#define THIMBLE_WORDS_LONG_PRODUCT 1
#endif

THIMBLE_INLINE int8_t thimble_words_requantize(
    int32_t sum, int32_t multiplier, int32_t shift, const thimble_words_output *to)
{
    const int32_t rounding = (1 << 10) + (1 << (shift - 1)) + to->zero_point * (1 << shift); /* shift = 11 + e */
    int32_t result;

    if (to->saturates)
        sum = THIMBLE_MIN(THIMBLE_MAX(sum, -THIMBLE_WORDS_SUM_LIMIT), THIMBLE_WORDS_SUM_LIMIT);
#if THIMBLE_WORDS_LONG_PRODUCT
    /* All halved: the sum times 2^11 is the most that 32 bits hold. */
    result = (int32_t)(((int64_t)(sum * (1 << 11)) * multiplier) >> 32) + (rounding >> 1);
    if (!to->clamps_below_zero)
        result += (sum >> 31) * (1 << 10);
    result >>= shift - 1;
#else
    const int32_t low = multiplier & 0xfffff;

    result = (sum & 0x7ff) * low;
    result = ((sum >> 11) * low + (int32_t)((uint32_t)result >> 11)) >> 9;
    result += sum * (multiplier >> 20) + rounding;
    if (!to->clamps_below_zero)
        result += (sum >> 31) * (1 << 11);
    result >>= shift;
#endif
    return (int8_t)THIMBLE_MIN(THIMBLE_MAX(result, to->activation_min), to->activation_max);
}

/* A channel's bias and multiplier; its shift lies in a list of its own. */
#define THIMBLE_WORDS_CHANNEL 2

/* Where a pixel's sum starts: weights that have 128 added are too large by so many times the sum of its values. */
THIMBLE_INLINE int32_t thimble_words_start(int32_t bias, const int32_t *total, const thimble_words_weights *from)
{
    return from->lengths ? bias : bias - *total;
}

THIMBLE_INLINE thimble_words_sums thimble_words_starts(
    int32_t bias, const int32_t *totals, int32_t pixels, const thimble_words_weights *from)
{
    thimble_words_sums sums = {0, 0, 0, 0, 0};

    sums.a0 = thimble_words_start(bias, totals, from);
    if (pixels > 1)
        sums.a1 = thimble_words_start(bias, totals + 1, from);
    if (pixels > 2)
        sums.a2 = thimble_words_start(bias, totals + 2, from);
    if (pixels > 3)
        sums.a3 = thimble_words_start(bias, totals + 3, from);
    if (pixels > 4)
        sums.a4 = thimble_words_start(bias, totals + 4, from);
    return sums;
}

/* One channel of 1 to 5 pixels. @param step from a pixel's output to the next one's */
THIMBLE_INLINE void thimble_words_finish(
    const thimble_words_sums *sums, int32_t pixels, int32_t multiplier, int32_t shift, const thimble_words_output *to,
    int8_t *output, int32_t step)
{
    output[0] = thimble_words_requantize(sums->a0, multiplier, shift, to);
    if (pixels > 1)
        output[step] = thimble_words_requantize(sums->a1, multiplier, shift, to);
    if (pixels > 2)
        output[2 * step] = thimble_words_requantize(sums->a2, multiplier, shift, to);
    if (pixels > 3)
        output[3 * step] = thimble_words_requantize(sums->a3, multiplier, shift, to);
    if (pixels > 4)
        output[4 * step] = thimble_words_requantize(sums->a4, multiplier, shift, to);
}

/* RV32 has registers for two channels at a time: an input that is loaded serves both. All taps are there. */
#if defined(__riscv)
#define THIMBLE_WORDS_PAIRS 1
#else
#define THIMBLE_WORDS_PAIRS 0
#endif

THIMBLE_INLINE void thimble_words_dot_pair(
    thimble_words_sums *one, thimble_words_sums *two, const int32_t *values, const uint8_t *weights, int32_t taps,
    int32_t pixels, int32_t stride)
{
    const uint8_t *const end = weights + taps;
    thimble_words_sums a = *one, b = *two;

    for (; weights != end; weights++, values += stride) {
        const int32_t first = weights[0], second = weights[taps];

        a.a0 += values[0] * first;
        b.a0 += values[0] * second;
        if (pixels > 1) {
            a.a1 += values[1] * first;
            b.a1 += values[1] * second;
        }
        if (pixels > 2) {
            a.a2 += values[2] * first;
            b.a2 += values[2] * second;
        }
        if (pixels > 3) {
            a.a3 += values[3] * first;
            b.a3 += values[3] * second;
        }
        if (pixels > 4) {
            a.a4 += values[4] * first;
            b.a4 += values[4] * second;
        }
    }
    *one = a;
    *two = b;
}

/* All output channels of 1 to 5 pixels. @param values of all taps; @param totals 128 times the sum of each pixel's */
THIMBLE_INLINE void thimble_words_pixels(
    const int32_t *values, const int32_t *totals, int32_t pixels, int32_t stride, const thimble_words_weights *from,
    const int32_t *channel, const uint8_t *shifts, const thimble_words_output *to, int8_t *output,
    int32_t output_channels)
{
    const uint8_t *weights = from->bytes;
    int32_t c = 0;

    if (THIMBLE_WORDS_PAIRS && !from->lengths && !from->codebook)
        for (; c + 1 < output_channels; c += 2, channel += 2 * THIMBLE_WORDS_CHANNEL, weights += 2 * from->taps) {
            const int32_t *const other = channel + THIMBLE_WORDS_CHANNEL;
            thimble_words_sums first = thimble_words_starts(channel[0], totals, pixels, from);
            thimble_words_sums second = thimble_words_starts(other[0], totals, pixels, from);

            thimble_words_dot_pair(&first, &second, values, weights, from->taps, pixels, stride);
            thimble_words_finish(&first, pixels, channel[1], shifts[c], to, output + c, output_channels);
            thimble_words_finish(&second, pixels, other[1], shifts[c + 1], to, output + c + 1, output_channels);
        }
    for (; c < output_channels; c++, channel += THIMBLE_WORDS_CHANNEL) {
        const int32_t length = from->lengths ? from->lengths[c] : from->codebook ? from->taps / 2 : from->taps;
        thimble_words_sums sums = thimble_words_starts(channel[0], totals, pixels, from);

        thimble_words_dot(&sums, values, from, weights, length, pixels, stride);
        weights += length;
        thimble_words_finish(&sums, pixels, channel[1], shifts[c], to, output + c, output_channels);
    }
}

#endif
