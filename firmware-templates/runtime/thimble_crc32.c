#include "thimble_crc32.h"

#include "thimble_fixed.h"

/* Four bits a step: a table of 16 words instead of 256, which a chip with 32 KB of flash notices. */
static const uint32_t crc32_of_nibble[16] THIMBLE_FIXED = {
    0x00000000u, 0x1DB71064u, 0x3B6E20C8u, 0x26D930ACu, 0x76DC4190u, 0x6B6B51F4u, 0x4DB26158u, 0x5005713Cu,
    0xEDB88320u, 0xF00F9344u, 0xD6D6A3E8u, 0xCB61B38Cu, 0x9B64C2B0u, 0x86D3D2D4u, 0xA00AE278u, 0xBDBDF21Cu,
};

uint32_t thimble_crc32_byte(uint32_t running, uint8_t byte)
{
    running ^= byte;
    running = (running >> 4) ^ THIMBLE_FIXED_U32(&crc32_of_nibble[running & 15u]);
    return (running >> 4) ^ THIMBLE_FIXED_U32(&crc32_of_nibble[running & 15u]);
}

uint32_t thimble_crc32(const uint8_t *bytes, int32_t count)
{
    uint32_t running = THIMBLE_CRC32_START;

    for (int32_t i = 0; i < count; i++)
        running = thimble_crc32_byte(running, bytes[i]);
    return ~running;
}
