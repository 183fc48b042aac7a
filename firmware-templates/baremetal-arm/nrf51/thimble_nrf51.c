/*
 * nRF51822, the micro:bit V1's chip: UART0 to the interface chip's USB serial port, TIMER0 at the processor's 16 MHz.
 * nRF51 series reference manual 13 (CLOCK), 18 (TIMER), 28 (UART), 14 (GPIO).
 */
#include "thimble_chip.h"
#include "thimble_platform.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))

#define CLOCK_START_CRYSTAL REGISTER(0x40000000u)
#define CLOCK_CRYSTAL_RUNS REGISTER(0x40000100u)

#define UART_START_RECEIVING REGISTER(0x40002000u)
#define UART_START_SENDING REGISTER(0x40002008u)
#define UART_RECEIVED REGISTER(0x40002108u)
#define UART_SENT REGISTER(0x4000211Cu)
#define UART_INTERRUPT_SET REGISTER(0x40002304u)
#define UART_ENABLE REGISTER(0x40002500u)
#define UART_PIN_OUT REGISTER(0x4000250Cu)
#define UART_PIN_IN REGISTER(0x40002514u)
#define UART_RXD REGISTER(0x40002518u)
#define UART_TXD REGISTER(0x4000251Cu)
#define UART_BAUD REGISTER(0x40002524u)
#define UART_ON 4u
#define UART_INTERRUPT_RECEIVED (1u << 2)
#define UART_LINE (1u << 2)

#define TIMER_START REGISTER(0x40008000u)
#define TIMER_STOP REGISTER(0x40008004u)
#define TIMER_CAPTURE_0 REGISTER(0x40008040u)
#define TIMER_BITS REGISTER(0x40008508u)
#define TIMER_PRESCALER REGISTER(0x40008510u)
#define TIMER_VALUE_0 REGISTER(0x40008540u)
#define TIMER_32_BITS 3u

#define GPIO_SET REGISTER(0x50000508u)
#define GPIO_DIRECTION_OUT REGISTER(0x50000518u)
#define NVIC_ENABLE REGISTER(0xE000E100u)
#define NVIC_CLEAR_PENDING REGISTER(0xE000E280u)

/* The timer beyond its 32 bits (268 s), which every byte that arrives keeps fresh. */
static uint32_t last_ticks;
static uint64_t total_ticks;
static uint8_t sending; /* a byte is on its way, whose end UART_SENT will tell */

static void start_uart(void)
{
    GPIO_SET = 1u << THIMBLE_UART_TX_PIN; /* idle is high */
    GPIO_DIRECTION_OUT = 1u << THIMBLE_UART_TX_PIN;
    UART_PIN_OUT = THIMBLE_UART_TX_PIN;
    UART_PIN_IN = THIMBLE_UART_RX_PIN;
    /* A fraction of 16 MHz in units of 2^-32, of which the chip takes the upper 20 bits. */
    UART_BAUD = (uint32_t)((((uint64_t)THIMBLE_BAUD << 32) / 16000000u + 0x800u) & 0xFFFFF000u);
    UART_ENABLE = UART_ON;
    UART_INTERRUPT_SET = UART_INTERRUPT_RECEIVED;
    UART_START_RECEIVING = 1u;
    UART_START_SENDING = 1u;
    NVIC_ENABLE = UART_LINE;
}

void thimble_chip_start(void)
{
    CLOCK_CRYSTAL_RUNS = 0u;
    CLOCK_START_CRYSTAL = 1u; /* the RC oscillator is too far off for a baud rate */
    while (!CLOCK_CRYSTAL_RUNS) {
    }
    start_uart();
    TIMER_BITS = TIMER_32_BITS;
    TIMER_PRESCALER = 0u;
    TIMER_START = 1u;
}

static void wait_until_sent(void)
{
    while (sending && !UART_SENT) {
    }
    sending = 0u;
}

void thimble_platform_put(uint8_t byte)
{
    wait_until_sent();
    UART_SENT = 0u;
    UART_TXD = byte;
    sending = 1u;
}

void thimble_platform_flush(void)
{
    wait_until_sent();
}

int16_t thimble_platform_poll(void)
{
    if (!UART_RECEIVED)
        return -1;
    UART_RECEIVED = 0u; /* before the byte is taken: the next one in the FIFO raises it again */
    return (int16_t)(UART_RXD & 0xFFu);
}

static uint32_t timer_value(void)
{
    TIMER_CAPTURE_0 = 1u;
    return TIMER_VALUE_0;
}

/*
 * The timer stands still meanwhile: an emulator would else leap from one of its wraps to the next. QEMU's goes on from
 * some other value when it is started again, which is no time that passed.
 */
void thimble_platform_idle(void)
{
    (void)thimble_platform_ticks();
    TIMER_STOP = 1u;
    NVIC_CLEAR_PENDING = UART_LINE;
    if (!UART_RECEIVED)
        __asm volatile("wfi");
    TIMER_START = 1u;
    last_ticks = timer_value();
}

uint32_t thimble_platform_ticks(void)
{
    const uint32_t ticks = timer_value();

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
