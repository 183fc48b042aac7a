/* Two stored bytes at a time: a byte with how many to skip before each, the first's in its lower half, and then both. */
#ifndef THIMBLE_UNPACK_DELTA_H
#define THIMBLE_UNPACK_DELTA_H

#include "thimble_unpack.h"

/* @param count of bytes, a multiple of 4; @param pairs of stored ones */
static THIMBLE_NOINLINE void thimble_unpack_delta(
    const uint8_t *packed, uint8_t *out, int32_t count, uint32_t most, int32_t pairs)
{
    thimble_unpack_fill(out, count, most);
    for (; pairs > 0; pairs--, packed += 3) {
        out += packed[0] & 15;
        *out++ = packed[1];
        out += packed[0] >> 4;
        *out++ = packed[2];
    }
}

#endif
