/*
 * thimble_fully_connected_s16 for cores with the DSP extension, four units at a time, with sums in int32. Equals runInt8 in
 * fully_connected.ts bit for bit. `packed` weights as thimble_dsp_s16.h has them: for depths by fours.
 */
#ifndef THIMBLE_FULLY_CONNECTED_S16_DSP_H
#define THIMBLE_FULLY_CONNECTED_S16_DSP_H

#include "thimble_dsp_s16.h"

THIMBLE_INLINE void thimble_fully_connected_s16_dsp(
    const int16_t *input, int32_t rows, int32_t depth, const int8_t *weights, const thimble_channels_16x8 *channels,
    int16_t *output, int32_t units, int32_t packed)
{
    for (int32_t row = 0; row < rows; row++) {
        const int16_t *x = input + row * depth;

        for (int32_t c = 0; c < units;) {
            const int32_t count = c + 4 <= units ? 4 : 1;
            thimble_sums_s16 sums = { 0, 0, 0, 0 };

            if (count == 4)
                thimble_dot_s16_dsp(&sums, x, weights + c * depth, depth, depth, 4, packed);
            else
                thimble_dot_s16_dsp(&sums, x, weights + c * depth, depth, depth, 1, packed);
            output = thimble_outputs_s16_dsp(output, channels, c, &sums, count);
            c += count;
        }
    }
}

#endif
