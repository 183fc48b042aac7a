/*
 * Arm's MPS2 board with FPGA images AN385 (Cortex-M3) and AN386 (Cortex-M4), as QEMU models them: CMSDK UART0 and
 * TIMER0, both at 25 MHz. Registers: Cortex-M System Design Kit technical reference manual.
 */
#include "thimble_chip.h"
#include "thimble_platform.h"

#define SYSTEM_HZ 25000000u
#define BAUD 115200u

struct cmsdk_uart {
    volatile uint32_t data, state, control, interrupt, baud_divider;
};
struct cmsdk_timer {
    volatile uint32_t control, value, reload, interrupt;
};

#define UART0 ((struct cmsdk_uart *)0x40004000u)
#define TIMER0 ((struct cmsdk_timer *)0x40000000u)
#define NVIC_ENABLE (*(volatile uint32_t *)0xE000E100u)
#define NVIC_CLEAR_PENDING (*(volatile uint32_t *)0xE000E280u)

#define STATE_TX_FULL 1u
#define STATE_RX_FULL 2u
#define CONTROL_TX_ON 1u
#define CONTROL_RX_ON 2u
#define CONTROL_RX_INTERRUPT 8u
#define INTERRUPT_RX 2u
#define UART0_RX_LINE 1u /* bit of interrupt 0 */

/* The timer counts down; this one carries it beyond its 32 bits (171 s), which every command's reading keeps fresh. */
static uint32_t last_ticks;
static uint64_t total_ticks;

void thimble_chip_start(void)
{
    UART0->baud_divider = SYSTEM_HZ / BAUD;
    UART0->control = CONTROL_TX_ON | CONTROL_RX_ON | CONTROL_RX_INTERRUPT;
    NVIC_ENABLE = UART0_RX_LINE;
    TIMER0->reload = 0xFFFFFFFFu;
    TIMER0->value = 0xFFFFFFFFu;
    TIMER0->control = 1u;
}

void thimble_platform_put(uint8_t byte)
{
    while (UART0->state & STATE_TX_FULL) {
    }
    UART0->data = byte;
}

void thimble_platform_flush(void)
{
}

int16_t thimble_platform_poll(void)
{
    if (!(UART0->state & STATE_RX_FULL))
        return -1;
    return (int16_t)(UART0->data & 0xFFu);
}

/*
 * The timer stands still meanwhile: an emulator that counts instructions would else leap from one expiry to the next,
 * burning a processor of its host while nothing happens.
 */
void thimble_platform_idle(void)
{
    TIMER0->control = 0u;
    UART0->interrupt = INTERRUPT_RX;
    NVIC_CLEAR_PENDING = UART0_RX_LINE;
    if (!(UART0->state & STATE_RX_FULL))
        __asm volatile("wfi"); /* a byte that came between the two lines is pending, and WFI returns at once */
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
    return (uint32_t)(total_ticks / (SYSTEM_HZ / 1000000u));
}

uint32_t thimble_platform_timer_hz(void)
{
    return SYSTEM_HZ;
}

uint32_t thimble_platform_clock_hz(void)
{
    return SYSTEM_HZ;
}
