/*
 * What the kernels for AVR share. MUL takes 8 bits by 8, so values and weights stay bytes: both with 128 added, since a sum of
 * products that are never negative needs no sign extension. Sums are kept to 24 bits; the host has proved that
 * they fit where they end, and what overflows on the way comes back.
 *
 *   sum of (x - zero_point) w = sum of x' w' - 128 sum of x' - (zero_point + 128) sum of w,    x' = x + 128, w' = w + 128
 *
 * The second term is the pixel's, `total`; the third is part of the channel's bias. Code is short before it is fast: the
 * functions below are shared by all layers.
 */
#ifndef THIMBLE_AVR_H
#define THIMBLE_AVR_H

#include "thimble_base.h"

#if defined(__AVR_HAVE_MUL__) && defined(__AVR_HAVE_LPMX__)
#define THIMBLE_AVR_ASM 1
__extension__ typedef __uint24 thimble_avr_sum; /* there are not enough registers for four of 32 bits */
#else
#define THIMBLE_AVR_ASM 0
#endif

/* Of a channel: bias, multiplier, rounding (see thimble_avr_requantize). */
#define THIMBLE_AVR_CHANNEL 3

typedef struct {
    const uint8_t *weights; /* four channels in turn for each tap; the last one or two by themselves */
    const int32_t *channels;
    const uint8_t *shifts;
    uint16_t taps; /* at least 1 */
    uint16_t outputs;
    uint8_t saturates; /* whether sums must be clamped first */
    uint8_t clamps_below_zero;
    int8_t activation_min;
    int8_t activation_max;
} thimble_avr_matrix;

/* The low 24 bits, signed. */
THIMBLE_INLINE int32_t thimble_avr_signed(uint32_t sum)
{
    return (int32_t)((sum & 0xffffffu) ^ 0x800000u) - 0x800000;
}

/* (sum * multiplier) >> 21, exactly. @param sum of less than 2^20 */
THIMBLE_INLINE int32_t thimble_avr_scale(int32_t sum, int32_t multiplier)
{
#if THIMBLE_AVR_ASM
    const int32_t eighth = sum * 8; /* of 24 bits: what is left out of the product are whole bytes */
    int32_t result;
    uint8_t low, next, zero;

    __asm__("clr %[zero]\n\t"
            "clr %[next]\n\t"
            "clr %A[result]\n\t"
            "clr %B[result]\n\t"
            "clr %C[result]\n\t"
            "clr %D[result]\n\t"
            "mul %A[a], %A[m]\n\t"
            "mov %[low], r1\n\t"
#define THIMBLE_AVR_PART(a, m, low, high, over)                                                                       \
    "mul " a ", " m "\n\tadd " low ", r0\n\tadc " high ", r1\n\tadc " over ", %[zero]\n\t"
            THIMBLE_AVR_PART("%A[a]", "%B[m]", "%[low]", "%[next]", "%A[result]")
            THIMBLE_AVR_PART("%B[a]", "%A[m]", "%[low]", "%[next]", "%A[result]")
            THIMBLE_AVR_PART("%A[a]", "%C[m]", "%[next]", "%A[result]", "%B[result]")
            THIMBLE_AVR_PART("%B[a]", "%B[m]", "%[next]", "%A[result]", "%B[result]")
            THIMBLE_AVR_PART("%C[a]", "%A[m]", "%[next]", "%A[result]", "%B[result]")
            THIMBLE_AVR_PART("%A[a]", "%D[m]", "%A[result]", "%B[result]", "%C[result]")
            THIMBLE_AVR_PART("%B[a]", "%C[m]", "%A[result]", "%B[result]", "%C[result]")
            THIMBLE_AVR_PART("%C[a]", "%B[m]", "%A[result]", "%B[result]", "%C[result]")
            THIMBLE_AVR_PART("%B[a]", "%D[m]", "%B[result]", "%C[result]", "%D[result]")
            THIMBLE_AVR_PART("%C[a]", "%C[m]", "%B[result]", "%C[result]", "%D[result]")
            "mul %C[a], %D[m]\n\t"
            "add %C[result], r0\n\t"
            "adc %D[result], r1\n\t"
            "sbrs %C[a], 7\n\t" /* a negative one was 2^24 too large */
            "rjmp 1f\n\t"
            "sub %A[result], %A[m]\n\t"
            "sbc %B[result], %B[m]\n\t"
            "sbc %C[result], %C[m]\n\t"
            "sbc %D[result], %D[m]\n"
            "1:\n\t"
            "clr r1"
            : [result] "=&r"(result), [low] "=&r"(low), [next] "=&r"(next), [zero] "=&r"(zero)
            : [a] "r"(eighth), [m] "r"(multiplier)
            : "r0");
#undef THIMBLE_AVR_PART
    return result;
#else
    return (int32_t)(((int64_t)sum * multiplier) >> 21);
#endif
}

/*
 * From a sum to an output. TFLite's two roundings are one floor (floors compose), here all halved:
 *
 *   ((sum * multiplier) >> 21) + rounding >> (shift - 1),    rounding = (2^10 + 2^(shift - 1) + zero_point * 2^shift) / 2
 *
 * with shift = 11 + e; a negative sum rounds its half down, 2^10 less, which makes no difference where the activation
 * clamps at the zero_point. The host has proved |sum| < 2^20, or that the output is saturated beyond.
 */
#define THIMBLE_AVR_SUM_LIMIT 0xfffff

THIMBLE_INLINE int8_t thimble_avr_requantize(
    int32_t sum, int32_t multiplier, int32_t rounding, uint8_t shift, const thimble_avr_matrix *to)
{
    int32_t result;
    uint8_t left;

    if (to->saturates)
        sum = THIMBLE_MIN(THIMBLE_MAX(sum, -(int32_t)THIMBLE_AVR_SUM_LIMIT), (int32_t)THIMBLE_AVR_SUM_LIMIT);
    result = thimble_avr_scale(sum, multiplier) + rounding;
    if (!to->clamps_below_zero && sum < 0)
        result -= 1024;
    for (left = (uint8_t)(shift - 1); left >= 8; left = (uint8_t)(left - 8)) /* whole bytes cost nothing */
        result >>= 8;
    for (; left > 0; left--)
        result >>= 1;
    return (int8_t)THIMBLE_MIN(THIMBLE_MAX(result, to->activation_min), to->activation_max);
}

#endif
