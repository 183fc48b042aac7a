/*
 * thimble_depthwise_conv_2d_s16 for cores with the DSP extension, four channels at a time; with one filter a channel and
 * sums in int32. Equals runInt8 in depthwise_conv_2d.ts bit for bit.
 */
#ifndef THIMBLE_DEPTHWISE_CONV_2D_S16_DSP_H
#define THIMBLE_DEPTHWISE_CONV_2D_S16_DSP_H

#include "thimble_dsp_s16.h"
#include "thimble_sliding_window.h"

/* One tap of four channels: halves of words are multiplied where they lie. */
THIMBLE_INLINE void thimble_taps_s16_dsp(thimble_sums_s16 *sums, const int16_t *x, const int8_t *w)
{
    const uint32_t bytes = thimble_load_word(w);
    const uint32_t even = thimble_sxtb16(bytes), odd = thimble_sxtb16_odd(bytes);
    const uint32_t low = thimble_load_word(x), high = thimble_load_word(x + 2);

    sums->a += (int16_t)(low & 0xffff) * (int16_t)(even & 0xffff);
    sums->b += (int16_t)(low >> 16) * (int16_t)(odd & 0xffff);
    sums->c += (int16_t)(high & 0xffff) * (int16_t)(even >> 16);
    sums->d += (int16_t)(high >> 16) * (int16_t)(odd >> 16);
}

THIMBLE_INLINE void thimble_depthwise_conv_2d_s16_dsp(
    const int16_t *input, int32_t input_height, int32_t input_width, int32_t input_channels,
    const int8_t *weights, int32_t filter_height, int32_t filter_width,
    int32_t stride_height, int32_t stride_width, int32_t dilation_height, int32_t dilation_width,
    int32_t pad_top, int32_t pad_left,
    const thimble_channels_16x8 *channels,
    int16_t *output, int32_t output_height, int32_t output_width,
    int8_t *window, int32_t window_rows, int32_t backwards) /* 0 rows: the output lies apart from the input */
{
    const int16_t *const source = window_rows > 0 ? (const int16_t *)(const void *)window : input;
    int32_t source_row = window_rows > 0 ? THIMBLE_WINDOW_EMPTY(backwards) : 0; /* of the input, where source begins */

    for (int32_t i = 0; i < output_height; i++) {
        const int32_t out_y = backwards ? output_height - 1 - i : i;
        int16_t *out = output + out_y * output_width * input_channels;
        const int32_t top = out_y * stride_height - pad_top;
        /* rows of the filter that lie inside the input */
        const int32_t y_begin = top < 0 ? (-top + dilation_height - 1) / dilation_height : 0;
        const int32_t y_end =
            THIMBLE_MIN(filter_height, (input_height - top + dilation_height - 1) / dilation_height);

        if (window_rows > 0)
            thimble_slide_window(
                window, window_rows, input_width * input_channels * 2, (const int8_t *)(const void *)input, input_height,
                &source_row,
                thimble_window_first(top, (filter_height - 1) * dilation_height + 1, input_height, window_rows, backwards),
                backwards);

        for (int32_t out_x = 0; out_x < output_width; out_x++) {
            const int32_t left = out_x * stride_width - pad_left;
            const int32_t x_begin = left < 0 ? (-left + dilation_width - 1) / dilation_width : 0;
            const int32_t x_end =
                THIMBLE_MIN(filter_width, (input_width - left + dilation_width - 1) / dilation_width);

            for (int32_t c = 0; c < input_channels;) {
                const int32_t count = c + 4 <= input_channels ? 4 : 1;
                thimble_sums_s16 sums = { 0, 0, 0, 0 };

                for (int32_t y = y_begin; y < y_end; y++) {
                    const int32_t row = (top + y * dilation_height - source_row) * input_width;
                    for (int32_t x = x_begin; x < x_end; x++) {
                        const int16_t *in = source + (row + left + x * dilation_width) * input_channels + c;
                        const int8_t *w = weights + (y * filter_width + x) * input_channels + c;
                        if (count == 4)
                            thimble_taps_s16_dsp(&sums, in, w);
                        else
                            sums.a += in[0] * w[0];
                    }
                }
                out = thimble_outputs_s16_dsp(out, channels, c, &sums, count);
                c += count;
            }
        }
    }
}

#endif
