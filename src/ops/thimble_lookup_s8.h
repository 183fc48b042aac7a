/*
 * Any int8 function of one int8 value: table[q + 128], made by the host. Input and output may be the same memory.
 */
#ifndef THIMBLE_LOOKUP_S8_H
#define THIMBLE_LOOKUP_S8_H

#include "thimble_base.h"

THIMBLE_INLINE void thimble_lookup_s8(const int8_t *input, int32_t count, const int8_t *table, int8_t *output)
{
    for (int32_t i = 0; i < count; i++)
        output[i] = THIMBLE_LOAD_S8(table + (input[i] + 128));
}

#endif
