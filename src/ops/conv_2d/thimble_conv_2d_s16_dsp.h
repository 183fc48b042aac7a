/*
 * thimble_conv_2d_s16 for cores with the DSP extension, four channels at a time; without groups, and with sums in int32.
 * Equals runInt8 in conv_2d.ts bit for bit. `packed` weights as thimble_dsp_s16.h has them: for depths by fours.
 */
#ifndef THIMBLE_CONV_2D_S16_DSP_H
#define THIMBLE_CONV_2D_S16_DSP_H

#include "thimble_dsp_s16.h"
#include "thimble_sliding_window.h"

THIMBLE_INLINE void thimble_conv_2d_s16_dsp(
    const int16_t *input, int32_t input_height, int32_t input_width, int32_t input_channels,
    const int8_t *weights, int32_t filter_height, int32_t filter_width, int32_t filter_depth,
    int32_t stride_height, int32_t stride_width, int32_t dilation_height, int32_t dilation_width,
    int32_t pad_top, int32_t pad_left,
    const thimble_channels_16x8 *channels,
    int16_t *output, int32_t output_height, int32_t output_width, int32_t output_channels,
    int8_t *window, int32_t window_rows, int32_t backwards, /* 0 rows: the output lies apart from the input */
    int32_t packed)
{
    const int32_t filter_size = filter_height * filter_width * filter_depth;
    /* Without dilation a row of the window is contiguous in input and weights: one run for all of it. */
    const int32_t whole_rows = dilation_width == 1;

    const int16_t *const source = window_rows > 0 ? (const int16_t *)(const void *)window : input;
    int32_t source_row = window_rows > 0 ? THIMBLE_WINDOW_EMPTY(backwards) : 0; /* of the input, where source begins */

    for (int32_t i = 0; i < output_height; i++) {
        const int32_t out_y = backwards ? output_height - 1 - i : i;
        int16_t *out = output + out_y * output_width * output_channels;
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
            const int32_t x_step = whole_rows ? THIMBLE_MAX(x_end - x_begin, 1) : 1; /* taps in a run */

            for (int32_t c = 0; c < output_channels;) {
                const int32_t count = c + 4 <= output_channels ? 4 : 1;
                thimble_sums_s16 sums = { 0, 0, 0, 0 };

                for (int32_t y = y_begin; y < y_end; y++) {
                    const int32_t row = (top + y * dilation_height - source_row) * input_width;
                    for (int32_t x = x_begin; x < x_end; x += x_step) {
                        const int16_t *in = source + (row + left + x * dilation_width) * input_channels;
                        const int8_t *w = weights + c * filter_size + (y * filter_width + x) * filter_depth;
                        if (count == 4)
                            thimble_dot_s16_dsp(&sums, in, w, filter_size, x_step * filter_depth, 4, packed);
                        else
                            thimble_dot_s16_dsp(&sums, in, w, filter_size, x_step * filter_depth, 1, packed);
                    }
                }
                out = thimble_outputs_s16_dsp(out, channels, c, &sums, count);
                c += count;
            }
        }
    }
}

#endif
