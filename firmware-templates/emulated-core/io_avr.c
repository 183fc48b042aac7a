/*
 * An ATmega2560 on avr8js, in which the emulator answers for three registers: bytes of requests and answers in GPIOR0; in
 * GPIOR1 whether there are more, and that the program has ended; in GPIOR2, once written, the four bytes of the cycles
 * so far.
 */
#include "harness.h"

#include <avr/io.h>

enum { STOPPED_OK = 1 };

int io_read(void *place, uint32_t bytes)
{
    uint8_t *to = (uint8_t *)place;

    for (; bytes > 0; bytes--) {
        if (GPIOR1 == 0)
            return 0;
        *to++ = GPIOR0;
    }
    return 1;
}

void io_write(const void *from, uint32_t bytes)
{
    const uint8_t *at = (const uint8_t *)from;

    for (; bytes > 0; bytes--)
        GPIOR0 = *at++;
}

uint32_t io_ticks(void)
{
    uint32_t ticks = 0;

    GPIOR2 = 0;
    for (uint8_t byte = 0; byte < 4; byte++)
        ticks |= (uint32_t)GPIOR2 << (8 * byte);
    return ticks;
}

#define PAINTED_BYTES 4096u
#define PAINT 0xA5u
static uint16_t painted_from; /* the paint lies below */

/* The stack pointer is where the next push goes. */
__attribute__((noinline)) void io_paint_stack(void)
{
    painted_from = SP;
    for (uint16_t at = painted_from - PAINTED_BYTES; at <= painted_from; at++)
        *(volatile uint8_t *)at = PAINT;
}

__attribute__((noinline)) uint32_t io_stack_used(void)
{
    uint16_t at = painted_from - PAINTED_BYTES;

    while (at <= painted_from && *(volatile uint8_t *)at == PAINT)
        at++;
    return painted_from - at + 1u;
}

int main(void)
{
    run_requests();
    GPIOR1 = STOPPED_OK;
    for (;;)
        ;
}
