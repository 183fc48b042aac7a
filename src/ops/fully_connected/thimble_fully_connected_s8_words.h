/*
 * fully_connected, int8, for cores without SIMD. Equals runInt8 in fully_connected.ts bit for bit. A row is widened once;
 * four units at a time share what they load of it, their weights lying side by side.
 */
#ifndef THIMBLE_FULLY_CONNECTED_S8_WORDS_H
#define THIMBLE_FULLY_CONNECTED_S8_WORDS_H

#include "thimble_words.h"

#if defined(THIMBLE_WORDS_ADD)
#if defined(__ARM_ARCH_6M__)
#define THIMBLE_WORDS_UNIT(at, sum) "ldrb r2, [r1, #" #at "]\n\tmuls r2, r3, r2\n\tadds %[" sum "], %[" sum "], r2\n\t"
#else
#define THIMBLE_WORDS_UNIT(at, sum) "ldrb r2, [r1, #" #at "]\n\tmla %[" sum "], r2, r3, %[" sum "]\n\t"
#endif
#define THIMBLE_WORDS_UNITS(a, b, c, d)                                                                               \
    "ldmia r0!, {r3}\n\t" THIMBLE_WORDS_UNIT(a, "a0") THIMBLE_WORDS_UNIT(b, "a1") THIMBLE_WORDS_UNIT(c, "a2")         \
        THIMBLE_WORDS_UNIT(d, "a3")
#endif

/* Products of `count` values with four units each; `count` is a multiple of 4, or 1. */
THIMBLE_INLINE void thimble_words_units(
    thimble_words_sums *sums, const int32_t *values, const uint8_t *weights, int32_t count)
{
#if defined(THIMBLE_WORDS_ADD)
    register const int32_t *x __asm__("r0") = values;
    register const uint8_t *w __asm__("r1") = weights;
    const int32_t *const end = values + count;
    int32_t a0 = sums->a0, a1 = sums->a1, a2 = sums->a2, a3 = sums->a3;

    if (count == 1)
        __asm__ volatile(".syntax unified\n\t" THIMBLE_WORDS_UNITS(0, 1, 2, 3)
                         : [a0] "+l"(a0), [a1] "+l"(a1), [a2] "+l"(a2), [a3] "+l"(a3), "+l"(x), "+l"(w)
                         :
                         : "r2", "r3", "cc", "memory");
    else
        __asm__ volatile(".syntax unified\n1:\n\t" THIMBLE_WORDS_UNITS(0, 1, 2, 3) THIMBLE_WORDS_UNITS(4, 5, 6, 7)
                             THIMBLE_WORDS_UNITS(8, 9, 10, 11) THIMBLE_WORDS_UNITS(12, 13, 14, 15)
                         "adds r1, #16\n\tldr r2, %[end]\n\tcmp r0, r2\n\tbne 1b"
                         : [a0] "+l"(a0), [a1] "+l"(a1), [a2] "+l"(a2), [a3] "+l"(a3), "+l"(x), "+l"(w)
                         : [end] "m"(end)
                         : "r2", "r3", "cc", "memory");
    sums->a0 = a0;
    sums->a1 = a1;
    sums->a2 = a2;
    sums->a3 = a3;
#else
    for (int32_t k = 0; k < count; k++, weights += 4) {
        sums->a0 += values[k] * weights[0];
        sums->a1 += values[k] * weights[1];
        sums->a2 += values[k] * weights[2];
        sums->a3 += values[k] * weights[3];
    }
#endif
}

/* The output of unit c. */
THIMBLE_INLINE int8_t thimble_words_unit(
    int32_t sum, int32_t c, const int32_t *multipliers, const uint8_t *shifts, int32_t multiplier, int32_t shift,
    const thimble_words_output *to)
{
    return multipliers ? thimble_words_requantize(sum, multipliers[c], shifts[c], to)
                       : thimble_words_requantize(sum, multiplier, shift, to);
}

/*
 * @param count values of a row, rounded up; @param weights units by fours, those beyond the last are 0; @param multipliers
 * and shifts of each unit, or null and what all have
 */
THIMBLE_INLINE void thimble_fully_connected_s8_words(
    const int8_t *input, int32_t rows, int32_t depth, int32_t count, const uint8_t *weights, const int32_t *biases,
    const int32_t *multipliers, const uint8_t *shifts, int32_t multiplier, int32_t shift,
    int32_t saturates, int32_t clamps_below_zero,
    int8_t *output, int32_t units, int32_t output_zero_point, int32_t activation_min, int32_t activation_max,
    int8_t *scratch)
{
    const thimble_words_output to = {
        output_zero_point, saturates, clamps_below_zero, activation_min, activation_max};
    int32_t *const values = (int32_t *)(void *)scratch;

    for (int32_t row = 0; row < rows; row++, input += depth, output += units) {
        int32_t total = 0;

        for (int32_t k = 0; k < depth; k++) {
            values[k] = input[k];
            total += values[k];
        }
        for (int32_t k = depth; k < count; k++)
            values[k] = 0;
        total *= 128;
        for (int32_t c = 0; c < units; c += 4) {
            thimble_words_sums sums;

            sums.a0 = biases[c] - total;
            sums.a1 = biases[c + 1] - total;
            sums.a2 = biases[c + 2] - total;
            sums.a3 = biases[c + 3] - total;
            thimble_words_units(&sums, values, weights + c * count, count);
            output[c] = thimble_words_unit(sums.a0, c, multipliers, shifts, multiplier, shift, &to);
            if (units % 4 == 0 || c + 1 < units)
                output[c + 1] = thimble_words_unit(sums.a1, c + 1, multipliers, shifts, multiplier, shift, &to);
            if (units % 4 == 0 || c + 2 < units)
                output[c + 2] = thimble_words_unit(sums.a2, c + 2, multipliers, shifts, multiplier, shift, &to);
            if (units % 4 == 0 || c + 3 < units)
                output[c + 3] = thimble_words_unit(sums.a3, c + 3, multipliers, shifts, multiplier, shift, &to);
        }
    }
}

#endif
