/*
 * 16-bit values times 8-bit weights on cores with the DSP extension: two products an instruction, straight from memory.
 * Sums are int32, which the host has proved to hold every partial sum.
 *
 * SXTB16 widens bytes 0 and 2 of a word, and 1 and 3. `packed` weights lie in the order 0, 2, 1, 3 of each four, so that
 * they come out beside the values as these lie; others need the values shuffled, which four channels share.
 */
#ifndef THIMBLE_DSP_S16_H
#define THIMBLE_DSP_S16_H

#include "thimble_16x8.h"
#include "thimble_dsp.h"

/* Of up to four channels. Not an array, which gcc would keep in memory. */
typedef struct {
    int32_t a, b, c, d;
} thimble_sums_s16;

/* Adds the products of `count` values with the weights of one channel, or of four, `stride` bytes apart. */
THIMBLE_INLINE void thimble_dot_s16_dsp(
    thimble_sums_s16 *sums, const int16_t *x, const int8_t *w, int32_t stride, int32_t count, int32_t channels,
    int32_t packed)
{
    int32_t k = 0;

    for (; k + 4 <= count; k += 4) {
        const uint32_t low = thimble_load_word(x + k), high = thimble_load_word(x + k + 2);
        const uint32_t even = packed ? low : (low & 0xffffu) | high << 16;
        const uint32_t odd = packed ? high : (high & 0xffff0000u) | low >> 16;
        const uint32_t first = thimble_load_word(w + k);

        sums->a = thimble_smlad(even, thimble_sxtb16(first), sums->a);
        sums->a = thimble_smlad(odd, thimble_sxtb16_odd(first), sums->a);
        if (channels == 4) {
            const uint32_t second = thimble_load_word(w + stride + k);
            sums->b = thimble_smlad(even, thimble_sxtb16(second), sums->b);
            sums->b = thimble_smlad(odd, thimble_sxtb16_odd(second), sums->b);
            const uint32_t third = thimble_load_word(w + 2 * stride + k);
            sums->c = thimble_smlad(even, thimble_sxtb16(third), sums->c);
            sums->c = thimble_smlad(odd, thimble_sxtb16_odd(third), sums->c);
            const uint32_t fourth = thimble_load_word(w + 3 * stride + k);
            sums->d = thimble_smlad(even, thimble_sxtb16(fourth), sums->d);
            sums->d = thimble_smlad(odd, thimble_sxtb16_odd(fourth), sums->d);
        }
    }
    if (packed)
        return; /* by fours throughout */
    for (; k < count; k++) {
        sums->a += x[k] * w[k];
        if (channels == 4) {
            sums->b += x[k] * w[stride + k];
            sums->c += x[k] * w[2 * stride + k];
            sums->d += x[k] * w[3 * stride + k];
        }
    }
}

/* The outputs of one channel, or of four, from channel c on. */
THIMBLE_INLINE int16_t *thimble_outputs_s16_dsp(
    int16_t *out, const thimble_channels_16x8 *channels, int32_t c, const thimble_sums_s16 *sums, int32_t count)
{
    *out++ = thimble_output_16x8(channels, c, sums->a, 0);
    if (count == 4) {
        *out++ = thimble_output_16x8(channels, c + 1, sums->b, 0);
        *out++ = thimble_output_16x8(channels, c + 2, sums->c, 0);
        *out++ = thimble_output_16x8(channels, c + 3, sums->d, 0);
    }
    return out;
}

#endif
