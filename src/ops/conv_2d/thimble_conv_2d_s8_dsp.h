/*
 * conv_2d, int8, NHWC, batch 1, for cores with the DSP extension. Equals runInt8 in conv_2d.ts bit for bit.
 *
 * Rows of the input are widened once into a ring of 16-bit rows, padded on all sides; a row of the window is one piece
 * of a row there. Three pixels and two channels at a time share what they load. The output may begin where the input
 * begins: the host has proved that a row is in the ring before its place is written.
 */
#ifndef THIMBLE_CONV_2D_S8_DSP_H
#define THIMBLE_CONV_2D_S8_DSP_H

#include "thimble_dsp.h"

#define THIMBLE_DSP_FILTER_ROWS 11 /* the most that a filter may have here */

/* One pixel to 16 bits, in the order k0 k2 k1 k3; channels beyond the last are 0. */
THIMBLE_INLINE void thimble_dsp_widen(int16_t *to, const int8_t *from, int32_t count)
{
    int32_t i = 0;

    for (; i + 4 <= count; i += 4) {
        const uint32_t bytes = thimble_load_word(from + i);
        thimble_store_pair(to + i, thimble_sxtb16(bytes), thimble_sxtb16_odd(bytes));
    }
    if (i < count) {
        to[i] = from[i];
        to[i + 2] = i + 1 < count ? from[i + 1] : 0;
        to[i + 1] = i + 2 < count ? from[i + 2] : 0;
        to[i + 3] = 0;
    }
}

/* `count` pixels of padding. */
THIMBLE_INLINE void thimble_dsp_fill(int16_t *to, int32_t count, int32_t depth, int32_t zero_point)
{
    const uint32_t word = ((uint32_t)zero_point & 0xffffu) * 0x10001u;

    for (int32_t i = 0; i < count * depth; i += 4)
        thimble_store_pair(to + i, word, word);
}

/* Row y of the input into its place in the ring; a row of padding where there is none. */
THIMBLE_INLINE void thimble_dsp_widen_row(
    int16_t *row, const int8_t *input, int32_t y, int32_t height, int32_t width, int32_t channels, int32_t depth,
    int32_t zero_point)
{
    if (y < 0 || y >= height) {
        thimble_dsp_fill(row, width, depth, zero_point);
    } else if (channels == depth) {
        thimble_dsp_widen(row, input + y * width * channels, width * channels);
    } else {
        for (int32_t x = 0; x < width; x++)
            thimble_dsp_widen(row + x * depth, input + (y * width + x) * channels, channels);
    }
}

/* What a window of the input meets, the same for all pixels. */
typedef struct {
    int32_t rows;
    int32_t pieces; /* of a row of the filter */
    int32_t piece_distance;
    int32_t steps; /* of four taps in a piece */
    int32_t unroll; /* of three pixels */
    int32_t tail_unroll; /* of fewer, which come once a row */
    int32_t second; /* bytes from a pixel to the next */
    int32_t next; /* bytes from a step to the next */
} thimble_dsp_filter;

/* The outputs of 1 to 3 neighbours, all channels. `rows` begin at the first neighbour's window. */
THIMBLE_INLINE void thimble_conv_2d_s8_dsp_pixels(
    const int16_t *const *rows, const thimble_dsp_filter filter, int32_t pixels, const int32_t *weights, int32_t wide,
    const int32_t *channel, const thimble_dsp_output *to, int8_t *output, int32_t output_channels)
{
    for (int32_t c = 0; c < output_channels; c += 2, channel += 2 * THIMBLE_DSP_CHANNEL_WORDS) {
        const int32_t *const other = channel + THIMBLE_DSP_CHANNEL_WORDS;
        thimble_dsp_sums sums;
        thimble_dsp_scale scale;

        sums.a0 = sums.a1 = sums.a2 = channel[0];
        sums.b0 = sums.b1 = sums.b2 = other[0];
        for (int32_t y = 0; y < filter.rows; y++)
            for (int32_t piece = 0; piece < filter.pieces; piece++)
                weights = thimble_dsp_dot(
                    &sums, rows[y] + piece * filter.piece_distance, weights, pixels, wide, filter.steps,
                    pixels == 3 ? filter.unroll : filter.tail_unroll, filter.second, filter.next);
        scale = thimble_dsp_scale_of(channel, wide, to);
        output[c] = thimble_dsp_requantize(sums.a0, &scale, wide, to);
        if (pixels > 1)
            output[output_channels + c] = thimble_dsp_requantize(sums.a1, &scale, wide, to);
        if (pixels > 2)
            output[2 * output_channels + c] = thimble_dsp_requantize(sums.a2, &scale, wide, to);
        if ((output_channels & 1) == 1 && c + 1 == output_channels)
            return; /* the other channel is there to fill the pair */
        scale = thimble_dsp_scale_of(other, wide, to);
        output[c + 1] = thimble_dsp_requantize(sums.b0, &scale, wide, to);
        if (pixels > 1)
            output[output_channels + c + 1] = thimble_dsp_requantize(sums.b1, &scale, wide, to);
        if (pixels > 2)
            output[2 * output_channels + c + 1] = thimble_dsp_requantize(sums.b2, &scale, wide, to);
    }
}

/*
 * @param depth input channels rounded up to 4; @param ring rows of it, each of row_pixels pixels; @param steps of four
 * taps in a piece of a row: a whole row of the filter, or with dilation one tap; @param together pixels at a time
 */
THIMBLE_INLINE void thimble_conv_2d_s8_dsp(
    const int8_t *input, int32_t input_height, int32_t input_width, int32_t input_channels, int32_t depth,
    int32_t input_zero_point,
    const int32_t *weights, int32_t wide, int32_t filter_height, int32_t pieces, int32_t piece_distance, int32_t steps,
    int32_t unroll, int32_t tail_unroll, int32_t stride_height, int32_t stride_width, int32_t dilation_height, int32_t pad_top,
    int32_t pad_left,
    const int32_t *channels, int32_t base, int32_t shift, int32_t clamps_below_zero,
    int8_t *output, int32_t output_height, int32_t output_width, int32_t output_channels,
    int32_t activation_min, int32_t activation_max,
    int8_t *scratch, int32_t ring, int32_t row_pixels, int32_t together, int32_t backwards)
{
    const thimble_dsp_filter filter = {
        filter_height, pieces, piece_distance, steps, unroll, tail_unroll, 2 * stride_width * depth, 8};
    const thimble_dsp_output to = {base, shift, clamps_below_zero, activation_min, activation_max};
    const int32_t reach = (filter_height - 1) * dilation_height + 1;
    const int32_t row_size = row_pixels * depth;
    const int32_t rest = output_width % together;
    int16_t *const window = (int16_t *)(void *)scratch;
    int32_t loaded = backwards ? (output_height - 1) * stride_height - pad_top + reach : -pad_top; /* next row to load */

    thimble_dsp_fill(window, ring * row_pixels, depth, input_zero_point); /* of which the borders stay */

    for (int32_t i = 0; i < output_height; i++) {
        const int32_t y = backwards ? output_height - 1 - i : i;
        const int32_t top = y * stride_height - pad_top;
        const int16_t *rows[THIMBLE_DSP_FILTER_ROWS];
        int8_t *out = output + y * output_width * output_channels;

        /* Row r lies in the ring at r modulo `ring`; all that the ring can hold is loaded, for its place may be next. */
        if (backwards) {
            for (; loaded > top + reach - ring; loaded--)
                thimble_dsp_widen_row(
                    window + ((loaded - 1 + pad_top + 2 * ring) % ring) * row_size + pad_left * depth, input, loaded - 1,
                    input_height, input_width, input_channels, depth, input_zero_point);
        } else {
            for (; loaded < top + ring; loaded++)
                thimble_dsp_widen_row(
                    window + ((loaded + pad_top) % ring) * row_size + pad_left * depth, input, loaded, input_height,
                    input_width, input_channels, depth, input_zero_point);
        }
        for (int32_t k = 0; k < filter_height; k++)
            rows[k] = window + ((top + k * dilation_height + pad_top) % ring) * row_size;

        for (int32_t x = 0; x < output_width / together; x++) {
            thimble_conv_2d_s8_dsp_pixels(rows, filter, together, weights, wide, channels, &to, out, output_channels);
            for (int32_t k = 0; k < filter_height; k++)
                rows[k] += together * stride_width * depth;
            out += together * output_channels;
        }
        if (rest > 0)
            thimble_conv_2d_s8_dsp_pixels(rows, filter, rest, weights, wide, channels, &to, out, output_channels);
    }
}

/*
 * 1x1 and stride 1, or fully_connected: pixels one after another, three at a time, widened side by side. Forwards where the output has no more
 * channels than the input, backwards where it has more: either way it may begin where the input begins.
 */
THIMBLE_INLINE void thimble_conv_2d_s8_dsp_pointwise(
    const int8_t *input, int32_t pixel_count, int32_t input_channels, int32_t depth,
    const int32_t *weights, int32_t wide, int32_t unroll, int32_t tail_unroll,
    const int32_t *channels, int32_t base, int32_t shift, int32_t clamps_below_zero,
    int8_t *output, int32_t output_channels, int32_t activation_min, int32_t activation_max, int8_t *scratch)
{
    const int32_t together = THIMBLE_MIN(pixel_count, 3);
    const thimble_dsp_filter filter = {1, 1, 0, depth / 4, unroll, tail_unroll, 8, 8 * together};
    const thimble_dsp_output to = {base, shift, clamps_below_zero, activation_min, activation_max};
    const int32_t backwards = output_channels > input_channels;
    const int32_t rest = pixel_count % 3;
    int16_t *const window = (int16_t *)(void *)scratch;
    const int16_t *const rows[1] = {window};

    for (int32_t i = 0; i < pixel_count; i += 3) {
        const int32_t first = !backwards ? i : rest > 0 ? pixel_count - rest - i : pixel_count - 3 - i;
        const int32_t pixels = rest > 0 && first == pixel_count - rest ? rest : 3;
        const int8_t *const from = input + first * input_channels;
        int8_t *const out = output + first * output_channels;

        for (int32_t p = 0; p < pixels; p++)
            for (int32_t k = 0; k < depth; k += 4)
                thimble_dsp_widen(window + together * k + 4 * p, from + p * input_channels + k, THIMBLE_MIN(input_channels - k, 4));
        if (rest == 0 || pixels == 3)
            thimble_conv_2d_s8_dsp_pixels(rows, filter, 3, weights, wide, channels, &to, out, output_channels);
        else
            thimble_conv_2d_s8_dsp_pixels(rows, filter, rest, weights, wide, channels, &to, out, output_channels);
    }
}

/* The bytes under one window, in the order of the weights. */
THIMBLE_INLINE void thimble_dsp_patch(
    int8_t *patch, const int8_t *input, int32_t input_height, int32_t input_width, int32_t channels, int32_t zero_point,
    int32_t filter_height, int32_t filter_width, int32_t dilation_height, int32_t dilation_width, int32_t top,
    int32_t left)
{
    const int32_t run = filter_width * channels;
    const int32_t inside = left >= 0 && left + (filter_width - 1) * dilation_width < input_width;

    for (int32_t k = 0; k < filter_height; k++, patch += run) {
        const int32_t y = top + k * dilation_height;
        const int8_t *const row = input + (y * input_width + left) * channels;

        if (y >= 0 && y < input_height && inside && dilation_width == 1) {
            __builtin_memcpy(patch, row, (uint32_t)run);
            continue;
        }
        for (int32_t i = 0; i < run; i++) {
            const int32_t x = left + i / channels * dilation_width;
            const int32_t read = y >= 0 && y < input_height && x >= 0 && x < input_width;
            patch[i] = read ? row[i / channels * dilation_width * channels + i % channels] : (int8_t)zero_point;
        }
    }
}

/*
 * Few input channels: a window is gathered as a whole, for rounding every pixel up to four channels would double the work.
 * @param taps of a window, @param depth the same rounded up to 4
 */
THIMBLE_INLINE void thimble_conv_2d_s8_dsp_patches(
    const int8_t *input, int32_t input_height, int32_t input_width, int32_t input_channels, int32_t input_zero_point,
    const int32_t *weights, int32_t wide, int32_t filter_height, int32_t filter_width, int32_t depth, int32_t unroll,
    int32_t tail_unroll, int32_t stride_height, int32_t stride_width, int32_t dilation_height, int32_t dilation_width,
    int32_t pad_top, int32_t pad_left,
    const int32_t *channels, int32_t base, int32_t shift, int32_t clamps_below_zero,
    int8_t *output, int32_t output_height, int32_t output_width, int32_t output_channels,
    int32_t activation_min, int32_t activation_max, int8_t *scratch)
{
    const thimble_dsp_filter filter = {1, 1, 0, depth / 4, unroll, tail_unroll, 8, 24};
    const thimble_dsp_output to = {base, shift, clamps_below_zero, activation_min, activation_max};
    const int32_t taps = filter_height * filter_width * input_channels;
    const int32_t count = output_height * output_width;
    const int32_t rest = count % 3;
    int16_t *const window = (int16_t *)(void *)scratch;
    const int16_t *const rows[1] = {window};
    int8_t *const patch = scratch + 6 * depth;
    int32_t y = 0, x = 0;

    for (int32_t k = taps; k < depth; k++)
        patch[k] = 0; /* weights there are 0 */
    for (int32_t i = 0; i < count; i += 3) {
        const int32_t pixels = THIMBLE_MIN(count - i, 3);

        for (int32_t p = 0; p < pixels; p++) {
            thimble_dsp_patch(
                patch, input, input_height, input_width, input_channels, input_zero_point, filter_height, filter_width,
                dilation_height, dilation_width, y * stride_height - pad_top, x * stride_width - pad_left);
            for (int32_t k = 0; k < depth; k += 4)
                thimble_dsp_widen(window + 3 * k + 4 * p, patch + k, 4);
            if (++x == output_width) {
                x = 0;
                y++;
            }
        }
        if (rest == 0 || pixels == 3)
            thimble_conv_2d_s8_dsp_pixels(rows, filter, 3, weights, wide, channels, &to, output, output_channels);
        else
            thimble_conv_2d_s8_dsp_pixels(rows, filter, rest, weights, wide, channels, &to, output, output_channels);
        output += pixels * output_channels;
    }
}

#endif
