/*
 * reshape, int8: a copy, and nothing at all where the plan put the output onto the input.
 */
#ifndef THIMBLE_RESHAPE_S8_H
#define THIMBLE_RESHAPE_S8_H

#include "thimble_base.h"

THIMBLE_INLINE void thimble_reshape_s8(const int8_t *input, int32_t count, int8_t *output)
{
    if (input == output)
        return;
    for (int32_t i = 0; i < count; i++)
        output[i] = input[i];
}

#endif
