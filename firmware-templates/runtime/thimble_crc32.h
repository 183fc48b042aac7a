/* CRC-32 of zip and Ethernet: polynomial 0x04C11DB7 reflected, initial and final value 0xFFFFFFFF. */
#ifndef THIMBLE_CRC32_H
#define THIMBLE_CRC32_H

#include <stdint.h>

#define THIMBLE_CRC32_START 0xFFFFFFFFu

/* Takes the running value, which starts as THIMBLE_CRC32_START, over one more byte. The checksum is its complement. */
uint32_t thimble_crc32_byte(uint32_t running, uint8_t byte);

/* The checksum of a run of bytes. */
uint32_t thimble_crc32(const uint8_t *bytes, int32_t count);

#endif
