/*
 * Arm's MPS2 board with FPGA images AN385 (Cortex-M3) and AN386 (Cortex-M4), as QEMU models them: CMSDK UART0 and
 * TIMER0. Registers: Cortex-M System Design Kit technical reference manual.
 */
#include "thimble_chip.h"
#include "thimble_cmsdk_uart.h"
#include "thimble_platform.h"

struct cmsdk_timer {
    volatile uint32_t control, value, reload, interrupt;
};

#define TIMER0 ((struct cmsdk_timer *)0x40000000u)

/* The timer counts down; this one carries it beyond its 32 bits (171 s), which every command's reading keeps fresh. */
static uint32_t last_ticks;
static uint64_t total_ticks;

void thimble_chip_start(void)
{
    thimble_cmsdk_uart_start();
    TIMER0->reload = 0xFFFFFFFFu;
    TIMER0->value = 0xFFFFFFFFu;
    TIMER0->control = 1u;
}

/*
 * The timer stands still meanwhile: an emulator that counts instructions would else leap from one expiry to the next,
 * burning a processor of its host while nothing happens.
 */
void thimble_platform_idle(void)
{
    TIMER0->control = 0u;
    thimble_cmsdk_uart_sleep();
    TIMER0->control = 1u;
}

uint32_t thimble_platform_ticks(void)
{
    const uint32_t ticks = ~TIMER0->value;

    total_ticks += ticks - last_ticks;
    last_ticks = ticks;
    return ticks;
}

uint32_t thimble_platform_microseconds(void)
{
    (void)thimble_platform_ticks();
    return (uint32_t)(total_ticks / (THIMBLE_SYSTEM_HZ / 1000000u));
}

uint32_t thimble_platform_timer_hz(void)
{
    return THIMBLE_SYSTEM_HZ;
}

uint32_t thimble_platform_clock_hz(void)
{
    return THIMBLE_SYSTEM_HZ;
}
