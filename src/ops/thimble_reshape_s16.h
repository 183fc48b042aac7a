/*
 * reshape, int8: a copy, and nothing at all where the plan put the output onto the input.
 */
#ifndef THIMBLE_RESHAPE_S16_H
#define THIMBLE_RESHAPE_S16_H

#include "thimble_base.h"

THIMBLE_INLINE void thimble_reshape_s16(const int16_t *input, int32_t count, int16_t *output)
{
    if (input == output)
        return;
    for (int32_t i = 0; i < count; i++)
        output[i] = input[i];
}

#endif
