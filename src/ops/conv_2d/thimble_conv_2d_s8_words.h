/*
 * conv_2d, int8, NHWC, batch 1, for cores without SIMD. Equals runInt8 in conv_2d.ts bit for bit. Up to five windows are
 * gathered into 32-bit words, tap by tap side by side, and then multiplied by all filters.
 */
#ifndef THIMBLE_CONV_2D_S8_WORDS_H
#define THIMBLE_CONV_2D_S8_WORDS_H

#include "thimble_sliding_window.h"
#include "thimble_words.h"

/* `count` bytes to every `pixels`-th word; adds them up. */
THIMBLE_INLINE int32_t thimble_words_gather(int32_t *to, int32_t pixels, const int8_t *from, int32_t count)
{
    int32_t total = 0;

    for (int32_t i = 0; i < count; i++) {
        const int32_t value = from[i];

        to[i * pixels] = value;
        total += value;
    }
    return total;
}

/* One window. @return the sum of its values */
THIMBLE_INLINE int32_t thimble_words_window(
    int32_t *to, int32_t pixels, const int8_t *source, int32_t source_row, int32_t input_height, int32_t input_width,
    int32_t channels, int32_t zero_point, int32_t filter_height, int32_t filter_width, int32_t dilation_height,
    int32_t dilation_width, int32_t top, int32_t left)
{
    const int32_t run = filter_width * channels;
    const int32_t inside = left >= 0 && left + (filter_width - 1) * dilation_width < input_width;
    int32_t total = 0;

    for (int32_t k = 0; k < filter_height; k++, to += run * pixels) {
        const int32_t y = top + k * dilation_height;
        const int8_t *const row = source + ((y - source_row) * input_width + left) * channels;

        if (dilation_width == 1 && inside && y >= 0 && y < input_height) {
            total += thimble_words_gather(to, pixels, row, run);
            continue;
        }
        for (int32_t j = 0; j < filter_width; j++) {
            const int32_t x = left + j * dilation_width;

            if (y >= 0 && y < input_height && x >= 0 && x < input_width) {
                total += thimble_words_gather(
                    to + j * channels * pixels, pixels, row + j * dilation_width * channels, channels);
            } else {
                for (int32_t i = 0; i < channels; i++)
                    to[(j * channels + i) * pixels] = zero_point;
                total += channels * zero_point;
            }
        }
    }
    return total;
}

/* @param weights as thimble_words_weights tells; @param taps of a filter, rounded up to unroll */
THIMBLE_INLINE void thimble_conv_2d_s8_words(
    const int8_t *input, int32_t input_height, int32_t input_width, int32_t input_channels, int32_t input_zero_point,
    const uint8_t *weights, const uint16_t *lengths, const uint8_t *codebook, int32_t filter_height,
    int32_t filter_width, int32_t taps, int32_t unroll,
    int32_t stride_height, int32_t stride_width, int32_t dilation_height, int32_t dilation_width, int32_t pad_top,
    int32_t pad_left,
    const int32_t *channels, const uint8_t *shifts, int32_t saturates, int32_t clamps_below_zero,
    int8_t *output, int32_t output_height, int32_t output_width, int32_t output_channels, int32_t output_zero_point,
    int32_t activation_min, int32_t activation_max,
    int8_t *scratch, int32_t together, int32_t window_rows, int32_t backwards)
{
    const thimble_words_output to = {
        output_zero_point, saturates, clamps_below_zero, activation_min, activation_max};
    const thimble_words_weights from = {weights, lengths, codebook, taps, unroll};
    const int32_t used = filter_height * filter_width * input_channels;
    const int32_t rest = output_width % together;
    int32_t *const values = (int32_t *)(void *)scratch;
    int8_t *const window = scratch + taps * together * 4;
    const int8_t *const source = window_rows > 0 ? window : input;
    int32_t source_row = window_rows > 0 ? THIMBLE_WINDOW_EMPTY(backwards) : 0;
    int32_t totals[THIMBLE_WORDS_PIXELS];

    for (int32_t i = 0; i < output_height; i++) {
        const int32_t y = backwards ? output_height - 1 - i : i;
        const int32_t top = y * stride_height - pad_top;
        int8_t *out = output + y * output_width * output_channels;

        if (window_rows > 0)
            thimble_slide_window(
                window, window_rows, input_width * input_channels, input, input_height, &source_row,
                thimble_window_first(top, (filter_height - 1) * dilation_height + 1, input_height, window_rows, backwards),
                backwards);
        for (int32_t x = 0; x < output_width; x += together, out += together * output_channels) {
            const int32_t pixels = rest > 0 && x + together > output_width ? rest : together;
            const int32_t stride = lengths ? together : pixels;

            for (int32_t p = 0; p < pixels; p++) {
                totals[p] = 128 * thimble_words_window(
                                      values + p, stride, source, source_row, input_height, input_width, input_channels,
                                      input_zero_point, filter_height, filter_width, dilation_height, dilation_width, top,
                                      (x + p) * stride_width - pad_left);
                for (int32_t k = used; k < taps; k++)
                    values[k * stride + p] = 0;
            }
            if (rest == 0 || pixels == together)
                thimble_words_pixels(values, totals, together, together, &from, channels, shifts, &to, out, output_channels);
            else
                thimble_words_pixels(values, totals, rest, lengths ? together : rest, &from, channels, shifts, &to, out, output_channels);
        }
    }
}

/* 1x1 and stride 1, or fully_connected. Forwards or backwards, so that the output may begin where the input begins. */
THIMBLE_INLINE void thimble_conv_2d_s8_words_pointwise(
    const int8_t *input, int32_t pixel_count, int32_t input_channels, const uint8_t *weights, const uint16_t *lengths,
    const uint8_t *codebook, int32_t taps, int32_t unroll,
    const int32_t *channels, const uint8_t *shifts, int32_t saturates, int32_t clamps_below_zero,
    int8_t *output, int32_t output_channels, int32_t output_zero_point, int32_t activation_min, int32_t activation_max,
    int8_t *scratch, int32_t together)
{
    const thimble_words_output to = {
        output_zero_point, saturates, clamps_below_zero, activation_min, activation_max};
    const thimble_words_weights from = {weights, lengths, codebook, taps, unroll};
    const int32_t backwards = output_channels > input_channels;
    const int32_t rest = pixel_count % together;
    int32_t *const values = (int32_t *)(void *)scratch;
    int32_t totals[THIMBLE_WORDS_PIXELS];

    for (int32_t i = 0; i < pixel_count; i += together) {
        const int32_t first = !backwards ? i : rest > 0 ? pixel_count - rest - i : pixel_count - together - i;
        const int32_t pixels = rest > 0 && first == pixel_count - rest ? rest : together;
        const int32_t stride = lengths ? together : pixels;
        int8_t *const out = output + first * output_channels;

        for (int32_t p = 0; p < pixels; p++) {
            totals[p] = 128 * thimble_words_gather(
                                  values + p, stride, input + (first + p) * input_channels, input_channels);
            for (int32_t k = input_channels; k < taps; k++)
                values[k * stride + p] = 0;
        }
        if (rest == 0 || pixels == together)
            thimble_words_pixels(values, totals, together, together, &from, channels, shifts, &to, out, output_channels);
        else
            thimble_words_pixels(values, totals, rest, lengths ? together : rest, &from, channels, shifts, &to, out, output_channels);
    }
}

#endif
