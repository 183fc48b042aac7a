/*
 * From reset to main on a RISC-V microcontroller, in machine mode. Interrupts stay off throughout: the firmware polls,
 * and WFI wakes for a pending interrupt all the same.
 */
#include <stdint.h>

#include "thimble_chip.h"
#include "thimble_csr.h"
#include "thimble_memory.h"
#include "thimble_protocol.h"
#include "thimble_stack.h"

void thimble_reset(void);
void thimble_begin(void);
void thimble_trap(void);

/* There is a stack before there is a C program. */
__attribute__((naked, section(".vectors"), used)) void thimble_reset(void)
{
    __asm volatile(THIMBLE_CSR "csrci mstatus, 8\n" /* a restart after a fault comes here too */
                   "la sp, thimble_stack_top\n"
                   "la t0, thimble_trap\n"
                   "csrw mtvec, t0\n"
                   "j thimble_begin");
}

/* Where every exception goes; the chip has no register that resets it, so the program begins anew. */
__attribute__((aligned(4), noreturn)) void thimble_trap(void)
{
    thimble_report_fault();
    thimble_reset();
    for (;;) {
    }
}

void thimble_begin(void)
{
    thimble_memory_start();
    thimble_stack_paint();
    thimble_chip_start();
    thimble_protocol_serve();
}
