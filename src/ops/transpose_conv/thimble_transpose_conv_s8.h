/*
 * transpose_conv, int8, NHWC, batch 1; weights OHWI with zero_point 0. Equals runInt8 in transpose_conv.ts bit for bit.
 *
 * Each output gathers the inputs whose windows reach it, so that no sums need to be kept: of a row of the window only
 * every stride-th tap meets an input, and the next one of them meets the input before. The host has proved that shapes fit and that no sum leaves int32.
 */
#ifndef THIMBLE_TRANSPOSE_CONV_S8_H
#define THIMBLE_TRANSPOSE_CONV_S8_H

#include "thimble_fixed_point.h"

THIMBLE_INLINE void thimble_transpose_conv_s8(
    const int8_t *input, int32_t input_height, int32_t input_width, int32_t input_channels,
    int32_t input_zero_point,
    const int8_t *weights, int32_t filter_height, int32_t filter_width,
    int32_t stride_height, int32_t stride_width, int32_t pad_top, int32_t pad_left,
    const int32_t *bias, const int32_t *multiplier, const int8_t *shift,
    int8_t *output, int32_t output_height, int32_t output_width, int32_t output_channels,
    int32_t output_zero_point, int32_t activation_min, int32_t activation_max)
{
    for (int32_t out_y = 0; out_y < output_height; out_y++) {
        const int32_t top = out_y + pad_top;
        /* Taps y, y + stride, … meet input rows (top - y) / stride, the lower ones first. */
        const int32_t y_begin = THIMBLE_MAX(top % stride_height, top - (input_height - 1) * stride_height);
        const int32_t y_end = THIMBLE_MIN(filter_height, top + 1);

        for (int32_t out_x = 0; out_x < output_width; out_x++) {
            const int32_t left = out_x + pad_left;
            const int32_t x_begin = THIMBLE_MAX(left % stride_width, left - (input_width - 1) * stride_width);
            const int32_t x_end = THIMBLE_MIN(filter_width, left + 1);
            const int32_t first =
                ((top - y_begin) / stride_height * input_width + (left - x_begin) / stride_width) * input_channels;

            for (int32_t c = 0; c < output_channels; c++) {
                int32_t sum = bias ? THIMBLE_LOAD_S32(bias + c) : 0;

                int32_t row = first;
                for (int32_t y = y_begin; y < y_end; y += stride_height) {
                    int32_t at = row;
                    for (int32_t x = x_begin; x < x_end; x += stride_width) {
                        const int8_t *w = weights + ((c * filter_height + y) * filter_width + x) * input_channels;
                        for (int32_t k = 0; k < input_channels; k++)
                            sum += (input[at + k] - input_zero_point) * THIMBLE_LOAD_S8(w + k);
                        at -= input_channels;
                    }
                    row -= input_width * input_channels;
                }
                sum = thimble_multiply_by_quantized_multiplier(
                    sum, THIMBLE_LOAD_S32(multiplier + c), THIMBLE_LOAD_S8(shift + c));
                sum += output_zero_point;
                *output++ = (int8_t)THIMBLE_MIN(THIMBLE_MAX(sum, activation_min), activation_max);
            }
        }
    }
}

#endif
