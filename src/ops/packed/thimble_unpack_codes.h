/* Each byte as its place in a codebook, in so few bits, the lowest first. */
#ifndef THIMBLE_UNPACK_CODES_H
#define THIMBLE_UNPACK_CODES_H

#include "thimble_unpack.h"

/* @param bits of a place, 1 to 7 */
static THIMBLE_NOINLINE void thimble_unpack_codes(
    const uint8_t *packed, uint8_t *out, int32_t count, const uint8_t *codebook, int32_t bits)
{
    const uint8_t *const end = out + count;
    const uint32_t mask = (1u << bits) - 1;
    uint32_t held = 0;

    for (int32_t left = 0; out != end; left -= bits, held >>= bits) {
        if (left < bits) {
            held |= (uint32_t)*packed++ << left;
            left += 8;
        }
        *out++ = codebook[held & mask];
    }
}

#endif
