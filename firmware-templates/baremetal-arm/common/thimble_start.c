/*
 * From reset to main on a Cortex-M without an operating system: the vector table, memory, and what happens on a fault.
 * Interrupts are masked, and most chips leave them so: the firmware polls, and WFI wakes for a pending interrupt all the
 * same, so that none adds to a measured time.
 */
#include <stdint.h>

#include "thimble_chip.h"
#include "thimble_memory.h"
#include "thimble_protocol.h"
#include "thimble_stack.h"

#define AIRCR (*(volatile uint32_t *)0xE000ED0Cu)
#define RESET_REQUEST 0x05FA0004u /* the key that the register asks for, SYSRESETREQ */
#define CPACR (*(volatile uint32_t *)0xE000ED88u)
#define FLOATING_POINT_ON (0xFu << 20)
#define SYSTEM_VECTORS 16
#ifndef THIMBLE_INTERRUPT_VECTORS
#define THIMBLE_INTERRUPT_VECTORS 32
#endif

typedef void (*vector)(void);

extern uint8_t thimble_stack_top[]; /* from the linker script */

void thimble_reset(void);

static void fault(void)
{
    thimble_report_fault();
    AIRCR = RESET_REQUEST;
    for (;;) {
    }
}

/* What is enabled for WFI's sake only is never taken; rp2040js, though, does take the one that ends a WFI. */
static void woken(void)
{
}

__attribute__((weak)) void thimble_chip_interrupt(void)
{
}

#define EIGHT_INTERRUPTS \
    thimble_chip_interrupt, thimble_chip_interrupt, thimble_chip_interrupt, thimble_chip_interrupt, \
    thimble_chip_interrupt, thimble_chip_interrupt, thimble_chip_interrupt, thimble_chip_interrupt

__attribute__((section(".vectors"), used)) static const vector vectors[SYSTEM_VECTORS + THIMBLE_INTERRUPT_VECTORS] = {
    (vector)(uintptr_t)thimble_stack_top,
    thimble_reset,
    woken, /* NMI */
    fault, /* HardFault, and the three finer faults of larger cores */
    fault, fault, fault, 0, 0, 0, 0, woken, woken, 0, woken, woken,
    EIGHT_INTERRUPTS, EIGHT_INTERRUPTS, EIGHT_INTERRUPTS, EIGHT_INTERRUPTS,
#if THIMBLE_INTERRUPT_VECTORS == 64
    EIGHT_INTERRUPTS, EIGHT_INTERRUPTS, EIGHT_INTERRUPTS, EIGHT_INTERRUPTS,
#endif
};

/* Registers of the floating-point and vector unit may hold anything of the compiler's: it is off after reset. */
static void start_coprocessors(void)
{
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
    CPACR |= FLOATING_POINT_ON;
    __asm volatile("dsb\n isb");
#endif
}

void thimble_reset(void)
{
    __asm volatile("cpsid i");
    start_coprocessors();
    thimble_memory_start();
    thimble_stack_paint();
    thimble_chip_start();
    thimble_protocol_serve();
}
