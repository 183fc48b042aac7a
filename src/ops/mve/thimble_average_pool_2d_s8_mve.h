/*
 * average_pool_2d, int8, NHWC, batch 1, for Helium: sums of four channels at a time. Equals runInt8 of average_pool_2d.ts bit
 * for bit: padding is left out of sum and count, halves round away from zero.
 */
#ifndef THIMBLE_AVERAGE_POOL_2D_S8_MVE_H
#define THIMBLE_AVERAGE_POOL_2D_S8_MVE_H

#include "thimble_mve.h"

THIMBLE_INLINE void thimble_average_pool_2d_s8_mve(
    const int8_t *input, int32_t input_height, int32_t input_width, int32_t channels,
    int32_t window_height, int32_t window_width, int32_t stride_height, int32_t stride_width,
    int32_t pad_top, int32_t pad_left,
    int8_t *output, int32_t output_height, int32_t output_width, int32_t activation_min, int32_t activation_max)
{
    for (int32_t out_y = 0; out_y < output_height; out_y++) {
        const int32_t top = out_y * stride_height - pad_top;
        const int32_t y_begin = THIMBLE_MAX(top, 0); /* rows of the input under the window */
        const int32_t y_end = THIMBLE_MIN(top + window_height, input_height);

        for (int32_t out_x = 0; out_x < output_width; out_x++, output += channels) {
            const int32_t left = out_x * stride_width - pad_left;
            const int32_t x_begin = THIMBLE_MAX(left, 0);
            const int32_t x_end = THIMBLE_MIN(left + window_width, input_width);
            const int32_t count = (y_end - y_begin) * (x_end - x_begin);

            for (int32_t c = 0; c < channels; c += 4) {
                const mve_pred16_t live = vctp32q((uint32_t)(channels - c));
                int32x4_t sums = vdupq_n_s32(0);
                int32_t each[4];

                for (int32_t y = y_begin; y < y_end; y++) {
                    const int8_t *from = input + (y * input_width + x_begin) * channels + c;

                    for (int32_t x = x_begin; x < x_end; x++, from += channels)
                        sums = vaddq_s32(sums, channels % 4 == 0 ? vldrbq_s32(from) : vldrbq_z_s32(from, live));
                }
                vstrwq_s32(each, sums);
                for (int32_t i = 0; i < THIMBLE_MIN(channels - c, 4); i++) {
                    const int32_t mean = (each[i] + (each[i] > 0 ? count / 2 : -(count / 2))) / count;
                    output[c + i] = (int8_t)THIMBLE_MIN(THIMBLE_MAX(mean, activation_min), activation_max);
                }
            }
        }
    }
}

#endif
