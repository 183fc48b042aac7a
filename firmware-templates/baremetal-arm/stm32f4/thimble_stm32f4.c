/*
 * STM32F4: one USART on port A, TIM2 for microseconds, the processor's cycles for ticks. RM0090 and its siblings: 30
 * (USART), 18 (TIM2), 8 (GPIO).
 */
#include "thimble_stm32f4.h"

#include "thimble_chip.h"
#include "thimble_cycles.h"
#include "thimble_platform.h"

#define USART_STATE REGISTER(THIMBLE_USART_ADDRESS)
#define USART_DATA REGISTER(THIMBLE_USART_ADDRESS + 0x04u)
#define USART_DIVIDER REGISTER(THIMBLE_USART_ADDRESS + 0x08u)
#define USART_CONTROL REGISTER(THIMBLE_USART_ADDRESS + 0x0Cu)
#define USART_OVERRUN (1u << 3)
#define USART_RECEIVED (1u << 5)
#define USART_SENT (1u << 6)
#define USART_ROOM (1u << 7)
#define USART_ON 0x202Cu /* USART, interrupt on reception, transmitter, receiver */

#define GPIOA_MODE REGISTER(0x40020000u)
#define GPIOA_PULL REGISTER(0x4002000Cu)
#define GPIOA_FUNCTION(pin) REGISTER(0x40020020u + (pin) / 8u * 4u)
#define MODE_ALTERNATE 2u
#define PULL_UP 1u /* an open pin must not read as a break */
#define FUNCTION_USART 7u

#define TIM2_CONTROL REGISTER(0x40000000u)
#define TIM2_UPDATE REGISTER(0x40000014u)
#define TIM2_COUNT REGISTER(0x40000024u)
#define TIM2_PRESCALER REGISTER(0x40000028u)
#define TIM2_RELOAD REGISTER(0x4000002Cu)
#define QEMU_TIM2_HZ 1000000000u /* whatever its prescalers and clocks would make of it */

#define ENABLE_GPIOA 1u
#define ENABLE_TIM2 1u
#define NVIC_ENABLE REGISTER(0xE000E100u + THIMBLE_USART_LINE / 32u * 4u)
#define USART_LINE_BIT (1u << THIMBLE_USART_LINE % 32u)

/* A timer behind a divided bus gets twice the bus's clock. */
#define TIM2_HZ (THIMBLE_SYSTEM_HZ / THIMBLE_APB1_DIVISOR * (THIMBLE_APB1_DIVISOR == 1u ? 1u : 2u))
#define USART_HZ (THIMBLE_SYSTEM_HZ / (THIMBLE_USART_ON_APB2 ? THIMBLE_APB2_DIVISOR : THIMBLE_APB1_DIVISOR))

#define RECEIVED_BYTES 256u /* a frame, or what comes during an inference: a power of two */

/*
 * The USART keeps one byte, and has lost it 87 us later at 115,200 baud: an interrupt takes it away. A host that follows the
 * protocol sends nothing during an inference but the wish to end a stream, so measured times stay what they are.
 */
static volatile uint8_t received[RECEIVED_BYTES];
static volatile uint32_t received_end;
static uint32_t received_begin;

void thimble_chip_interrupt(void)
{
    while (USART_STATE & (USART_RECEIVED | USART_OVERRUN)) {
        const uint8_t byte = (uint8_t)USART_DATA; /* behind the state, it clears both flags */

        if (received_end - received_begin < RECEIVED_BYTES)
            received[received_end++ % RECEIVED_BYTES] = byte;
    }
}

static void start_pin(uint32_t pin)
{
    GPIOA_FUNCTION(pin) |= FUNCTION_USART << pin % 8u * 4u;
    GPIOA_PULL |= PULL_UP << pin * 2u;
    GPIOA_MODE |= MODE_ALTERNATE << pin * 2u;
}

static void start_usart(void)
{
    if (THIMBLE_USART_ON_APB2)
        RCC_APB2_ENABLE |= THIMBLE_USART_ENABLE;
    else
        RCC_APB1_ENABLE |= THIMBLE_USART_ENABLE;
    start_pin(THIMBLE_USART_TX_PIN);
    start_pin(THIMBLE_USART_RX_PIN);
    USART_DIVIDER = (USART_HZ + THIMBLE_BAUD / 2u) / THIMBLE_BAUD;
    USART_CONTROL = USART_ON;
    NVIC_ENABLE = USART_LINE_BIT;
}

static void start_microseconds(uint32_t timer_hz)
{
    RCC_APB1_ENABLE |= ENABLE_TIM2;
    TIM2_PRESCALER = timer_hz / 1000000u - 1u;
    TIM2_RELOAD = 0xFFFFFFFFu;
    TIM2_UPDATE = 1u; /* the prescaler takes effect */
    TIM2_CONTROL = 1u;
}

void thimble_chip_start(void)
{
    const uint8_t has_clocks = thimble_stm32f4_start_clocks();

    RCC_AHB1_ENABLE |= ENABLE_GPIOA;
    start_usart();
    start_microseconds(has_clocks ? TIM2_HZ : QEMU_TIM2_HZ);
    thimble_cycles_start(THIMBLE_SYSTEM_HZ);
    __asm volatile("cpsie i");
}

void thimble_platform_put(uint8_t byte)
{
    while (!(USART_STATE & USART_ROOM)) {
    }
    USART_DATA = byte;
}

/* Down to the last bit: what is put before an inference must not wait for room during it. */
void thimble_platform_flush(void)
{
    while (!(USART_STATE & USART_SENT)) {
    }
}

int16_t thimble_platform_poll(void)
{
    if (received_begin == received_end)
        return -1;
    return (int16_t)received[received_begin++ % RECEIVED_BYTES];
}

/* Masked, so that no byte can come between the look and the sleep; WFI ends for a pending interrupt all the same. */
void thimble_platform_idle(void)
{
    __asm volatile("cpsid i");
    thimble_cycles_pause();
    if (received_begin == received_end)
        __asm volatile("wfi");
    thimble_cycles_resume();
    __asm volatile("cpsie i");
}

uint32_t thimble_platform_ticks(void)
{
    return thimble_cycles();
}

uint32_t thimble_platform_microseconds(void)
{
    return TIM2_COUNT;
}

uint32_t thimble_platform_timer_hz(void)
{
    return THIMBLE_SYSTEM_HZ;
}

uint32_t thimble_platform_clock_hz(void)
{
    return THIMBLE_SYSTEM_HZ;
}
