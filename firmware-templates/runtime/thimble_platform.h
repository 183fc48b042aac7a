/*
 * What the firmware needs from a board: bytes in and out, a timer, and where its memory lies. A new chip implements
 * these functions and nothing else; everything above them is the same on every board.
 */
#ifndef THIMBLE_PLATFORM_H
#define THIMBLE_PLATFORM_H

#include <stdint.h>

/* Sends one byte; waits while the transmitter is full. */
void thimble_platform_put(uint8_t byte);

/* What was put is on its way when this returns; only links that collect bytes have anything to do. */
void thimble_platform_flush(void);

/* The next byte that arrived, 0..255, or -1 while there is none. */
int16_t thimble_platform_poll(void);

/* Sleeps until a byte may have arrived; returning early is harmless. */
void thimble_platform_idle(void);

/* A counter at thimble_platform_timer_hz that wraps at 32 bits. Two readings must lie less than a wrap apart. */
uint32_t thimble_platform_ticks(void);
uint32_t thimble_platform_timer_hz(void);
uint32_t thimble_platform_clock_hz(void);

/* Microseconds since reset, wrapping at 32 bits (71 minutes). */
uint32_t thimble_platform_microseconds(void);

/* Addresses of the RAM regions of a bare-metal image; all fields 0 where an operating system hides them. */
struct thimble_memory_map {
    uint8_t *static_begin; /* .data and .bss */
    uint8_t *static_end;
    uint8_t *stack_limit; /* lowest address that the stack may reach */
    uint8_t *stack_top;
    uint8_t *heap_begin;
    uint8_t *heap_break; /* end of what malloc took from the system; heap_begin as long as nobody called it */
    uint8_t *heap_limit;
};

struct thimble_memory_map thimble_platform_memory(void);

/*
 * What a chip may have beside; where its files define none of these, the runtime's own say that there is nothing. GCC and
 * Clang, which every toolchain of a board here is made of, let a definition elsewhere win over a weak one.
 */
#if defined(__GNUC__)
#define THIMBLE_PLATFORM_DEFAULT __attribute__((weak))
#else
#define THIMBLE_PLATFORM_DEFAULT
#endif

#define THIMBLE_NO_TEMPERATURE INT32_MIN
/* Of the chip, in thousandths of a degree Celsius; THIMBLE_NO_TEMPERATURE without a sensor. */
int32_t thimble_platform_temperature(void);

#endif
