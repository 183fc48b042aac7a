/*
 * pad, int16, up to four axes: the output is written once, front to back.
 */
#ifndef THIMBLE_PAD_S16_H
#define THIMBLE_PAD_S16_H

#include "thimble_base.h"

THIMBLE_INLINE int16_t *thimble_fill_s16(int16_t *output, int16_t value, int32_t count)
{
    for (int32_t i = 0; i < count; i++)
        *output++ = value;
    return output;
}

THIMBLE_INLINE void thimble_pad_s16(
    const int16_t *input,
    int32_t batches, int32_t batches_before, int32_t batches_after,
    int32_t height, int32_t height_before, int32_t height_after,
    int32_t width, int32_t width_before, int32_t width_after,
    int32_t channels, int32_t channels_before, int32_t channels_after,
    int16_t value, int16_t *output)
{
    const int32_t pixel = channels_before + channels + channels_after;
    const int32_t row = (width_before + width + width_after) * pixel;
    const int32_t image = (height_before + height + height_after) * row;

    output = thimble_fill_s16(output, value, batches_before * image);
    for (int32_t n = 0; n < batches; n++) {
        output = thimble_fill_s16(output, value, height_before * row);
        for (int32_t y = 0; y < height; y++) {
            output = thimble_fill_s16(output, value, width_before * pixel);
            for (int32_t x = 0; x < width; x++) {
                output = thimble_fill_s16(output, value, channels_before);
                for (int32_t c = 0; c < channels; c++)
                    *output++ = *input++;
                output = thimble_fill_s16(output, value, channels_after);
            }
            output = thimble_fill_s16(output, value, width_after * pixel);
        }
        output = thimble_fill_s16(output, value, height_after * row);
    }
    thimble_fill_s16(output, value, batches_after * image);
}

#endif
