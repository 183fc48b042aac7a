/* Armv7-M architecture reference manual, C1.6.5 (DEMCR), C1.8 (DWT), B3.3 (SysTick). */
#include "thimble_cycles.h"

#include "thimble_platform.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define SYSTICK_CONTROL REGISTER(0xE000E010u)
#define SYSTICK_RELOAD REGISTER(0xE000E014u)
#define SYSTICK_VALUE REGISTER(0xE000E018u)
#define SYSTICK_ON_PROCESSOR_CLOCK 5u
#define SYSTICK_MASK 0xFFFFFFu
#define DEMCR REGISTER(0xE000EDFCu)
#define DEMCR_TRACE_ON (1u << 24)
#define DWT_CONTROL REGISTER(0xE0001000u)
#define DWT_CYCCNT_ON 1u
#define DWT_CYCCNT REGISTER(0xE0001004u)

static uint32_t cycles_per_microsecond;
static uint32_t last_systick; /* counted up, 24 bits */
static uint32_t last_microseconds;
static uint32_t total;
static uint8_t has_counter;

#if defined(__ARM_ARCH_6M__)
static uint8_t counter_counts(void)
{
    return 0u;
}
#else
static uint8_t counter_counts(void)
{
    uint32_t begin;

    DEMCR |= DEMCR_TRACE_ON;
    DWT_CONTROL |= DWT_CYCCNT_ON;
    begin = DWT_CYCCNT;
    __asm volatile("nop\n nop\n nop\n nop");
    return DWT_CYCCNT != begin;
}
#endif

static uint32_t systick(void)
{
    return (0u - SYSTICK_VALUE) & SYSTICK_MASK;
}

static void look(void)
{
    last_systick = systick();
    last_microseconds = thimble_platform_microseconds();
}

void thimble_cycles_start(uint32_t processor_hz)
{
    cycles_per_microsecond = processor_hz / 1000000u;
    has_counter = counter_counts();
    if (has_counter)
        return;
    SYSTICK_RELOAD = SYSTICK_MASK;
    SYSTICK_VALUE = 0u; /* any write clears it */
    SYSTICK_CONTROL = SYSTICK_ON_PROCESSOR_CLOCK;
    look();
}

/* The timers stand on one clock, so the wraps between two readings are the nearest whole number. */
uint32_t thimble_cycles(void)
{
    uint32_t now, microseconds, cycles, expected, wraps;

    if (has_counter)
        return DWT_CYCCNT;
    now = systick();
    microseconds = thimble_platform_microseconds();
    cycles = (now - last_systick) & SYSTICK_MASK;
    expected = (microseconds - last_microseconds) * cycles_per_microsecond;
    wraps = (expected - cycles + (SYSTICK_MASK + 1u) / 2u) & ~SYSTICK_MASK;
    last_systick = now;
    last_microseconds = microseconds;
    total += cycles + wraps;
    return total;
}

void thimble_cycles_pause(void)
{
    if (has_counter)
        return;
    (void)thimble_cycles();
    SYSTICK_CONTROL = 0u;
}

void thimble_cycles_resume(void)
{
    if (has_counter)
        return;
    SYSTICK_CONTROL = SYSTICK_ON_PROCESSOR_CLOCK;
    look();
}
