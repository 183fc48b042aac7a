/*
 * ATmega328P and ATmega2560, as on the Arduino Uno, Nano and Mega: USART0, and ticks of the processor's clock. Chapters of
 * the ATmega328P's data sheet: 16 (timer 1), 20 (USART). avr-libc's start-up code has initialised memory.
 */
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/sleep.h>

#include "thimble_platform.h"
#include "thimble_protocol.h"
#include "thimble_stack.h"

#ifndef THIMBLE_BAUD
#define THIMBLE_BAUD 115200UL
#endif
#define BAUD THIMBLE_BAUD
#define BAUD_TOL 3 /* per cent: 115,200 is 2.1 % off at 16 MHz, as in the boot loader */
#include <util/setbaud.h>

#if defined(USART_RX_vect)
#define RECEIVED_VECTOR USART_RX_vect
#else
#define RECEIVED_VECTOR USART0_RX_vect
#endif

#define CYCLES_A_MICROSECOND (F_CPU / 1000000UL)
#define RECEIVED_BYTES 64u /* a power of two: a command's piece that comes while an answer goes out */

/*
 * The receiver keeps two bytes, which is 174 us at 115,200 baud: an interrupt has to take them away. Nobody sends during
 * an inference, so it adds nothing to a measured time. The timer's does, 0.1 % of it: its high half has to be counted.
 */
static volatile uint8_t received[RECEIVED_BYTES];
static volatile uint8_t received_end;
static uint8_t received_begin;
static volatile uint32_t timer_wraps;
static uint8_t has_sent;

ISR(RECEIVED_VECTOR)
{
    const uint8_t byte = UDR0;
    const uint8_t next = (uint8_t)((received_end + 1u) % RECEIVED_BYTES);

    if (next == received_begin)
        return; /* lost: the checksums tell the host */
    received[received_end] = byte;
    received_end = next;
}

ISR(TIMER1_OVF_vect)
{
    timer_wraps++;
}

void thimble_platform_put(uint8_t byte)
{
    while (!(UCSR0A & _BV(UDRE0))) {
    }
    UDR0 = byte;
    UCSR0A = (uint8_t)((UCSR0A & _BV(U2X0)) | _BV(TXC0)); /* writing 1 clears it: nothing has been sent whole yet */
    has_sent = 1u;
}

/* Down to the last bit: what is put before an inference must not go out during it. */
void thimble_platform_flush(void)
{
    while (has_sent && !(UCSR0A & _BV(TXC0))) {
    }
    has_sent = 0u;
}

int16_t thimble_platform_poll(void)
{
    uint8_t byte;

    if (received_begin == received_end)
        return -1;
    byte = received[received_begin];
    received_begin = (uint8_t)((received_begin + 1u) % RECEIVED_BYTES);
    return (int16_t)byte;
}

/* The instruction behind sei() still runs before any interrupt: no byte can come between the look and the sleep. */
void thimble_platform_idle(void)
{
    cli();
    if (received_begin == received_end) {
        sleep_enable();
        sei();
        sleep_cpu();
        sleep_disable();
    }
    sei();
}

/* Cycles since reset: the counter, and its wraps in *wraps. */
static uint16_t counter(uint32_t *wraps)
{
    const uint8_t status = SREG;
    uint16_t low;

    cli();
    low = TCNT1;
    *wraps = timer_wraps;
    if ((TIFR1 & _BV(TOV1)) && low < 0x8000u)
        (*wraps)++; /* it wrapped just now, and the interrupt waits for sei */
    SREG = status;
    return low;
}

uint32_t thimble_platform_ticks(void)
{
    uint32_t wraps;
    const uint16_t low = counter(&wraps);

    return wraps << 16 | low;
}

uint32_t thimble_platform_microseconds(void)
{
    uint32_t wraps;
    const uint16_t low = counter(&wraps);

    return wraps * (65536UL / CYCLES_A_MICROSECOND) + low / (uint16_t)CYCLES_A_MICROSECOND;
}

uint32_t thimble_platform_timer_hz(void)
{
    return F_CPU;
}

uint32_t thimble_platform_clock_hz(void)
{
    return F_CPU;
}

#if 65536 % (F_CPU / 1000000) != 0
#error "microseconds are counted for clocks of 1, 2, 4, 8 and 16 MHz"
#endif

extern uint8_t __data_start[], __heap_start[]; /* avr-libc's; only their addresses mean anything */

/* All that is above the static data belongs to the stack: nothing allocates. */
struct thimble_memory_map thimble_platform_memory(void)
{
    uint8_t *const end = __heap_start;
    const struct thimble_memory_map memory = {__data_start, end, end, (uint8_t *)(RAMEND + 1u), end, end, end};

    return memory;
}

int main(void)
{
    thimble_stack_paint();
    UBRR0H = UBRRH_VALUE;
    UBRR0L = UBRRL_VALUE;
    UCSR0A = USE_2X ? _BV(U2X0) : 0u;
    UCSR0C = _BV(UCSZ01) | _BV(UCSZ00); /* 8N1 */
    UCSR0B = _BV(RXEN0) | _BV(TXEN0) | _BV(RXCIE0);
    TCCR1A = 0u; /* boot loaders may have used it */
    TCCR1B = _BV(CS10); /* every cycle */
    TIMSK1 = _BV(TOIE1);
    sei();
    thimble_protocol_serve();
    return 0;
}
