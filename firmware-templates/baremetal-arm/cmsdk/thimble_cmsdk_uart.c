/* Registers: Cortex-M System Design Kit technical reference manual. */
#include "thimble_cmsdk_uart.h"

#include "thimble_platform.h"

struct cmsdk_uart {
    volatile uint32_t data, state, control, interrupt, baud_divider;
};

#define UART0 ((struct cmsdk_uart *)THIMBLE_UART_ADDRESS)
#define NVIC_ENABLE(line) (*(volatile uint32_t *)(0xE000E100u + (line) / 32u * 4u))
#define NVIC_CLEAR_PENDING(line) (*(volatile uint32_t *)(0xE000E280u + (line) / 32u * 4u))
#define LINE_BIT(line) (1u << (line) % 32u)

#define STATE_TX_FULL 1u
#define STATE_RX_FULL 2u
#define CONTROL_TX_ON 1u
#define CONTROL_RX_ON 2u
#define CONTROL_RX_INTERRUPT 8u
#define INTERRUPT_RX 2u

void thimble_cmsdk_uart_start(void)
{
    UART0->baud_divider = THIMBLE_SYSTEM_HZ / THIMBLE_BAUD;
    UART0->control = CONTROL_TX_ON | CONTROL_RX_ON | CONTROL_RX_INTERRUPT;
    NVIC_ENABLE(THIMBLE_UART_RX_LINE) = LINE_BIT(THIMBLE_UART_RX_LINE);
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

void thimble_cmsdk_uart_sleep(void)
{
    UART0->interrupt = INTERRUPT_RX;
    NVIC_CLEAR_PENDING(THIMBLE_UART_RX_LINE) = LINE_BIT(THIMBLE_UART_RX_LINE);
    if (!(UART0->state & STATE_RX_FULL))
        __asm volatile("wfi"); /* a byte that came between the two lines is pending, and WFI returns at once */
}
