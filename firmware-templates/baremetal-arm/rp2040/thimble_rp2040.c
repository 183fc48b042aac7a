/*
 * Raspberry Pi Pico: its USB, UART0 on GP0 (out) and GP1 (in), ticks of clk_sys. Both links take commands; answers go where
 * the last byte came from, and to UART0 before any came. Datasheet 4.2 (UART), 4.6 (timer), 2.19 (GPIO).
 */
#include "thimble_rp2040.h"

#include "thimble_chip.h"
#include "thimble_cycles.h"
#include "thimble_platform.h"
#include "thimble_protocol.h"
#include "thimble_rp2040_usb.h"

#ifndef THIMBLE_BAUD
#define THIMBLE_BAUD 115200u
#endif

#define UART_DATA REGISTER(UART0_BASE + 0x00u)
#define UART_FLAGS REGISTER(UART0_BASE + 0x18u)
#define UART_DIVIDER_WHOLE REGISTER(UART0_BASE + 0x24u)
#define UART_DIVIDER_64THS REGISTER(UART0_BASE + 0x28u)
#define UART_LINE REGISTER(UART0_BASE + 0x2Cu)
#define UART_CONTROL REGISTER(UART0_BASE + 0x30u)
#define UART_INTERRUPT_MASK REGISTER(UART0_BASE + 0x38u)
#define FLAG_BUSY 0x08u
#define FLAG_RX_EMPTY 0x10u
#define FLAG_TX_FULL 0x20u
#define LINE_8N1_FIFO 0x70u
#define CONTROL_ON 0x301u       /* UART, transmitter, receiver */
#define INTERRUPT_RECEIVED 0x50u /* half full, or silent for 32 bits with something in it */
#define UART0_INTERRUPT (1u << 20)

#define FUNCTION_UART 2u
#define PAD_INPUT_PULL_UP 0x5Au /* idle is high: an open pin must not read as a break */

#define NVIC_ENABLE REGISTER(0xE000E100u)
#define NVIC_CLEAR_PENDING REGISTER(0xE000E280u)

static void start_uart(void)
{
    /* In 128ths, rounded down; half of it rounded up is the fraction in 64ths. */
    const uint32_t divider = 8u * SYSTEM_HZ / THIMBLE_BAUD;

    REGISTER(PADS_BANK0_BASE + 0x08u) = PAD_INPUT_PULL_UP;
    REGISTER(IO_BANK0_BASE + 0x04u) = FUNCTION_UART; /* GP0 */
    REGISTER(IO_BANK0_BASE + 0x0Cu) = FUNCTION_UART; /* GP1 */
    UART_DIVIDER_WHOLE = divider >> 7;
    UART_DIVIDER_64THS = ((divider & 0x7Fu) + 1u) / 2u;
    UART_LINE = LINE_8N1_FIFO; /* also takes over the dividers */
    UART_CONTROL = CONTROL_ON;
    UART_INTERRUPT_MASK = INTERRUPT_RECEIVED;
    NVIC_ENABLE = UART0_INTERRUPT;
}

void thimble_chip_start(void)
{
    thimble_rp2040_start_clocks();
    thimble_rp2040_release(RESET_IO_BANK0 | RESET_PADS_BANK0 | RESET_UART0 | RESET_TIMER | RESET_ADC);
    thimble_rp2040_usb_start();
    NVIC_ENABLE = USB_INTERRUPT;
    start_uart();
    thimble_cycles_start(SYSTEM_HZ);
}

static uint8_t answers_by_usb;

void thimble_platform_put(uint8_t byte)
{
    if (answers_by_usb) {
        thimble_rp2040_usb_put(byte);
        return;
    }
    while (UART_FLAGS & FLAG_TX_FULL) {
    }
    UART_DATA = byte;
}

/* Down to the last bit: what is put before an inference must not wait for room in the FIFO during it. */
void thimble_platform_flush(void)
{
    if (answers_by_usb) {
        thimble_rp2040_usb_flush();
        return;
    }
    while (UART_FLAGS & FLAG_BUSY) {
    }
}

int16_t thimble_platform_poll(void)
{
    const int16_t byte = thimble_rp2040_usb_poll();

    if (byte >= 0) {
        answers_by_usb = 1u;
        return byte;
    }
    if (UART_FLAGS & FLAG_RX_EMPTY)
        return -1;
    answers_by_usb = 0u;
    return (int16_t)(UART_DATA & 0xFFu); /* the bits above tell of framing errors: the protocol finds those */
}

void thimble_platform_idle(void)
{
    if (thimble_rp2040_usb_first_opened()) { /* what was said at reset, nobody could hear there */
        answers_by_usb = 1u;
        thimble_protocol_boot();
        return;
    }
    NVIC_CLEAR_PENDING = UART0_INTERRUPT | USB_INTERRUPT;
    if ((UART_FLAGS & FLAG_RX_EMPTY) && !thimble_rp2040_usb_pending())
        __asm volatile("wfi");
}

uint32_t thimble_platform_ticks(void)
{
    return thimble_cycles();
}

uint32_t thimble_platform_microseconds(void)
{
    return REGISTER(TIMER_BASE + 0x28u);
}

uint32_t thimble_platform_timer_hz(void)
{
    return SYSTEM_HZ;
}

uint32_t thimble_platform_clock_hz(void)
{
    return SYSTEM_HZ;
}
