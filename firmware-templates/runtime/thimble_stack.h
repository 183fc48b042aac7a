/*
 * How deep the stack has been: start-up paints the unused part with a pattern, and the deepest byte that lost it tells.
 * A function that reserves bytes without ever writing them is not seen. The mark only grows until the next reset.
 */
#ifndef THIMBLE_STACK_H
#define THIMBLE_STACK_H

#include <stdint.h>

#include "thimble_platform.h"

/* Paints from the limit up to a margin below the caller's frame. Call it once, first thing. */
void thimble_stack_paint(void);

/* Bytes from the top down to the deepest byte ever written; 0 where the platform shows no stack. */
uint32_t thimble_stack_high_water(const struct thimble_memory_map *memory);

#endif
