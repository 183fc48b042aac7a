/*
 * conv_2d on AVR: the inputs under a filter are gathered once a pixel, padding as the zero_point that the biases have
 * taken off, and every output channel is a list of products. The emitter calls it once a layer with literals.
 *
 * Over its own input it computes from a window of rows; see thimble_sliding_window.h.
 */
#ifndef THIMBLE_CONV_2D_S8_AVR_ROWS_H
#define THIMBLE_CONV_2D_S8_AVR_ROWS_H

#include "thimble_avr_rows.h"
#include "thimble_sliding_window.h"

THIMBLE_INLINE void thimble_conv_2d_s8_avr_rows(
    const int8_t *input, int16_t input_height, int16_t input_width, int16_t input_channels, int8_t input_zero_point,
    const int8_t *weights, int16_t filter_height, int16_t filter_width, int16_t stride_height, int16_t stride_width,
    int16_t dilation_height, int16_t dilation_width, int16_t pad_top, int16_t pad_left, const uint8_t *channels,
    int8_t *output, int16_t output_height, int16_t output_width, int16_t output_channels, const thimble_row_output *to,
    int8_t *patch, int8_t *window, int16_t window_rows, int16_t backwards) /* 0 rows: the output lies apart */
{
    const int16_t taps = (int16_t)(filter_height * filter_width * input_channels);
    const int8_t *const source = window_rows > 0 ? window : input;
    int32_t source_row = window_rows > 0 ? THIMBLE_WINDOW_EMPTY(backwards) : 0; /* of the input, where source begins */

    for (int16_t i = 0; i < output_height; i++) {
        const int16_t out_y = backwards ? (int16_t)(output_height - 1 - i) : i;
        const int16_t top = (int16_t)(out_y * stride_height - pad_top);
        int8_t *out = output + out_y * output_width * output_channels;

        if (window_rows > 0)
            thimble_slide_window(
                window, window_rows, input_width * input_channels, input, input_height, &source_row,
                thimble_window_first(top, (filter_height - 1) * dilation_height + 1, input_height, window_rows, backwards),
                backwards);
        for (int16_t out_x = 0; out_x < output_width; out_x++) {
            int8_t *tap = patch;

            for (int16_t fy = 0; fy < filter_height; fy++) {
                const int16_t y = (int16_t)(top + fy * dilation_height);
                const int8_t *const row = source + (int16_t)(y - source_row) * input_width * input_channels;

                for (int16_t fx = 0; fx < filter_width; fx++) {
                    const int16_t x = (int16_t)(out_x * stride_width - pad_left + fx * dilation_width);

                    if (y < 0 || y >= input_height || x < 0 || x >= input_width) {
                        for (int16_t k = 0; k < input_channels; k++)
                            *tap++ = input_zero_point;
                    } else {
                        const int8_t *from = row + x * input_channels;
                        for (int16_t k = 0; k < input_channels; k++)
                            *tap++ = *from++;
                    }
                }
            }
            thimble_row_matrix(patch, taps, weights, channels, out, output_channels, to);
            out += output_channels;
        }
    }
}

#endif
