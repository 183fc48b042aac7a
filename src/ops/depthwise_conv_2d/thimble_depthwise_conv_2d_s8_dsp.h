/*
 * depthwise_conv_2d, int8, NHWC, batch 1, one filter a channel, for cores with the DSP extension. Equals runInt8 in
 * depthwise_conv_2d.ts bit for bit.
 *
 * Four channels at a time. Of each row of the output, the columns of its windows are laid out so that a word holds two
 * rows of one channel: a column of three taps is two products with two words. The last of an odd number of rows is kept
 * as SXTB16 leaves it, two channels in a word; the host puts its weight into the half that counts. The output may begin
 * where the input begins: rows that are still needed are kept in a ring.
 */
#ifndef THIMBLE_DEPTHWISE_CONV_2D_S8_DSP_H
#define THIMBLE_DEPTHWISE_CONV_2D_S8_DSP_H

#include "thimble_dsp.h"

#define THIMBLE_DSP_COLUMN_WORDS 30 /* the most weights of a channel that are held at once */

/* low half of a, low half of b above it */
THIMBLE_INLINE uint32_t thimble_low_halves(uint32_t a, uint32_t b)
{
#if defined(__ARM_FEATURE_DSP)
    uint32_t result;

    __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(result) : "r"(a), "r"(b));
    return result;
#else
    return (a & 0xffffu) | b << 16;
#endif
}

/* high half of a, high half of b above it */
THIMBLE_INLINE uint32_t thimble_high_halves(uint32_t a, uint32_t b)
{
#if defined(__ARM_FEATURE_DSP)
    uint32_t result;

    __asm__("pkhtb %0, %2, %1, asr #16" : "=r"(result) : "r"(a), "r"(b));
    return result;
#else
    return a >> 16 | (b & 0xffff0000u);
#endif
}

/* One column of four channels: rows 2p and 2p + 1 into word p of each channel's plane. */
THIMBLE_INLINE void thimble_dsp_column(
    uint32_t *column, int32_t plane, const uint32_t *const *rows, int32_t x, int32_t filter_height)
{
    for (int32_t p = 0; 2 * p < filter_height; p++) {
        const uint32_t upper = rows[2 * p][x];
        const uint32_t even = thimble_sxtb16(upper), odd = thimble_sxtb16_odd(upper);
        uint32_t *const word = column + p;

        if (2 * p + 1 < filter_height) {
            const uint32_t lower = rows[2 * p + 1][x];
            const uint32_t even_below = thimble_sxtb16(lower), odd_below = thimble_sxtb16_odd(lower);

            word[0] = thimble_low_halves(even, even_below);
            word[plane] = thimble_low_halves(odd, odd_below);
            word[2 * plane] = thimble_high_halves(even, even_below);
            word[3 * plane] = thimble_high_halves(odd, odd_below);
        } else {
            word[0] = even;
            word[plane] = odd;
            word[2 * plane] = even;
            word[3 * plane] = odd;
        }
    }
}

/* A row of the output for one channel. @param values its plane of columns; @param weights words of a filter, as `values` */
THIMBLE_INLINE void thimble_dsp_depthwise_row(
    const uint32_t *values, const int32_t *channel, int32_t filter_width, int32_t words, int32_t stride_width,
    int32_t dilation_width, int8_t *output, int32_t count, int32_t channels, const thimble_dsp_output to)
{
    const thimble_dsp_scale scale = thimble_dsp_scale_of(channel, 1, &to);
    const int32_t *const own = channel + THIMBLE_DSP_CHANNEL_WORDS;
    const int32_t bias = channel[0];
    uint32_t weights[THIMBLE_DSP_COLUMN_WORDS];

#pragma GCC unroll 30
    for (int32_t i = 0; i < filter_width * words; i++)
        weights[i] = (uint32_t)own[i];
    for (int32_t x = 0; x < count; x++) {
        int32_t sum = bias;

        for (int32_t k = 0; k < filter_width; k++)
            for (int32_t p = 0; p < words; p++)
                sum = thimble_smlad(values[k * dilation_width * words + p], weights[k * words + p], sum);
        *output = thimble_dsp_requantize(sum, &scale, 1, &to);
        output += channels;
        values += stride_width * words;
    }
}

/*
 * @param channels a multiple of 4; @param constants of a channel: bias, multiplier, offset, then its weights by
 * column, `words` of each; @param columns of a row with its padding; @param ring rows of the input, kept at once
 */
THIMBLE_INLINE void thimble_depthwise_conv_2d_s8_dsp(
    const int8_t *input, int32_t input_height, int32_t input_width, int32_t channels, int32_t input_zero_point,
    const int32_t *constants, int32_t filter_height, int32_t filter_width,
    int32_t stride_height, int32_t stride_width, int32_t dilation_height, int32_t dilation_width, int32_t pad_top,
    int32_t pad_left, int32_t base, int32_t shift, int32_t clamps_below_zero,
    int8_t *output, int32_t output_height, int32_t output_width, int32_t activation_min, int32_t activation_max,
    int8_t *scratch, int32_t ring, int32_t columns)
{
    const thimble_dsp_output to = {base, shift, clamps_below_zero, activation_min, activation_max};
    const int32_t words = (filter_height + 1) / 2;
    const int32_t plane = columns * words;
    const uint32_t padding = ((uint32_t)input_zero_point & 0xffu) * 0x1010101u;
    uint32_t *const window = (uint32_t *)(void *)scratch; /* four planes of columns */
    uint32_t *const kept = window + 4 * plane; /* the ring: four channels in a word */

    for (int32_t c = 0; c < channels; c += 4) {
        int32_t loaded = -pad_top; /* next row to load */

        /* Columns of padding, left and right, are the same in all rows. */
        for (int32_t i = 0; i < ring * columns; i++)
            kept[i] = padding;
        for (int32_t y = 0; y < output_height; y++) {
            const int32_t top = y * stride_height - pad_top;
            const uint32_t *rows[THIMBLE_DSP_COLUMN_WORDS];

            for (; loaded < top + ring; loaded++) {
                uint32_t *const row = kept + ((loaded + pad_top) % ring) * columns + pad_left;
                const int8_t *from = input + loaded * input_width * channels + c;

                if (loaded < 0 || loaded >= input_height)
                    for (int32_t x = 0; x < input_width; x++)
                        row[x] = padding;
                else
                    for (int32_t x = 0; x < input_width; x++, from += channels)
                        row[x] = thimble_load_word(from);
            }
            for (int32_t k = 0; k < filter_height; k++)
                rows[k] = kept + ((top + k * dilation_height + pad_top) % ring) * columns;
            for (int32_t x = 0; x < columns; x++)
                thimble_dsp_column(window + x * words, plane, rows, x, filter_height);
            for (int32_t k = 0; k < 4; k++)
                thimble_dsp_depthwise_row(
                    window + k * plane, constants + (c + k) * (THIMBLE_DSP_CHANNEL_WORDS + filter_width * words),
                    filter_width, words, stride_width, dilation_width, output + y * output_width * channels + c + k,
                    output_width, channels, to);
        }
    }
}

/* c + a.low * b.high, and c + a.high * b.low */
THIMBLE_INLINE int32_t thimble_smlabt(uint32_t a, uint32_t b, int32_t c)
{
#if defined(__ARM_FEATURE_DSP)
    int32_t result;

    __asm__("smlabt %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(c));
    return result;
#else
    return c + (int16_t)(a & 0xffff) * (int16_t)(b >> 16);
#endif
}

/* Two rows more of four channels: `upper` becomes what `lower` was, for each column. Rows outside are padding. */
THIMBLE_INLINE void thimble_dsp_next_rows(
    uint32_t *columns, int32_t plane, const int8_t *input, int32_t y, int32_t height, int32_t width, int32_t channels,
    uint32_t padding)
{
    const int8_t *const first = input + y * width * channels;
    const int8_t *const second = first + width * channels;
    const int32_t first_inside = y >= 0 && y < height, second_inside = y + 1 >= 0 && y + 1 < height;

    for (int32_t x = 0; x < width; x++, columns += 2) {
        const uint32_t a = first_inside ? thimble_load_word(first + x * channels) : padding;
        const uint32_t b = second_inside ? thimble_load_word(second + x * channels) : padding;
        const uint32_t even = thimble_sxtb16(a), odd = thimble_sxtb16_odd(a);
        const uint32_t even_below = thimble_sxtb16(b), odd_below = thimble_sxtb16_odd(b);

        thimble_store_pair(columns, columns[1], thimble_low_halves(even, even_below));
        thimble_store_pair(columns + plane, columns[plane + 1], thimble_low_halves(odd, odd_below));
        thimble_store_pair(columns + 2 * plane, columns[2 * plane + 1], thimble_high_halves(even, even_below));
        thimble_store_pair(columns + 3 * plane, columns[3 * plane + 1], thimble_high_halves(odd, odd_below));
    }
}

/* Two rows of the output for one channel: a column is rows r and r + 1 in one word, r + 2 and r + 3 in the next. */
THIMBLE_INLINE void thimble_dsp_depthwise_two_rows(
    const uint32_t *columns, const int32_t *channel, int8_t *output, int32_t count, int32_t channels, int32_t two,
    const thimble_dsp_output *to)
{
    const thimble_dsp_scale scale = thimble_dsp_scale_of(channel, 1, to);
    const int32_t bias = channel[0];
    const uint32_t w0 = (uint32_t)channel[3], w1 = (uint32_t)channel[4], w2 = (uint32_t)channel[5];
    const uint32_t v0 = (uint32_t)channel[6], v1 = (uint32_t)channel[7], v2 = (uint32_t)channel[8];
    int8_t *const below = output + count * channels;

    for (int32_t x = 0; x < count * channels; x += channels, columns += 2) {
        int32_t upper = thimble_smlad(columns[0], w0, bias), lower;

        upper = thimble_smlabt(columns[1], v0, upper);
        lower = thimble_smlabt(w0, columns[0], bias);
        lower = thimble_smlad(columns[1], v0, lower);
        upper = thimble_smlad(columns[2], w1, upper);
        upper = thimble_smlabt(columns[3], v1, upper);
        lower = thimble_smlabt(w1, columns[2], lower);
        lower = thimble_smlad(columns[3], v1, lower);
        upper = thimble_smlad(columns[4], w2, upper);
        upper = thimble_smlabt(columns[5], v2, upper);
        lower = thimble_smlabt(w2, columns[4], lower);
        lower = thimble_smlad(columns[5], v2, lower);
        output[x] = thimble_dsp_requantize(upper, &scale, 1, to);
        if (two)
            below[x] = thimble_dsp_requantize(lower, &scale, 1, to);
    }
}

/*
 * The most common of all: 3x3, stride 1, any padding. Two rows of the output at a time need four of the input, of which
 * the next two need two again. What the output overwrites has been read by then.
 * @param constants of a channel: bias, multiplier, offset, then (w00, w10), (w01, w11), (w02, w12), and (w10, w20) …
 */
THIMBLE_INLINE void thimble_depthwise_conv_2d_s8_dsp_3x3(
    const int8_t *input, int32_t input_height, int32_t input_width, int32_t channels, int32_t input_zero_point,
    const int32_t *constants, int32_t pad_top, int32_t pad_left, int32_t base, int32_t shift, int32_t clamps_below_zero,
    int8_t *output, int32_t output_height, int32_t output_width, int32_t activation_min, int32_t activation_max,
    int8_t *scratch)
{
    const thimble_dsp_output to = {base, shift, clamps_below_zero, activation_min, activation_max};
    const int32_t columns = output_width + 2;
    const int32_t plane = 2 * columns;
    const uint32_t padding = ((uint32_t)input_zero_point & 0xffu) * 0x1010101u;
    const uint32_t wide_padding = ((uint32_t)input_zero_point & 0xffffu) * 0x10001u;
    uint32_t *const window = (uint32_t *)(void *)scratch;

    for (int32_t i = 0; i < 4 * plane; i += 2) /* of which the borders stay */
        thimble_store_pair(window + i, wide_padding, wide_padding);
    for (int32_t c = 0; c < channels; c += 4) {
        thimble_dsp_next_rows(
            window + 2 * pad_left, plane, input + c, -pad_top, input_height, input_width, channels, padding);
        for (int32_t y = 0; y < output_height; y += 2) {
            int8_t *const out = output + y * output_width * channels + c;
            const int32_t *channel = constants + c * 9;

            thimble_dsp_next_rows(
                window + 2 * pad_left, plane, input + c, y - pad_top + 2, input_height, input_width, channels, padding);
            for (int32_t k = 0; k < 4; k++, channel += 9)
                thimble_dsp_depthwise_two_rows(
                    window + k * plane, channel, out + k, output_width, channels, y + 1 < output_height, &to);
        }
    }
}

#endif
