/* Of eight bytes a mask, the lowest bit for the first of them, and then those whose bit is set. */
#ifndef THIMBLE_UNPACK_BITMASK_H
#define THIMBLE_UNPACK_BITMASK_H

#include "thimble_unpack.h"

/* @param count of bytes, a multiple of 8 */
static THIMBLE_NOINLINE void thimble_unpack_bitmask(const uint8_t *packed, uint8_t *out, int32_t count, uint32_t most)
{
    const uint8_t *const end = out + count;

    while (out != end) /* a ninth bit marks the end of a mask */
        for (uint32_t mask = *packed++ | 0x100u; mask != 1; mask >>= 1)
            *out++ = (uint8_t)(mask & 1 ? *packed++ : most);
}

#endif
