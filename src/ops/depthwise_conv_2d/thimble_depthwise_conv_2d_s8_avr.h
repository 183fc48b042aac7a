/*
 * depthwise_conv_2d, int8, one filter a channel, for AVR. Equals runInt8 bit for bit; see thimble_avr.h, but for the weights:
 * they are signed here, since each channel would have to sum its own values otherwise. Weights lie [channels / 4, taps, 4], and what
 * is left of the channels [taps] each.
 */
#ifndef THIMBLE_DEPTHWISE_CONV_2D_S8_AVR_H
#define THIMBLE_DEPTHWISE_CONV_2D_S8_AVR_H

#include "thimble_avr.h"
#include "thimble_sliding_window.h"

/* The taps of a filter that lie inside the input, and how to get from one to the next. */
typedef struct {
    uint8_t rows;
    uint8_t columns;
    int16_t next_tap; /* from the last byte that was read of one to the next one's first */
    int16_t next_row;
    int16_t next_weights; /* from a row's last tap inside to the next row's first */
} thimble_avr_taps;

/* Adds to the sums of so many channels side by side, 4 or 1, the products of their taps. */
static THIMBLE_NOINLINE void thimble_avr_depthwise(
    const int8_t *values, const int8_t *weights, const thimble_avr_taps *taps, uint8_t together, uint32_t *sums)
{
    for (uint8_t rows = taps->rows; rows > 0; rows--) {
        uint8_t columns = taps->columns;
#if THIMBLE_AVR_ASM
        if (together == 4) {
            thimble_avr_sum a = (thimble_avr_sum)sums[0], b = (thimble_avr_sum)sums[1];
            thimble_avr_sum c = (thimble_avr_sum)sums[2], d = (thimble_avr_sum)sums[3];
            uint8_t value, weight, zero;

#define THIMBLE_AVR_TERM(sum)                                                                                         \
    "ld %[value], X+\n\tsubi %[value], 0x80\n\tlpm %[weight], Z+\n\tmulsu %[weight], %[value]\n\tadd %A[" sum           \
    "], r0\n\tadc %B[" sum "], r1\n\tadc %C[" sum "], %[zero]\n\tsbrc r1, 7\n\tdec %C[" sum "]\n\t"
            __asm__("clr %[zero]\n"
                    "1:\n\t" THIMBLE_AVR_TERM("a") THIMBLE_AVR_TERM("b") THIMBLE_AVR_TERM("c") THIMBLE_AVR_TERM("d")
                    "add r26, %A[step]\n\t"
                    "adc r27, %B[step]\n\t"
                    "dec %[columns]\n\t"
                    "brne 1b\n\t"
                    "clr r1"
                    : [a] "+r"(a), [b] "+r"(b), [c] "+r"(c), [d] "+r"(d), [value] "=&a"(value), [weight] "=&a"(weight),
                      [zero] "=&r"(zero), [columns] "+r"(columns), "+x"(values), "+z"(weights)
                    : [step] "r"(taps->next_tap)
                    : "r0", "memory");
#undef THIMBLE_AVR_TERM
            sums[0] = a;
            sums[1] = b;
            sums[2] = c;
            sums[3] = d;
        } else
#endif
            for (; columns > 0; columns--, values += taps->next_tap)
                for (uint8_t i = 0; i < together; i++) {
                    const int16_t value = (int16_t)(uint8_t)(*values++ ^ 0x80);

                    sums[i] += (uint32_t)((int32_t)value * THIMBLE_LOAD_S8(weights++));
                }
        values += taps->next_row;
        weights += taps->next_weights;
    }
}

THIMBLE_INLINE void thimble_depthwise_conv_2d_s8_avr(
    const int8_t *input, int32_t input_height, int32_t input_width, int32_t channel_count, int32_t input_zero_point,
    const int8_t *weights, const int32_t *channels, const uint8_t *shifts, int32_t filter_height, int32_t filter_width,
    int32_t stride_height, int32_t stride_width, int32_t dilation_height, int32_t dilation_width,
    int32_t pad_top, int32_t pad_left, int32_t saturates, int32_t clamps_below_zero,
    int8_t *output, int32_t output_height, int32_t output_width, int32_t activation_min, int32_t activation_max,
    int8_t *window, int32_t window_rows, int32_t backwards) /* 0 rows: the output lies apart from the input */
{
    const thimble_avr_matrix to = {
        (const uint8_t *)0, channels, shifts, 1, 1, (uint8_t)saturates, (uint8_t)clamps_below_zero,
        (int8_t)activation_min, (int8_t)activation_max};
    const int16_t padding = (int16_t)(input_zero_point + 128); /* what a tap outside would have been */
    const int8_t *const source = window_rows > 0 ? window : input;
    int32_t source_row = window_rows > 0 ? THIMBLE_WINDOW_EMPTY(backwards) : 0; /* of the input, where source begins */

    for (int16_t i = 0; i < (int16_t)output_height; i++) {
        const int16_t out_y = (int16_t)(backwards ? output_height - 1 - i : i);
        const int16_t top = (int16_t)(out_y * (int16_t)stride_height - (int16_t)pad_top);
        int8_t *out = output + out_y * (int16_t)(output_width * channel_count);
        int16_t y_begin = 0, y_end = (int16_t)filter_height;

        while (y_begin < y_end && top + y_begin * (int16_t)dilation_height < 0)
            y_begin++;
        while (y_end > y_begin && top + (y_end - 1) * (int16_t)dilation_height >= (int16_t)input_height)
            y_end--;
        if (window_rows > 0)
            thimble_slide_window(
                window, window_rows, input_width * channel_count, input, input_height, &source_row,
                thimble_window_first(top, (filter_height - 1) * dilation_height + 1, input_height, window_rows, backwards),
                backwards);
        for (int16_t out_x = 0; out_x < (int16_t)output_width; out_x++) {
            const int16_t left = (int16_t)(out_x * (int16_t)stride_width - (int16_t)pad_left);
            int16_t x_begin = 0, x_end = (int16_t)filter_width;
            const int32_t *channel = channels;
            const uint8_t *shift = shifts;
            const int8_t *filter = weights;
            const int8_t *values;
            uint8_t together;
            int inside;

            while (x_begin < x_end && left + x_begin * (int16_t)dilation_width < 0)
                x_begin++;
            while (x_end > x_begin && left + (x_end - 1) * (int16_t)dilation_width >= (int16_t)input_width)
                x_end--;
            inside = x_end > x_begin && y_end > y_begin;
            values = source;
            if (inside)
                values += ((int16_t)(top - (int16_t)source_row) + y_begin * (int16_t)dilation_height) * (int16_t)(input_width * channel_count)
                    + (left + x_begin * (int16_t)dilation_width) * (int16_t)channel_count;
            for (int16_t c = 0; c < (int16_t)channel_count; c = (int16_t)(c + together)) {
                uint32_t sums[4] = {0, 0, 0, 0};

                together = (int16_t)channel_count - c >= 4 ? 4 : 1;
                if (inside) {
                    thimble_avr_taps taps;

                    taps.rows = (uint8_t)(y_end - y_begin);
                    taps.columns = (uint8_t)(x_end - x_begin);
                    taps.next_tap = (int16_t)(dilation_width * channel_count - together);
                    taps.next_row = (int16_t)(
                        dilation_height * input_width * channel_count - (x_end - x_begin) * dilation_width * channel_count);
                    taps.next_weights = (int16_t)((filter_width - (x_end - x_begin)) * together);
                    thimble_avr_depthwise(
                        values, filter + (y_begin * (int16_t)filter_width + x_begin) * together, &taps, together, sums);
                }
                if (padding != 0 && (y_end - y_begin != (int16_t)filter_height || x_end - x_begin != (int16_t)filter_width))
                    for (int16_t y = 0; y < (int16_t)filter_height; y++)
                        for (int16_t x = 0; x < (int16_t)filter_width; x++) {
                            if (y >= y_begin && y < y_end && x >= x_begin && x < x_end)
                                continue;
                            for (uint8_t k = 0; k < together; k++)
                                sums[k] += (uint32_t)((int32_t)padding * THIMBLE_LOAD_S8(
                                    filter + (y * (int16_t)filter_width + x) * together + k));
                        }
                for (uint8_t k = 0; k < together; k++, channel += THIMBLE_AVR_CHANNEL)
                    *out++ = thimble_avr_requantize(
                        thimble_avr_signed(sums[k] + (uint32_t)THIMBLE_LOAD_S32(channel)), THIMBLE_LOAD_S32(channel + 1),
                        THIMBLE_LOAD_S32(channel + 2), THIMBLE_LOAD_U8(shift++), &to);
                filter += (int16_t)(filter_height * filter_width * together);
                values += together;
            }
        }
    }
}

#endif
