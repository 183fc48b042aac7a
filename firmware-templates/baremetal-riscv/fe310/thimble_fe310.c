/*
 * SiFive's FE310 as QEMU models it (sifive_e): UART0, its line of the PLIC, and the cycle counter. SiFive FE310-G000
 * manual: 13 (UART), 10 (PLIC).
 *
 * QEMU's counter of cycles advances by the nanoseconds of its virtual time, so many of them an instruction; the chip's
 * own would count its clock. The virtual board alone is served: what a tick is on silicon depends on clocks that are not
 * set here.
 */
#include "thimble_chip.h"
#include "thimble_csr.h"
#include "thimble_platform.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))

#define UART_SEND REGISTER(0x10013000u)
#define UART_RECEIVE REGISTER(0x10013004u)
#define UART_SEND_CONTROL REGISTER(0x10013008u)
#define UART_RECEIVE_CONTROL REGISTER(0x1001300Cu)
#define UART_INTERRUPT REGISTER(0x10013010u)
#define UART_PENDING REGISTER(0x10013014u)
#define UART_DIVIDER REGISTER(0x10013018u)
#define UART_FULL_OR_EMPTY (1u << 31)
#define UART_RECEIVED (1u << 1)

#define PLIC_PRIORITY(line) REGISTER(0x0C000000u + 4u * (line))
#define PLIC_ENABLE REGISTER(0x0C002000u)
#define PLIC_CLAIM REGISTER(0x0C200004u)
#define UART_LINE 3u
#define MIE_EXTERNAL (1u << 11)

#define TICK_SHIFT 4u /* 16 ns: less than an instruction takes there, and 68 s until 32 bits wrap */
#define TIMER_HZ (1000000000u >> TICK_SHIFT)

void thimble_chip_start(void)
{
    UART_DIVIDER = THIMBLE_SYSTEM_HZ / THIMBLE_BAUD - 1u;
    UART_SEND_CONTROL = 1u;
    UART_RECEIVE_CONTROL = 1u; /* the interrupt pends from the first byte on */
    UART_INTERRUPT = UART_RECEIVED;
    PLIC_PRIORITY(UART_LINE) = 1u;
    PLIC_ENABLE = 1u << UART_LINE;
    __asm volatile(THIMBLE_CSR "csrs mie, %0" : : "r"(MIE_EXTERNAL));
}

void thimble_platform_put(uint8_t byte)
{
    while (UART_SEND & UART_FULL_OR_EMPTY) {
    }
    UART_SEND = byte;
}

void thimble_platform_flush(void)
{
}

int16_t thimble_platform_poll(void)
{
    const uint32_t received = UART_RECEIVE;

    return received & UART_FULL_OR_EMPTY ? -1 : (int16_t)(received & 0xFFu);
}

void thimble_platform_idle(void)
{
    PLIC_CLAIM = PLIC_CLAIM; /* taken and done: the next byte pends anew */
    if (!(UART_PENDING & UART_RECEIVED))
        __asm volatile("wfi");
}

static uint64_t cycles(void)
{
    uint32_t high, low, again;

    do {
        __asm volatile(THIMBLE_CSR "csrr %0, mcycleh\n csrr %1, mcycle\n csrr %2, mcycleh" : "=&r"(high), "=&r"(low), "=&r"(again));
    } while (high != again);
    return (uint64_t)high << 32 | low;
}

uint32_t thimble_platform_ticks(void)
{
    return (uint32_t)(cycles() >> TICK_SHIFT);
}

uint32_t thimble_platform_microseconds(void)
{
    return (uint32_t)(cycles() / 1000u);
}

uint32_t thimble_platform_timer_hz(void)
{
    return TIMER_HZ;
}

uint32_t thimble_platform_clock_hz(void)
{
    return THIMBLE_SYSTEM_HZ;
}
