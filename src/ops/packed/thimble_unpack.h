/*
 * Weights that lie in flash in fewer bytes than kernels read them from: written out into scratch memory before a layer
 * runs. That costs some instructions a weight and not a weight and pixel, so the fastest kernel stays as fast as it is.
 * Bytes are those of the kernel's array on a little-endian core; `most` is the byte that stands wherever none is stored.
 */
#ifndef THIMBLE_UNPACK_H
#define THIMBLE_UNPACK_H

#include "thimble_base.h"

/* @param out 4-byte aligned; @param count a multiple of 4 */
THIMBLE_INLINE void thimble_unpack_fill(uint8_t *out, int32_t count, uint32_t most)
{
    uint32_t *const words = (uint32_t *)(void *)out;

    for (int32_t i = 0; i < count / 4; i++)
        words[i] = most * 0x01010101u;
}

#endif
