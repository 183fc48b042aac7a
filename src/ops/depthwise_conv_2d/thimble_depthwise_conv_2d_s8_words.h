/*
 * depthwise_conv_2d, int8, NHWC, batch 1, one filter a channel, for cores without SIMD. Equals runInt8 in
 * depthwise_conv_2d.ts bit for bit.
 *
 * One channel at a time: rows that are needed lie widened in a ring, columns apart by the stride behind each other, so that
 * what up to five neighbours read of a tap lies in one piece. The output may begin where the input begins.
 */
#ifndef THIMBLE_DEPTHWISE_CONV_2D_S8_WORDS_H
#define THIMBLE_DEPTHWISE_CONV_2D_S8_WORDS_H

#include "thimble_words.h"

#define THIMBLE_WORDS_TAPS 49 /* the most that a filter may have here */
#define THIMBLE_WORDS_ROWS 11 /* and rows */

#if defined(THIMBLE_WORDS_ADD)
/* Three taps side by side: the windows of the next tap begin one word further. */
#define THIMBLE_WORDS_SIDE(tap, back) \
    tap(0) "subs r0, #" #back "\n\t" tap(4) "subs r0, #" #back "\n\t" tap(8)
#define THIMBLE_WORDS_WIDE_LOAD(at, registers) "ldr r2, [r1, #" #at "]\n\tldmia r0!, {" registers "}\n\t"
#define THIMBLE_WORDS_WIDE_5(at)                                                                                      \
    THIMBLE_WORDS_WIDE_LOAD(at, "r3, r4, r5, r6, r7")                                                                 \
    THIMBLE_WORDS_ADD("r8", "r3") THIMBLE_WORDS_ADD("r9", "r4") THIMBLE_WORDS_ADD("r10", "r5")                         \
    THIMBLE_WORDS_ADD("r11", "r6") THIMBLE_WORDS_ADD("r12", "r7")
#define THIMBLE_WORDS_WIDE_4(at)                                                                                      \
    THIMBLE_WORDS_WIDE_LOAD(at, "r3, r4, r5, r6")                                                                     \
    THIMBLE_WORDS_ADD("r8", "r3") THIMBLE_WORDS_ADD("r9", "r4")                                                       \
    THIMBLE_WORDS_ADD("r10", "r5") THIMBLE_WORDS_ADD("r11", "r6")
#define THIMBLE_WORDS_SIDE_ROW(taps)                                                                                  \
    __asm__ volatile(".syntax unified\n\t" THIMBLE_WORDS_OPENING taps THIMBLE_WORDS_CLOSING                           \
                     : THIMBLE_WORDS_SUMS, "+l"(x)                                                                    \
                     : "l"(w)                                                                                         \
                     : "r2", "r3", "r4", "r5", "r6", "r7", THIMBLE_WORDS_LINK "cc", "memory")
#endif

/* A row of the filter, whose taps lie side by side. @param step words from a tap to the next */
THIMBLE_INLINE void thimble_words_row(
    thimble_words_sums *sums, const int32_t *values, const int32_t *weights, int32_t filter_width, int32_t pixels)
{
#if defined(THIMBLE_WORDS_ADD)
    if (filter_width == 3 && pixels >= 4) {
        register const int32_t *x __asm__("r0") = values;
        register const int32_t *w __asm__("r1") = weights;
        THIMBLE_WORDS_TAKE(sums);

        if (pixels == 5)
            THIMBLE_WORDS_SIDE_ROW(THIMBLE_WORDS_SIDE(THIMBLE_WORDS_WIDE_5, 16));
        else
            THIMBLE_WORDS_SIDE_ROW(THIMBLE_WORDS_SIDE(THIMBLE_WORDS_WIDE_4, 12));
        THIMBLE_WORDS_GIVE(sums);
        return;
    }
#else
    if (filter_width == 3 && pixels == 5) {
        const int32_t first = weights[0], second = weights[1], third = weights[2];

        sums->a0 += values[0] * first + values[1] * second + values[2] * third;
        sums->a1 += values[1] * first + values[2] * second + values[3] * third;
        sums->a2 += values[2] * first + values[3] * second + values[4] * third;
        sums->a3 += values[3] * first + values[4] * second + values[5] * third;
        sums->a4 += values[4] * first + values[5] * second + values[6] * third;
        return;
    }
#endif
    for (int32_t k = 0; k < filter_width; k++, values++) {
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
}

/* Up to five neighbours of one channel. */
THIMBLE_INLINE void thimble_depthwise_words_pixels(
    const int32_t *const *rows, const int32_t *weights, int32_t filter_height, int32_t filter_width, int32_t stride,
    int32_t dilation, int32_t phase_size, int32_t pixels, int32_t bias, int32_t multiplier, int32_t shift,
    const thimble_words_output *to, int8_t *output, int32_t channels)
{
    thimble_words_sums sums = {bias, bias, bias, bias, bias};

    for (int32_t y = 0; y < filter_height; y++) {
        if (stride == 1 && dilation == 1) {
            thimble_words_row(&sums, rows[y], weights + y * filter_width, filter_width, pixels);
            continue;
        }
        for (int32_t x = 0; x < filter_width; x++)
            thimble_words_row(
                &sums, rows[y] + x * dilation % stride * phase_size + x * dilation / stride,
                weights + y * filter_width + x, 1, pixels);
    }
    thimble_words_finish(&sums, pixels, multiplier, shift, to, output, channels);
}

/* @param weights [channels, taps]; @param ring rows of stride_width * phase_size words each, kept at once */
THIMBLE_INLINE void thimble_depthwise_conv_2d_s8_words(
    const int8_t *input, int32_t input_height, int32_t input_width, int32_t channels, int32_t input_zero_point,
    const int8_t *weights, int32_t filter_height, int32_t filter_width, int32_t stride_height, int32_t stride_width,
    int32_t dilation_height, int32_t dilation_width, int32_t pad_top, int32_t pad_left,
    const int32_t *constants, const uint8_t *shifts, int32_t saturates, int32_t clamps_below_zero,
    int8_t *output, int32_t output_height, int32_t output_width, int32_t output_zero_point, int32_t activation_min,
    int32_t activation_max, int8_t *scratch, int32_t together, int32_t ring, int32_t phase_size)
{
    const thimble_words_output to = {
        output_zero_point, saturates, clamps_below_zero, activation_min, activation_max};
    const int32_t row_size = stride_width * phase_size;
    const int32_t rest = output_width % together;
    int32_t *const window = (int32_t *)(void *)scratch;

    for (int32_t i = 0; i < ring * row_size; i++)
        window[i] = input_zero_point; /* of which the columns of padding stay */
    for (int32_t c = 0; c < channels; c++) {
        const int32_t bias = constants[2 * c], multiplier = constants[2 * c + 1], shift = shifts[c];
        int32_t wide[THIMBLE_WORDS_TAPS];
        int32_t loaded = -pad_top; /* next row to load */
        /* Places in the ring, of that row and of the first that is read: counted, for a Cortex-M0 has no division. */
        int32_t place = 0, first = 0;

        for (int32_t k = 0; k < filter_height * filter_width; k++)
            wide[k] = weights[c * filter_height * filter_width + k];
        for (int32_t y = 0; y < output_height; y++) {
            const int32_t top = y * stride_height - pad_top;
            const int32_t *rows[THIMBLE_WORDS_ROWS];
            int8_t *out = output + y * output_width * channels + c;

            for (; loaded < top + ring; loaded++) {
                int32_t *const row = window + place * row_size;
                const int8_t *from = input + loaded * input_width * channels + c;
                const int32_t inside = loaded >= 0 && loaded < input_height;

                for (int32_t x = 0; x < input_width; x++, from += channels)
                    row[(x + pad_left) % stride_width * phase_size + (x + pad_left) / stride_width] =
                        inside ? *from : input_zero_point;
                place = place + 1 == ring ? 0 : place + 1;
            }
            for (int32_t k = 0; k < filter_height; k++)
                rows[k] = window + (first + k * dilation_height - (first + k * dilation_height >= ring ? ring : 0)) * row_size;
            for (first += stride_height; first >= ring;)
                first -= ring;
            for (int32_t x = 0; x + together <= output_width; x += together, out += together * channels) {
                thimble_depthwise_words_pixels(
                    rows, wide, filter_height, filter_width, stride_width, dilation_width, phase_size, together, bias,
                    multiplier, shift, &to, out, channels);
                for (int32_t k = 0; k < filter_height; k++)
                    rows[k] += together;
            }
            if (rest > 0)
                thimble_depthwise_words_pixels(
                    rows, wide, filter_height, filter_width, stride_width, dilation_width, phase_size, rest, bias,
                    multiplier, shift, &to, out, channels);
        }
    }
}

#endif
