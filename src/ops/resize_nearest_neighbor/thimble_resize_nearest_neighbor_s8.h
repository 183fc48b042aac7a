/*
 * resize_nearest_neighbor, int8: two tables hold the input's row of every row of the output, and its columns.
 */
#ifndef THIMBLE_RESIZE_NEAREST_NEIGHBOR_S8_H
#define THIMBLE_RESIZE_NEAREST_NEIGHBOR_S8_H

#include "thimble_move_s8.h"

THIMBLE_INLINE void thimble_resize_nearest_neighbor_s8(
    const int8_t *input, int32_t batch, int32_t height, int32_t width, int32_t channels,
    const int16_t *rows, int32_t output_height,
    const int16_t *columns, int32_t output_width,
    int8_t *output)
{
    const int32_t by_words = THIMBLE_MOVES_WORDS && channels >= THIMBLE_SHORTEST_RUN;

    for (int32_t n = 0; n < batch; n++)
        for (int32_t y = 0; y < output_height; y++) {
            const int8_t *const line = input + (n * height + THIMBLE_LOAD_S16(rows + y)) * width * channels;
            for (int32_t x = 0; x < output_width; x++) {
                const int8_t *const pixel = line + THIMBLE_LOAD_S16(columns + x) * channels;
                for (int32_t c = by_words ? thimble_move_words(pixel, output, channels) : 0; c < channels; c++)
                    output[c] = pixel[c];
                output += channels;
            }
        }
}

#endif
