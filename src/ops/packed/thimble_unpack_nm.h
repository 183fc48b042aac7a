/* One or two of each four bytes are stored: a byte with the places of four, the first's in its lowest bits; then those. */
#ifndef THIMBLE_UNPACK_NM_H
#define THIMBLE_UNPACK_NM_H

#include "thimble_unpack.h"

/* @param count of bytes, a multiple of 16; @param n of four that are stored, 1 or 2 */
static THIMBLE_NOINLINE void thimble_unpack_nm(
    const uint8_t *packed, uint8_t *out, int32_t count, uint32_t most, int32_t n)
{
    thimble_unpack_fill(out, count, most);
    for (int32_t rounds = count / 16 * n; rounds > 0; rounds--, packed += 5) {
        const uint32_t places = packed[0];
        uint8_t *const second = out + (n == 1 ? 4 : 0);
        uint8_t *const third = out + (n == 1 ? 8 : 4);

        out[places & 3] = packed[1];
        second[places >> 2 & 3] = packed[2];
        third[places >> 4 & 3] = packed[3];
        third[(places >> 6) + (n == 1 ? 4 : 0)] = packed[4];
        out += n == 1 ? 16 : 8;
    }
}

#endif
