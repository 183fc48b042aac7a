/*
 * fully_connected, int16 with int8 weights (TFLite's 16x8); weights [units, depth], all zero points 0. Equals runInt8 in
 * fully_connected.ts bit for bit.
 *
 * The emitter calls it once per layer with literals, and the compiler folds sizes and loops. The host has proved that
 * shapes fit, and chosen the sums' type so that none leaves it.
 */
#ifndef THIMBLE_FULLY_CONNECTED_S16_H
#define THIMBLE_FULLY_CONNECTED_S16_H

#include "thimble_16x8.h"

THIMBLE_INLINE void thimble_fully_connected_s16(
    const int16_t *input, int32_t rows, int32_t depth, const int8_t *weights, const thimble_channels_16x8 *channels,
    int16_t *output, int32_t units)
{
    for (int32_t row = 0; row < rows; row++) {
        const int16_t *x = input + row * depth;

        for (int32_t c = 0; c < units; c++) {
            const int8_t *w = weights + c * depth;
            int32_t sum = 0;
            int64_t wide_sum = 0;

            for (int32_t i = 0; i < depth; i++) {
                const int32_t product = (int32_t)x[i] * THIMBLE_LOAD_S8(w + i);
                if (channels->wide)
                    wide_sum += product;
                else
                    sum += product;
            }
            *output++ = thimble_output_16x8(channels, c, sum, wide_sum);
        }
    }
}

#endif
