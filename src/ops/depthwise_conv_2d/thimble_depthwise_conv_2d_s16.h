/*
 * depthwise_conv_2d, int16 with int8 weights (TFLite's 16x8), NHWC, batch 1; weights [height, width, channels *
 * multiplier], all zero points 0. Equals runInt8 in depthwise_conv_2d.ts bit for bit.
 *
 * The emitter calls it once per layer with literals, and the compiler folds shapes, offsets and loops. The host has
 * proved that shapes fit, and chosen the sums' type so that none leaves it.
 */
#ifndef THIMBLE_DEPTHWISE_CONV_2D_S16_H
#define THIMBLE_DEPTHWISE_CONV_2D_S16_H

#include "thimble_16x8.h"

THIMBLE_INLINE void thimble_depthwise_conv_2d_s16(
    const int16_t *input, int32_t input_height, int32_t input_width, int32_t input_channels,
    const int8_t *weights, int32_t filter_height, int32_t filter_width, int32_t depth_multiplier,
    int32_t stride_height, int32_t stride_width, int32_t dilation_height, int32_t dilation_width,
    int32_t pad_top, int32_t pad_left,
    const thimble_channels_16x8 *channels,
    int16_t *output, int32_t output_height, int32_t output_width)
{
    const int32_t output_channels = input_channels * depth_multiplier;

    for (int32_t out_y = 0; out_y < output_height; out_y++) {
        const int32_t top = out_y * stride_height - pad_top;
        /* rows of the filter that lie inside the input */
        const int32_t y_begin = top < 0 ? (-top + dilation_height - 1) / dilation_height : 0;
        const int32_t y_end =
            THIMBLE_MIN(filter_height, (input_height - top + dilation_height - 1) / dilation_height);

        for (int32_t out_x = 0; out_x < output_width; out_x++) {
            const int32_t left = out_x * stride_width - pad_left;
            const int32_t x_begin = left < 0 ? (-left + dilation_width - 1) / dilation_width : 0;
            const int32_t x_end =
                THIMBLE_MIN(filter_width, (input_width - left + dilation_width - 1) / dilation_width);

            for (int32_t c = 0; c < output_channels; c++) {
                int32_t sum = 0;
                int64_t wide_sum = 0;

                for (int32_t y = y_begin; y < y_end; y++) {
                    const int32_t row = (top + y * dilation_height) * input_width;
                    for (int32_t x = x_begin; x < x_end; x++) {
                        const int32_t pixel = row + left + x * dilation_width;
                        const int8_t *w = weights + (y * filter_width + x) * output_channels + c;
                        const int32_t product
                            = (int32_t)input[pixel * input_channels + c / depth_multiplier] * THIMBLE_LOAD_S8(w);
                        if (channels->wide)
                            wide_sum += product;
                        else
                            sum += product;
                    }
                }
                *output++ = thimble_output_16x8(channels, c, sum, wide_sum);
            }
        }
    }
}

#endif
