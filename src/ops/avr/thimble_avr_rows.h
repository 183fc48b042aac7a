/*
 * One output at a time on AVR, for the small layers that fit such a chip: less code than thimble_avr.h, and less to begin
 * and end a sum with; a product takes 12 cycles instead of 9. Sums of 24 bits; weights are read from program memory by an
 * address that counts up.
 *
 * The host has proved |sum| < 2^23 for every input, the zero_point of the input being part of the bias; what overflows
 * on the way wraps and comes back. Functions are called, not in-lined: a layer more takes a few bytes of flash.
 */
#ifndef THIMBLE_AVR_ROWS_H
#define THIMBLE_AVR_ROWS_H

#include "thimble_base.h"

#if defined(__GNUC__)
#define THIMBLE_ROW_FUNCTION static __attribute__((noinline, unused))
#else
#define THIMBLE_ROW_FUNCTION static
#endif

/* The instructions themselves, and a type of three bytes; elsewhere C that computes the same. */
#if defined(__AVR__) && defined(__GNUC__) && !defined(__cplusplus)
#define THIMBLE_ROW_NATIVE 1
__extension__ typedef __int24 thimble_row_s24;
#else
#define THIMBLE_ROW_NATIVE 0
typedef int32_t thimble_row_s24;
#endif

/* How sums become outputs. */
typedef struct {
    int8_t zero_point;
    int8_t activation_min;
    int8_t activation_max;
} thimble_row_output;

/* Taps are counted by fours in a byte: the host has proved that there are 1020 at most. */

#if THIMBLE_ROW_NATIVE
/* A tap: 12 cycles, or 11 where the product is not negative. */
#define THIMBLE_ROW_TAP                                                                                               \
    "ld %[x], X+\n\tlpm %[w], Z+\n\tmuls %[x], %[w]\n\t"                                                              \
    "add %A[sum], r0\n\tadc %B[sum], r1\n\tadc %C[sum], %[zero]\n\tsbrc r1, 7\n\tdec %C[sum]\n\t"

/* sum + the products of so many inputs and weights, these in program memory. */
THIMBLE_ROW_FUNCTION thimble_row_s24 thimble_row_dot(thimble_row_s24 sum, const int8_t *inputs, const int8_t *weights, int16_t taps)
{
    uint8_t fours = (uint8_t)((uint16_t)taps >> 2);
    uint8_t ones = (uint8_t)taps & 3u;
    uint8_t x, w;

    __asm__("tst %[fours]\n\tbreq 2f\n"
            "1:\n\t" THIMBLE_ROW_TAP THIMBLE_ROW_TAP THIMBLE_ROW_TAP THIMBLE_ROW_TAP "dec %[fours]\n\tbrne 1b\n"
            "2:\n\ttst %[ones]\n\tbreq 4f\n"
            "3:\n\t" THIMBLE_ROW_TAP "dec %[ones]\n\tbrne 3b\n"
            "4:\n\tclr __zero_reg__"
            : [sum] "+r"(sum), [x] "=&d"(x), [w] "=&d"(w), "+x"(inputs), "+z"(weights), [fours] "+r"(fours),
              [ones] "+r"(ones)
            : [zero] "r"((uint8_t)0)
            : "r0", "cc", "memory");
    return sum;
}
#else
THIMBLE_ROW_FUNCTION thimble_row_s24 thimble_row_dot(thimble_row_s24 sum, const int8_t *inputs, const int8_t *weights, int16_t taps)
{
    for (int16_t i = 0; i < taps; i++)
        sum += inputs[i] * THIMBLE_LOAD_S8(weights + i);
    return sum;
}
#endif

/* A channel in program memory: its bias in 3 bytes, its multiplier in 4, its exponent in 1. */
#define THIMBLE_ROW_CHANNEL_BYTES 8

typedef struct {
    thimble_row_s24 bias;
    uint32_t multiplier; /* twice TFLite's: over 2^32 */
    uint8_t exponent;    /* 1 or more */
} thimble_row_channel;

#if THIMBLE_ROW_NATIVE
THIMBLE_INLINE thimble_row_channel thimble_row_load(const uint8_t *from)
{
    thimble_row_channel channel;

    __asm__("lpm %A[bias], Z+\n\tlpm %B[bias], Z+\n\tlpm %C[bias], Z+\n\t"
            "lpm %A[multiplier], Z+\n\tlpm %B[multiplier], Z+\n\tlpm %C[multiplier], Z+\n\tlpm %D[multiplier], Z+\n\t"
            "lpm %[exponent], Z+"
            : [bias] "=&r"(channel.bias), [multiplier] "=&r"(channel.multiplier), [exponent] "=&r"(channel.exponent),
              "+z"(from));
    return channel;
}

/*
 * sum * multiplier / 2^32, rounded to nearest with ties up. Twelve products of bytes, column by column: those up to one
 * column never reach beyond two more, so that is how far carries go. The uppermost byte of the sum is taken without its
 * sign, which is put right at the end.
 */
#define THIMBLE_ROW_MUL(a, b, low, next, carry) \
    "mul %" a ", %" b "\n\tadd " low ", r0\n\tadc " next ", r1\n\tadc " carry ", %[zero]\n\t"

THIMBLE_INLINE thimble_row_s24 thimble_row_scale(thimble_row_s24 sum, uint32_t multiplier)
{
    thimble_row_s24 result;
    uint8_t p1, p2, p3;

    __asm__("mul %A[sum], %A[by]\n\tmov %[p1], r1\n\tclr %[p2]\n\tldi %[p3], 0x80\n\t" /* half of 2^32 */
            "clr %A[result]\n\tclr %B[result]\n\tclr %C[result]\n\t"
            THIMBLE_ROW_MUL("A[sum]", "B[by]", "%[p1]", "%[p2]", "%[p3]")
            THIMBLE_ROW_MUL("B[sum]", "A[by]", "%[p1]", "%[p2]", "%[p3]")
            THIMBLE_ROW_MUL("A[sum]", "C[by]", "%[p2]", "%[p3]", "%A[result]")
            THIMBLE_ROW_MUL("B[sum]", "B[by]", "%[p2]", "%[p3]", "%A[result]")
            THIMBLE_ROW_MUL("C[sum]", "A[by]", "%[p2]", "%[p3]", "%A[result]")
            THIMBLE_ROW_MUL("A[sum]", "D[by]", "%[p3]", "%A[result]", "%B[result]")
            THIMBLE_ROW_MUL("B[sum]", "C[by]", "%[p3]", "%A[result]", "%B[result]")
            THIMBLE_ROW_MUL("C[sum]", "B[by]", "%[p3]", "%A[result]", "%B[result]")
            THIMBLE_ROW_MUL("B[sum]", "D[by]", "%A[result]", "%B[result]", "%C[result]")
            THIMBLE_ROW_MUL("C[sum]", "C[by]", "%A[result]", "%B[result]", "%C[result]")
            "mul %C[sum], %D[by]\n\tadd %B[result], r0\n\tadc %C[result], r1\n\t"
            "sbrs %C[sum], 7\n\trjmp 1f\n\t"
            "sub %[p3], %A[by]\n\tsbc %A[result], %B[by]\n\tsbc %B[result], %C[by]\n\tsbc %C[result], %D[by]\n"
            "1:\n\tclr __zero_reg__"
            : [result] "=&r"(result), [p1] "=&r"(p1), [p2] "=&r"(p2), [p3] "=&d"(p3)
            : [sum] "r"(sum), [by] "r"(multiplier), [zero] "r"((uint8_t)0)
            : "r0", "cc");
    return result;
}
#else
THIMBLE_INLINE thimble_row_channel thimble_row_load(const uint8_t *from)
{
    const int32_t low = (int32_t)THIMBLE_LOAD_U8(from) | (int32_t)THIMBLE_LOAD_U8(from + 1) << 8;
    thimble_row_channel channel;

    channel.bias = low + (int8_t)THIMBLE_LOAD_U8(from + 2) * (int32_t)0x10000;
    channel.multiplier = (uint32_t)THIMBLE_LOAD_U8(from + 3) | (uint32_t)THIMBLE_LOAD_U8(from + 4) << 8
                         | (uint32_t)THIMBLE_LOAD_U8(from + 5) << 16 | (uint32_t)THIMBLE_LOAD_U8(from + 6) << 24;
    channel.exponent = THIMBLE_LOAD_U8(from + 7);
    return channel;
}

THIMBLE_INLINE thimble_row_s24 thimble_row_scale(thimble_row_s24 sum, uint32_t multiplier)
{
    return (thimble_row_s24)(((int64_t)sum * multiplier + ((int64_t)1 << 31)) >> 32);
}
#endif

/* TFLite's two roundings: of the product, ties up, and of the shift by 2^exponent, ties away from zero. */
THIMBLE_ROW_FUNCTION int8_t thimble_row_requantize(
    thimble_row_s24 sum, uint32_t multiplier, uint8_t exponent, const thimble_row_output *to)
{
    thimble_row_s24 result = thimble_row_scale(sum, multiplier);
    int16_t output;

    if (result < 0)
        result--;
    if (exponent > 8) {
        result >>= 8;
        exponent = (uint8_t)(exponent - 8u);
    }
    while (--exponent != 0u)
        result >>= 1;
    result = (result + 1) >> 1;
    /* What an activation_max lies at or beyond in either direction needs no exact value. */
    output = result > 255 ? 255 : result < -255 ? -255 : (int16_t)result;
    output = (int16_t)(output + to->zero_point);
    return (int8_t)(output < to->activation_min ? to->activation_min
                    : output > to->activation_max ? to->activation_max
                                                  : output);
}

/* One output: a channel's products with one list of inputs. */
THIMBLE_INLINE int8_t thimble_row_one(
    const int8_t *inputs, int16_t taps, const int8_t *weights, const uint8_t *channel, const thimble_row_output *to)
{
    const thimble_row_channel c = thimble_row_load(channel);

    return thimble_row_requantize(thimble_row_dot(c.bias, inputs, weights, taps), c.multiplier, c.exponent, to);
}

/* All outputs of one list of inputs: a row times a matrix. The outputs may lie where the inputs did not. */
THIMBLE_ROW_FUNCTION void thimble_row_matrix(
    const int8_t *inputs, int16_t taps, const int8_t *weights, const uint8_t *channel, int8_t *output, int16_t outputs,
    const thimble_row_output *to)
{
    for (; outputs > 0; outputs--, weights += taps, channel += THIMBLE_ROW_CHANNEL_BYTES)
        *output++ = thimble_row_one(inputs, taps, weights, channel, to);
}

/* So many lists of inputs, each copied before its outputs are written, which may lie in its place. */
THIMBLE_ROW_FUNCTION void thimble_row_rows(
    const int8_t *input, int16_t rows, int16_t taps, const int8_t *weights, const uint8_t *channels, int8_t *output,
    int16_t outputs, const thimble_row_output *to, int8_t *scratch)
{
    for (; rows > 0; rows--, output += outputs) {
        for (int16_t i = 0; i < taps; i++)
            scratch[i] = *input++;
        thimble_row_matrix(scratch, taps, weights, channels, output, outputs, to);
    }
}

#endif
