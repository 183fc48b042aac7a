/*
 * conv_2d, int8, NHWC, batch 1, for Helium. Equals runInt8 in conv_2d.ts bit for bit. The bytes under two windows are
 * gathered, each in a row, and multiplied by all filters. The output may begin where the input begins, if rows of it that
 * are still needed are kept in a window.
 */
#ifndef THIMBLE_CONV_2D_S8_MVE_H
#define THIMBLE_CONV_2D_S8_MVE_H

#include "thimble_mve.h"
#include "thimble_sliding_window.h"

/* As thimble_slide_window, sixteen bytes at a time. */
THIMBLE_INLINE void thimble_mve_slide_window(
    int8_t *window, int32_t rows, int32_t row_bytes, const int8_t *input, int32_t input_height,
    int32_t *window_first, int32_t first, int32_t backwards)
{
    const int32_t shift = first - *window_first;
    const int32_t kept = THIMBLE_MAX(rows - (backwards ? -shift : shift), 0);

    if (shift == 0)
        return;
    if (kept > 0 && !backwards)
        thimble_mve_copy(window, window + shift * row_bytes, kept * row_bytes);
    else if (kept > 0)
        thimble_mve_copy_up(window - shift * row_bytes, window, kept * row_bytes);
    for (int32_t row = backwards ? 0 : kept; row < (backwards ? rows - kept : rows); row++)
        if (first + row >= 0 && first + row < input_height)
            thimble_mve_copy(window + row * row_bytes, input + (first + row) * row_bytes, row_bytes);
    *window_first = first;
}

/* The bytes under one window, in the order of the weights. */
THIMBLE_INLINE void thimble_mve_patch(
    int8_t *patch, const int8_t *source, int32_t source_row, int32_t input_height, int32_t input_width,
    int32_t channels, int32_t zero_point, int32_t filter_height, int32_t filter_width, int32_t dilation_height,
    int32_t dilation_width, int32_t top, int32_t left)
{
    const int32_t run = filter_width * channels;
    const int32_t inside = left >= 0 && left + (filter_width - 1) * dilation_width < input_width;

    for (int32_t k = 0; k < filter_height; k++, patch += run) {
        const int32_t y = top + k * dilation_height;
        const int8_t *const row = source + ((y - source_row) * input_width + left) * channels;

        if (y < 0 || y >= input_height) {
            thimble_mve_fill(patch, zero_point, run);
        } else if (inside && dilation_width == 1 && run < THIMBLE_MVE_LANES) {
            __builtin_memcpy(patch, row, (uint32_t)run);
        } else if (inside && dilation_width == 1) {
            thimble_mve_copy(patch, row, run);
        } else {
            for (int32_t j = 0; j < filter_width; j++) {
                const int32_t x = left + j * dilation_width;

                if (x >= 0 && x < input_width)
                    thimble_mve_copy(patch + j * channels, row + j * dilation_width * channels, channels);
                else
                    thimble_mve_fill(patch + j * channels, zero_point, channels);
            }
        }
    }
}

/* @param depth bytes of a window, rounded up to 16: the rest meets weights of 0 */
THIMBLE_INLINE void thimble_conv_2d_s8_mve(
    const int8_t *input, int32_t input_height, int32_t input_width, int32_t input_channels, int32_t input_zero_point,
    const int32_t *stream, int32_t filter_height, int32_t filter_width, int32_t depth,
    int32_t stride_height, int32_t stride_width, int32_t dilation_height, int32_t dilation_width, int32_t pad_top,
    int32_t pad_left,
    int32_t clamps_below_zero,
    int8_t *output, int32_t output_height, int32_t output_width, int32_t output_channels, int32_t output_zero_point,
    int32_t activation_min, int32_t activation_max, int8_t *scratch, int32_t window_rows, int32_t backwards)
{
    const thimble_mve_output to = {output_zero_point, clamps_below_zero, activation_min, activation_max};
    int8_t *const window = scratch + 2 * depth;
    const int8_t *const source = window_rows > 0 ? window : input;
    int32_t source_row = window_rows > 0 ? THIMBLE_WINDOW_EMPTY(backwards) : 0;

    thimble_mve_fill(scratch, 0, 2 * depth); /* beyond the taps it stays so */
    if (window_rows == 0 && output_width % 2 == 1) { /* then pairs go on from one row to the next */
        const int32_t count = output_height * output_width;
        int32_t y = 0, x = 0;

        for (int32_t i = 0; i < count; i += 2, output += 2 * output_channels) {
            for (int32_t p = 0; p < 2 && i + p < count; p++) {
                thimble_mve_patch(
                    scratch + p * depth, input, 0, input_height, input_width, input_channels, input_zero_point,
                    filter_height, filter_width, dilation_height, dilation_width, y * stride_height - pad_top,
                    x * stride_width - pad_left);
                if (++x == output_width) {
                    x = 0;
                    y++;
                }
            }
            if (count % 2 == 0 || i + 1 < count)
                thimble_mve_pixels(scratch, depth, 2, stream, &to, output, output_channels);
            else
                thimble_mve_pixels(scratch, depth, 1, stream, &to, output, output_channels);
        }
        return;
    }
    for (int32_t i = 0; i < output_height; i++) {
        const int32_t y = backwards ? output_height - 1 - i : i;
        const int32_t top = y * stride_height - pad_top;
        int8_t *out = output + y * output_width * output_channels;

        if (window_rows > 0)
            thimble_mve_slide_window(
                window, window_rows, input_width * input_channels, input, input_height, &source_row,
                thimble_window_first(top, (filter_height - 1) * dilation_height + 1, input_height, window_rows, backwards),
                backwards);
        for (int32_t x = 0; x < output_width; x += 2, out += 2 * output_channels) {
            for (int32_t p = 0; p < 2 && x + p < output_width; p++)
                thimble_mve_patch(
                    scratch + p * depth, source, source_row, input_height, input_width, input_channels, input_zero_point,
                    filter_height, filter_width, dilation_height, dilation_width, top, (x + p) * stride_width - pad_left);
            if (output_width % 2 == 0 || x + 1 < output_width)
                thimble_mve_pixels(scratch, depth, 2, stream, &to, out, output_channels);
            else
                thimble_mve_pixels(scratch, depth, 1, stream, &to, out, output_channels);
        }
    }
}

/* 1x1 and stride 1, or fully_connected. Forwards or backwards, so that the output may begin where the input begins. */
THIMBLE_INLINE void thimble_conv_2d_s8_mve_pointwise(
    const int8_t *input, int32_t pixel_count, int32_t input_channels, const int32_t *stream, int32_t depth,
    int32_t clamps_below_zero,
    int8_t *output, int32_t output_channels, int32_t output_zero_point, int32_t activation_min, int32_t activation_max,
    int8_t *scratch)
{
    const thimble_mve_output to = {output_zero_point, clamps_below_zero, activation_min, activation_max};
    const int32_t backwards = output_channels > input_channels;
    const int32_t rest = pixel_count % 2;

    thimble_mve_fill(scratch, 0, (pixel_count > 1 ? 2 : 1) * depth);
    for (int32_t i = 0; i < pixel_count; i += 2) {
        const int32_t first = !backwards ? i : rest > 0 ? pixel_count - 1 - i : pixel_count - 2 - i;
        const int32_t pixels = rest > 0 && first == pixel_count - 1 ? 1 : 2;
        int8_t *const out = output + first * output_channels;

        for (int32_t p = 0; p < pixels; p++)
            thimble_mve_copy(scratch + p * depth, input + (first + p) * input_channels, input_channels);
        if (pixels == 2)
            thimble_mve_pixels(scratch, depth, 2, stream, &to, out, output_channels);
        else
            thimble_mve_pixels(scratch, depth, 1, stream, &to, out, output_channels);
    }
}

#endif
