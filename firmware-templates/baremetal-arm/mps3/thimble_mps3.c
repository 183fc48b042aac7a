/*
 * Arm's MPS3 board with FPGA image AN547 (Cortex-M55), as QEMU models it, in the secure state: CMSDK UART0 and the
 * system counter of the SSE-300 subsystem, 64 bits at the processor's clock. Registers: Arm SSE-300 example subsystem
 * technical reference manual, "System counter".
 */
#include "thimble_chip.h"
#include "thimble_cmsdk_uart.h"
#include "thimble_platform.h"

#define COUNTER_CONTROL (*(volatile uint32_t *)0x58100000u)
#define COUNTER_LOW (*(volatile uint32_t *)0x48101000u)
#define COUNTER_HIGH (*(volatile uint32_t *)0x48101004u)

void thimble_chip_start(void)
{
    thimble_cmsdk_uart_start();
    COUNTER_CONTROL = 1u;
}

void thimble_platform_idle(void)
{
    thimble_cmsdk_uart_sleep();
}

uint32_t thimble_platform_ticks(void)
{
    return COUNTER_LOW;
}

uint32_t thimble_platform_microseconds(void)
{
    uint32_t high, low;

    do {
        high = COUNTER_HIGH;
        low = COUNTER_LOW;
    } while (high != COUNTER_HIGH);
    return (uint32_t)(((uint64_t)high << 32 | low) / (THIMBLE_SYSTEM_HZ / 1000000u));
}

uint32_t thimble_platform_timer_hz(void)
{
    return THIMBLE_SYSTEM_HZ;
}

uint32_t thimble_platform_clock_hz(void)
{
    return THIMBLE_SYSTEM_HZ;
}
