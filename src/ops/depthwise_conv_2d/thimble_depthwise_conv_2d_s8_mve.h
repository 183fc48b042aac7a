/*
 * depthwise_conv_2d, int8, NHWC, batch 1, one filter a channel, for Helium with floating point. Equals runInt8 in
 * depthwise_conv_2d.ts bit for bit.
 *
 * Four channels lie in the lanes of a vector. Helium multiplies and adds vectors lane by lane in floating point only; the
 * sums of int8 products and biases stay below 2^24, so that each is exact. Rows that are needed are kept in a ring, as numbers of
 * that kind, with their padding; the output may begin where the input begins.
 */
#ifndef THIMBLE_DEPTHWISE_CONV_2D_S8_MVE_H
#define THIMBLE_DEPTHWISE_CONV_2D_S8_MVE_H

#include "thimble_mve.h"

#define THIMBLE_MVE_ROWS 11 /* the most that a filter may have */
#define THIMBLE_MVE_PIXELS 5 /* at a time: with eight vector registers there is no sixth */

/* Bytes of four channels, or of those that are left, as numbers. */
THIMBLE_INLINE float32x4_t thimble_mve_four(const int8_t *from, int32_t whole, mve_pred16_t live)
{
    return vcvtq_f32_s32(whole ? vldrbq_s32(from) : vldrbq_z_s32(from, live));
}

THIMBLE_INLINE void thimble_depthwise_mve_output(
    float32x4_t sums, int32x4_t multipliers, int32x4_t shifts, const thimble_mve_output *to, int8_t *output,
    int32_t whole, mve_pred16_t live)
{
    const int32x4_t result = thimble_mve_requantize(vcvtq_s32_f32(sums), multipliers, shifts, to);

    if (whole)
        vstrbq_s32(output, result);
    else
        vstrbq_p_s32(output, result, live);
}

/* Three taps side by side of five or four neighbours: gcc spills what this holds in registers. */
#define THIMBLE_MVE_NEIGHBOUR(sum, at) "vldrw.32 q5, [%[x], #" #at "]\n\tvfma.f32 %q[" #sum "], q5, q6\n\t"
#define THIMBLE_MVE_TAP_4(a, b, c, d)                                                                                 \
    "vldrw.32 q6, [%[w]], #16\n\t" THIMBLE_MVE_NEIGHBOUR(s0, a) THIMBLE_MVE_NEIGHBOUR(s1, b)                          \
        THIMBLE_MVE_NEIGHBOUR(s2, c) THIMBLE_MVE_NEIGHBOUR(s3, d)
#define THIMBLE_MVE_TAP_5(a, b, c, d, e) THIMBLE_MVE_TAP_4(a, b, c, d) THIMBLE_MVE_NEIGHBOUR(s4, e)

/* Up to five neighbours of four channels. @param stride, dilation in numbers */
THIMBLE_INLINE void thimble_depthwise_mve_pixels(
    const float *const *rows, int32_t at, const float *weights, int32_t filter_height, int32_t filter_width,
    int32_t stride, int32_t dilation, int32_t pixels, const int32_t *channel, const thimble_mve_output *to,
    int8_t *output, int32_t channels, mve_pred16_t live)
{
    const int32_t whole = channels % 4 == 0;
    float32x4_t s0 = vcvtq_f32_s32(vldrwq_s32(channel)), s1 = s0, s2 = s0, s3 = s0, s4 = s0; /* biases */
    int32x4_t multipliers, shifts;

#pragma GCC unroll 3
    for (int32_t y = 0; y < filter_height; y++) {
        const float *x = rows[y] + at;

        if (filter_width == 3 && stride == 4 && dilation == 4 && pixels == 5) {
            __asm__ volatile(THIMBLE_MVE_TAP_5(0, 16, 32, 48, 64) THIMBLE_MVE_TAP_5(16, 32, 48, 64, 80)
                                 THIMBLE_MVE_TAP_5(32, 48, 64, 80, 96)
                             : [s0] "+w"(s0), [s1] "+w"(s1), [s2] "+w"(s2), [s3] "+w"(s3), [s4] "+w"(s4), [w] "+r"(weights)
                             : [x] "r"(x)
                             : "q5", "q6", "memory");
            continue;
        }
        if (filter_width == 3 && stride == 4 && dilation == 4 && pixels == 4) {
            __asm__ volatile(THIMBLE_MVE_TAP_4(0, 16, 32, 48) THIMBLE_MVE_TAP_4(16, 32, 48, 64)
                                 THIMBLE_MVE_TAP_4(32, 48, 64, 80)
                             : [s0] "+w"(s0), [s1] "+w"(s1), [s2] "+w"(s2), [s3] "+w"(s3), [w] "+r"(weights)
                             : [x] "r"(x)
                             : "q5", "q6", "memory");
            continue;
        }
#pragma GCC unroll 1
        for (int32_t k = 0; k < filter_width; k++, x += dilation, weights += 4) {
            const float32x4_t w = vldrwq_f32(weights);

            s0 = vfmaq_f32(s0, vldrwq_f32(x), w);
            if (pixels > 1)
                s1 = vfmaq_f32(s1, vldrwq_f32(x + stride), w);
            if (pixels > 2)
                s2 = vfmaq_f32(s2, vldrwq_f32(x + 2 * stride), w);
            if (pixels > 3)
                s3 = vfmaq_f32(s3, vldrwq_f32(x + 3 * stride), w);
            if (pixels > 4)
                s4 = vfmaq_f32(s4, vldrwq_f32(x + 4 * stride), w);
        }
    }
    multipliers = vldrwq_s32(channel + 4);
    shifts = vldrwq_s32(channel + 8);
    thimble_depthwise_mve_output(s0, multipliers, shifts, to, output, whole, live);
    if (pixels > 1)
        thimble_depthwise_mve_output(s1, multipliers, shifts, to, output + channels, whole, live);
    if (pixels > 2)
        thimble_depthwise_mve_output(s2, multipliers, shifts, to, output + 2 * channels, whole, live);
    if (pixels > 3)
        thimble_depthwise_mve_output(s3, multipliers, shifts, to, output + 3 * channels, whole, live);
    if (pixels > 4)
        thimble_depthwise_mve_output(s4, multipliers, shifts, to, output + 4 * channels, whole, live);
}

/* @param weights [taps, channels]; @param columns of a row with its padding; @param ring rows, kept at once */
THIMBLE_INLINE void thimble_depthwise_conv_2d_s8_mve(
    const int8_t *input, int32_t input_height, int32_t input_width, int32_t channels, int32_t input_zero_point,
    const int8_t *weights, int32_t filter_height, int32_t filter_width, int32_t stride_height, int32_t stride_width,
    int32_t dilation_height, int32_t dilation_width, int32_t pad_top, int32_t pad_left,
    const int32_t *constants, int32_t clamps_below_zero,
    int8_t *output, int32_t output_height, int32_t output_width, int32_t output_zero_point, int32_t activation_min,
    int32_t activation_max, int8_t *scratch, int32_t together, int32_t ring, int32_t columns)
{
    const thimble_mve_output to = {output_zero_point, clamps_below_zero, activation_min, activation_max};
    const int32_t taps = filter_height * filter_width;
    const int32_t rest = output_width % together;
    const float32x4_t padding = vdupq_n_f32((float)input_zero_point);
    float *const wide = (float *)(void *)scratch;
    float *const kept = wide + 4 * taps;

    for (int32_t i = 0; i < ring * columns; i++)
        vstrwq_f32(kept + 4 * i, padding); /* of which the columns of padding stay */
    for (int32_t c = 0; c < channels; c += 4, constants += THIMBLE_MVE_CHANNELS) {
        const mve_pred16_t live = vctp32q((uint32_t)(channels - c));
        int32_t loaded = -pad_top, place = 0, first = 0; /* next row to load; places in the ring: of it, of the first read */

        for (int32_t k = 0; k < taps; k++)
            vstrwq_f32(wide + 4 * k, thimble_mve_four(weights + k * channels + c, channels % 4 == 0, live));
        for (int32_t y = 0; y < output_height; y++) {
            const int32_t top = y * stride_height - pad_top;
            const float *rows[THIMBLE_MVE_ROWS];
            int8_t *out = output + y * output_width * channels + c;
            int32_t at = 0;

            for (; loaded < top + ring; loaded++) {
                float *to_row = kept + 4 * (place * columns + pad_left);
                const int8_t *from = input + loaded * input_width * channels + c;

                if (loaded < 0 || loaded >= input_height)
                    for (int32_t x = 0; x < input_width; x++, to_row += 4)
                        vstrwq_f32(to_row, padding);
                else
#pragma GCC unroll 5
                    for (int32_t x = 0; x < input_width; x++, to_row += 4, from += channels)
                        vstrwq_f32(to_row, thimble_mve_four(from, channels % 4 == 0, live));
                place = place + 1 == ring ? 0 : place + 1;
            }
#pragma GCC unroll 3
            for (int32_t k = 0; k < filter_height; k++) {
                const int32_t row = first + k * dilation_height;

                rows[k] = kept + 4 * (row - (row >= ring ? ring : 0)) * columns;
            }
            for (first += stride_height; first >= ring;)
                first -= ring;
            for (int32_t x = 0; x + together <= output_width; x += together) {
                thimble_depthwise_mve_pixels(
                    rows, at, wide, filter_height, filter_width, 4 * stride_width, 4 * dilation_width, together, constants,
                    &to, out, channels, live);
                at += 4 * together * stride_width;
                out += together * channels;
            }
            if (rest > 0)
                thimble_depthwise_mve_pixels(
                    rows, at, wide, filter_height, filter_width, 4 * stride_width, 4 * dilation_width, rest, constants,
                    &to, out, channels, live);
        }
    }
}

#endif
