/*
 * average_pool_2d, int16, NHWC, batch 1: the mean of the values under each window, padding not counted.
 * Input and output have equal quantization. Equals runInt8 of average_pool_2d.ts bit for bit.
 */
#ifndef THIMBLE_AVERAGE_POOL_2D_S16_H
#define THIMBLE_AVERAGE_POOL_2D_S16_H

#include "thimble_base.h"

THIMBLE_INLINE void thimble_average_pool_2d_s16(
    const int16_t *input, int32_t input_height, int32_t input_width, int32_t channels,
    int32_t window_height, int32_t window_width, int32_t stride_height, int32_t stride_width,
    int32_t pad_top, int32_t pad_left,
    int16_t *output, int32_t output_height, int32_t output_width, int32_t activation_min, int32_t activation_max)
{
    for (int32_t out_y = 0; out_y < output_height; out_y++) {
        const int32_t top = out_y * stride_height - pad_top;
        const int32_t y_begin = THIMBLE_MAX(top, 0); /* rows of the input under the window */
        const int32_t y_end = THIMBLE_MIN(top + window_height, input_height);

        for (int32_t out_x = 0; out_x < output_width; out_x++) {
            const int32_t left = out_x * stride_width - pad_left;
            const int32_t x_begin = THIMBLE_MAX(left, 0);
            const int32_t x_end = THIMBLE_MIN(left + window_width, input_width);
            const int32_t count = (y_end - y_begin) * (x_end - x_begin); /* at least 1 */

            for (int32_t c = 0; c < channels; c++) {
                int32_t sum = 0;
                for (int32_t y = y_begin; y < y_end; y++)
                    for (int32_t x = x_begin; x < x_end; x++)
                        sum += input[(y * input_width + x) * channels + c];
                /* C divides towards zero: half of the divisor, with the sign of the sum, makes that half away from it. */
                const int32_t mean = (sum + (sum > 0 ? count / 2 : -(count / 2))) / count;
                *output++ = (int16_t)THIMBLE_MIN(THIMBLE_MAX(mean, activation_min), activation_max);
            }
        }
    }
}

#endif
