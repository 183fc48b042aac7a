/* The binary mode of docs/serial-protocol.md: when the link is in it, and what its frames ask for. */
#ifndef THIMBLE_BINARY_H
#define THIMBLE_BINARY_H

#include <stdint.h>

#include "thimble_frames.h"

#if THIMBLE_BINARY
/* 1 where the byte belonged to the binary mode; 0 for a byte of text, which the caller takes. */
uint8_t thimble_binary_feed(uint8_t byte);
/* Whether the host ended a stream: by its frame, or by leaving the mode. */
uint8_t thimble_binary_interrupted(void);
#else
static inline uint8_t thimble_binary_feed(uint8_t byte)
{
    (void)byte;
    return 0u;
}

static inline uint8_t thimble_binary_interrupted(void)
{
    return 0u;
}
#endif

#endif
