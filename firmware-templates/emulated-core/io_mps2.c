/*
 * The MPS2 boards of QEMU (AN385: Cortex-M3, AN386: Cortex-M4) and its MPS3 AN547 (Cortex-M55): vectors, start-up, files
 * by semihosting.
 *
 * Code built for a Cortex-M0+ runs with traps on unaligned accesses, so that it fails here where it would fail there.
 * Any fault ends QEMU with a status that is not 0, after a line on its stderr that says which: QEMU itself is silent.
 */
#include "harness.h"

#define CCR (*(volatile uint32_t *)0xE000ED14u)
#define CPACR (*(volatile uint32_t *)0xE000ED88u)
#define CCR_UNALIGN_TRP (1u << 3)

#if defined(__ARM_FEATURE_MVE)
/* The system counter of the SSE-300 counts up at 32 MHz. */
#define COUNTER_CONTROL (*(volatile uint32_t *)0x58100000u)
#define COUNTER_VALUE (*(volatile uint32_t *)0x48101000u)
#else
/* CMSDK timer 0 counts down from RELOAD at 25 MHz. */
#define TIMER0_CTRL (*(volatile uint32_t *)0x40000000u)
#define TIMER0_VALUE (*(volatile uint32_t *)0x40000004u)
#define TIMER0_RELOAD (*(volatile uint32_t *)0x40000008u)
#endif

void reset_handler(void);

static int32_t semihosting(int32_t operation, const void *argument)
{
    register int32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static uint32_t stack_pointer(void)
{
    uint32_t value;
    __asm__ volatile("mov %0, sp" : "=r"(value));
    return value;
}

#include "semihosting.h"

uint32_t io_ticks(void)
{
#if defined(__ARM_FEATURE_MVE)
    return COUNTER_VALUE;
#else
    return ~TIMER0_VALUE;
#endif
}

static void fault(void)
{
    fail("the core faulted\n");
}

void reset_handler(void)
{
    start_memory();
#if defined(__ARM_ARCH_6M__)
    CCR |= CCR_UNALIGN_TRP; /* the Cortex-M4 itself allows them, and compilers use that */
#endif
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
    CPACR |= 0xFu << 20; /* the floating-point and vector unit is off after reset */
    __asm__ volatile("dsb\n isb");
#endif
#if defined(__ARM_FEATURE_MVE)
    COUNTER_CONTROL = 1;
#else
    TIMER0_RELOAD = 0xFFFFFFFFu;
    TIMER0_CTRL = 1;
#endif
    open_files();
    run_requests();
    stop(STOPPED_OK);
}

__attribute__((section(".vectors"), used)) static void (*const vectors[16])(void) = {
    (void (*)(void))&_stack_top, reset_handler, fault, fault, fault, fault, fault, fault,
    fault, fault, fault, fault, fault, fault, fault, fault,
};
