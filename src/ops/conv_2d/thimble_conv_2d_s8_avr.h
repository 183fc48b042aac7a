/*
 * conv_2d and fully_connected, int8, for AVR. Equal runInt8 bit for bit; see thimble_avr.h. The values of a window are
 * gathered once for all channels; what computes a pixel is shared by all layers.
 */
#ifndef THIMBLE_CONV_2D_S8_AVR_H
#define THIMBLE_CONV_2D_S8_AVR_H

#include "thimble_avr.h"
#include "thimble_sliding_window.h"

/* The next four channels: adds to their sums. @param weights 4 taps bytes */
THIMBLE_INLINE void thimble_avr_dot4(const uint8_t *values, const uint8_t *weights, uint16_t taps, uint32_t *sums)
{
#if THIMBLE_AVR_ASM
    thimble_avr_sum a = (thimble_avr_sum)sums[0], b = (thimble_avr_sum)sums[1];
    thimble_avr_sum c = (thimble_avr_sum)sums[2], d = (thimble_avr_sum)sums[3];
    uint8_t value, weight, zero;

#define THIMBLE_AVR_TERM(sum)                                                                                         \
    "lpm %[weight], Z+\n\tmul %[value], %[weight]\n\tadd %A[" sum "], r0\n\tadc %B[" sum "], r1\n\tadc %C[" sum          \
    "], %[zero]\n\t"
    __asm__("clr %[zero]\n"
            "1:\n\t"
            "ld %[value], %a[values]+\n\t" THIMBLE_AVR_TERM("a") THIMBLE_AVR_TERM("b") THIMBLE_AVR_TERM("c")
            THIMBLE_AVR_TERM("d")
            "subi %A[taps], 1\n\tsbci %B[taps], 0\n\t"
            "brne 1b\n\t"
            "clr r1"
            : [a] "+r"(a), [b] "+r"(b), [c] "+r"(c), [d] "+r"(d), [value] "=&r"(value), [weight] "=&r"(weight),
              [zero] "=&r"(zero), [values] "+x"(values), "+z"(weights), [taps] "+d"(taps)
            :
            : "r0", "memory");
#undef THIMBLE_AVR_TERM
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
#else
    for (; taps > 0; taps--, values++, weights += 4)
        for (uint8_t i = 0; i < 4; i++)
            sums[i] += (uint32_t)*values * THIMBLE_LOAD_U8(weights + i);
#endif
}

/* One channel. */
THIMBLE_INLINE uint32_t thimble_avr_dot(const uint8_t *values, const uint8_t *weights, uint16_t taps, uint32_t sum)
{
#if THIMBLE_AVR_ASM
    uint8_t value, weight, zero;

    __asm__("clr %[zero]\n"
            "1:\n\t"
            "ld %[value], %a[values]+\n\t"
            "lpm %[weight], Z+\n\t"
            "mul %[value], %[weight]\n\t"
            "add %A[sum], r0\n\t"
            "adc %B[sum], r1\n\t"
            "adc %C[sum], %[zero]\n\t"
            "subi %A[taps], 1\n\tsbci %B[taps], 0\n\t"
            "brne 1b\n\t"
            "clr r1"
            : [sum] "+r"(sum), [value] "=&r"(value), [weight] "=&r"(weight), [zero] "=&r"(zero), [values] "+x"(values),
              "+z"(weights), [taps] "+d"(taps)
            :
            : "r0", "memory");
#else
    for (; taps > 0; taps--, values++, weights++)
        sum += (uint32_t)*values * THIMBLE_LOAD_U8(weights);
#endif
    return sum;
}

/* All channels of one pixel. @param total 128 times the sum of its values */
static THIMBLE_NOINLINE void thimble_avr_pixel(
    const uint8_t *values, uint32_t total, const thimble_avr_matrix *from, int8_t *output)
{
    const uint8_t *weights = from->weights;
    const int32_t *channel = from->channels;
    const uint8_t *shifts = from->shifts;

    for (uint16_t left = from->outputs; left > 0;) {
        const uint8_t together = left > 2 ? 4 : 1;
        const uint8_t written = (uint8_t)(left == 3 ? 3 : together);
        uint32_t sums[4] = {0, 0, 0, 0};

        if (together == 4)
            thimble_avr_dot4(values, weights, from->taps, sums);
        else
            sums[0] = thimble_avr_dot(values, weights, from->taps, 0);
        weights += (uint16_t)(together * from->taps);
        for (uint8_t i = 0; i < written; i++, channel += THIMBLE_AVR_CHANNEL) {
            const uint32_t sum = sums[i] - total + (uint32_t)THIMBLE_LOAD_S32(channel);

            *output++ = thimble_avr_requantize(
                thimble_avr_signed(sum), THIMBLE_LOAD_S32(channel + 1), THIMBLE_LOAD_S32(channel + 2),
                THIMBLE_LOAD_U8(shifts++), from);
        }
        left = (uint16_t)(left - written);
    }
}

/* Copies values with 128 added. @returns their sum */
static THIMBLE_NOINLINE uint32_t thimble_avr_gather(uint8_t *values, const int8_t *from, uint16_t count)
{
    uint32_t sum = 0;

    for (; count > 0; count--) {
        const uint8_t value = (uint8_t)(*from++ ^ 0x80);

        *values++ = value;
        sum += value;
    }
    return sum;
}

/* Pixels, or rows, that follow one another; over the input from the last on where the output is the larger one. */
THIMBLE_INLINE void thimble_conv_2d_s8_avr_pointwise(
    const int8_t *input, int32_t pixels, const uint8_t *weights, const int32_t *channels, const uint8_t *shifts,
    int32_t taps, int32_t saturates, int32_t clamps_below_zero,
    int8_t *output, int32_t output_channels, int32_t activation_min, int32_t activation_max, int8_t *scratch)
{
    const thimble_avr_matrix matrix = {
        weights, channels, shifts, (uint16_t)taps, (uint16_t)output_channels, (uint8_t)saturates,
        (uint8_t)clamps_below_zero, (int8_t)activation_min, (int8_t)activation_max};
    uint8_t *const values = (uint8_t *)scratch;

    for (int16_t i = 0; i < (int16_t)pixels; i++) {
        const int16_t pixel = (int16_t)(output_channels > taps ? pixels - 1 - i : i);
        const uint32_t sum = thimble_avr_gather(values, input + pixel * (int16_t)taps, (uint16_t)taps);

        thimble_avr_pixel(values, sum << 7, &matrix, output + pixel * (int16_t)output_channels);
    }
}

/* @param weights of channels in the order of the window; @param scratch taps bytes, then the window */
THIMBLE_INLINE void thimble_conv_2d_s8_avr(
    const int8_t *input, int32_t input_height, int32_t input_width, int32_t input_channels, int32_t input_zero_point,
    const uint8_t *weights, const int32_t *channels, const uint8_t *shifts, int32_t filter_height, int32_t filter_width,
    int32_t stride_height, int32_t stride_width, int32_t dilation_height, int32_t dilation_width,
    int32_t pad_top, int32_t pad_left, int32_t saturates, int32_t clamps_below_zero,
    int8_t *output, int32_t output_height, int32_t output_width, int32_t output_channels,
    int32_t activation_min, int32_t activation_max,
    int8_t *scratch, int8_t *window, int32_t window_rows, int32_t backwards) /* 0 rows: the output lies apart */
{
    const uint16_t taps = (uint16_t)(filter_height * filter_width * input_channels);
    const thimble_avr_matrix matrix = {
        weights, channels, shifts, taps, (uint16_t)output_channels, (uint8_t)saturates,
        (uint8_t)clamps_below_zero, (int8_t)activation_min, (int8_t)activation_max};
    const int8_t *const source = window_rows > 0 ? window : input;
    int32_t source_row = window_rows > 0 ? THIMBLE_WINDOW_EMPTY(backwards) : 0; /* of the input, where source begins */

    for (int16_t i = 0; i < (int16_t)output_height; i++) {
        const int16_t out_y = (int16_t)(backwards ? output_height - 1 - i : i);
        const int16_t top = (int16_t)(out_y * (int16_t)stride_height - (int16_t)pad_top);
        int8_t *out = output + out_y * (int16_t)(output_width * output_channels);

        if (window_rows > 0)
            thimble_slide_window(
                window, window_rows, input_width * input_channels, input, input_height, &source_row,
                thimble_window_first(top, (filter_height - 1) * dilation_height + 1, input_height, window_rows, backwards),
                backwards);
        for (int16_t out_x = 0; out_x < (int16_t)output_width; out_x++, out += output_channels) {
            const int16_t left = (int16_t)(out_x * (int16_t)stride_width - (int16_t)pad_left);
            uint8_t *values = (uint8_t *)scratch;
            uint32_t sum = 0;

            for (int16_t y = 0; y < (int16_t)filter_height; y++) {
                const int16_t row = (int16_t)(top + y * (int16_t)dilation_height);
                const int8_t *const line = source + (int16_t)(row - (int16_t)source_row) * (int16_t)(input_width * input_channels);

                for (int16_t x = 0; x < (int16_t)filter_width; x++, values += input_channels) {
                    const int16_t column = (int16_t)(left + x * (int16_t)dilation_width);

                    if (row >= 0 && row < (int16_t)input_height && column >= 0 && column < (int16_t)input_width)
                        sum += thimble_avr_gather(
                            values, line + column * (int16_t)input_channels, (uint16_t)input_channels);
                    else
                        for (int16_t k = 0; k < (int16_t)input_channels; k++) {
                            values[k] = (uint8_t)(input_zero_point + 128);
                            sum += values[k];
                        }
                }
            }
            thimble_avr_pixel((const uint8_t *)scratch, sum << 7, &matrix, out);
        }
    }
}

#endif
