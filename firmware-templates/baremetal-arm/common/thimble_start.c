/*
 * From reset to main on a Cortex-M without an operating system: the vector table, memory, and what happens on a fault.
 * Interrupts stay masked throughout: the firmware polls, and WFI wakes for a pending interrupt all the same. So no
 * interrupt ever adds to a measured time.
 */
#include <stdint.h>

#include "thimble_chip.h"
#include "thimble_platform.h"
#include "thimble_protocol.h"
#include "thimble_stack.h"
#include "thimble_text.h"

#define AIRCR (*(volatile uint32_t *)0xE000ED0Cu)
#define RESET_REQUEST 0x05FA0004u /* the key that the register asks for, SYSRESETREQ */
#define SYSTEM_VECTORS 16
#define INTERRUPT_VECTORS 32

typedef void (*vector)(void);

/* From the linker script; only their addresses mean anything. */
extern uint32_t thimble_data_begin[], thimble_data_end[], thimble_data_source[];
extern uint32_t thimble_bss_begin[], thimble_bss_end[];
extern uint8_t thimble_heap_begin[], thimble_stack_limit[], thimble_stack_top[];

void thimble_reset(void);
void *_sbrk(intptr_t growth);

/* A line for whoever listens, then a reset: a board that hangs tells nobody anything. */
static void fault(void)
{
    thimble_put_line("");
    thimble_put_line("e-[The processor faulted: wrong memory access or unknown instruction; resetting]");
    thimble_platform_flush();
    AIRCR = RESET_REQUEST;
    for (;;) {
    }
}

/* Interrupts are enabled for WFI's sake only and never taken; rp2040js, though, does take the one that ends a WFI. */
static void woken(void)
{
}

__attribute__((section(".vectors"), used)) static const vector vectors[SYSTEM_VECTORS + INTERRUPT_VECTORS] = {
    (vector)(uintptr_t)thimble_stack_top,
    thimble_reset,
    woken, /* NMI */
    fault, /* HardFault, and the three finer faults of larger cores */
    fault, fault, fault, 0, 0, 0, 0, woken, woken, 0, woken, woken,
    woken, woken, woken, woken, woken, woken, woken, woken, woken, woken, woken, woken, woken, woken, woken, woken,
    woken, woken, woken, woken, woken, woken, woken, woken, woken, woken, woken, woken, woken, woken, woken, woken,
};

void thimble_reset(void)
{
    const uint32_t *source = thimble_data_source;

    __asm volatile("cpsid i");
    for (uint32_t *word = thimble_data_begin; word < thimble_data_end; word++)
        *word = *source++;
    for (uint32_t *word = thimble_bss_begin; word < thimble_bss_end; word++)
        *word = 0u;
    thimble_stack_paint();
    thimble_chip_start();
    thimble_protocol_serve();
}

static uint8_t *heap_break = thimble_heap_begin;

/* What newlib's malloc asks for memory. Thimble's own code never allocates. */
void *_sbrk(intptr_t growth)
{
    uint8_t *const previous = heap_break;

    if (growth > thimble_stack_limit - heap_break || growth < thimble_heap_begin - heap_break)
        return (void *)-1;
    heap_break += growth;
    return previous;
}

struct thimble_memory_map thimble_platform_memory(void)
{
    const struct thimble_memory_map memory = {
        (uint8_t *)thimble_data_begin, (uint8_t *)thimble_bss_end,
        thimble_stack_limit, thimble_stack_top,
        thimble_heap_begin, heap_break, thimble_stack_limit,
    };

    return memory;
}
