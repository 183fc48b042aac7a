/*
 * QEMU's "virt" machine with an RV32IMC core: start-up, files by semihosting (RISC-V semihosting specification 0.4). Any
 * trap ends QEMU with a status that is not 0, after a line on its stderr.
 */
#include "harness.h"

#define CSR ".option arch, +zicsr\n" /* the assembler knows them as an extension of its own */

void reset_handler(void);
void begin(void);
void fault(void);

/* Three instructions that belong together: uncompressed, in one page. */
__attribute__((noinline)) static int32_t semihosting(int32_t operation, const void *argument)
{
    register int32_t a0 __asm__("a0") = operation;
    register const void *a1 __asm__("a1") = argument;
    __asm__ volatile(".balign 16\n"
                     ".option push\n"
                     ".option norvc\n"
                     "slli x0, x0, 0x1f\n"
                     "ebreak\n"
                     "srai x0, x0, 7\n"
                     ".option pop"
                     : "+r"(a0)
                     : "r"(a1)
                     : "memory");
    return a0;
}

static uint32_t stack_pointer(void)
{
    uint32_t value;
    __asm__ volatile("mv %0, sp" : "=r"(value));
    return value;
}

#include "semihosting.h"

/* QEMU's cycle counter tells nanoseconds of its virtual time, 2^6 of them an instruction. */
uint32_t io_ticks(void)
{
    uint32_t high, low, again;
    do {
        __asm__ volatile(CSR "csrr %0, mcycleh\n csrr %1, mcycle\n csrr %2, mcycleh"
                         : "=&r"(high), "=&r"(low), "=&r"(again));
    } while (high != again);
    return low >> 6 | high << 26;
}

__attribute__((aligned(4))) void fault(void)
{
    fail("the core faulted\n");
}

void begin(void)
{
    start_memory();
    open_files();
    run_requests();
    stop(STOPPED_OK);
}

__attribute__((naked, section(".vectors"), used)) void reset_handler(void)
{
    __asm__ volatile(CSR "la sp, _stack_top\n"
                         "la t0, fault\n"
                         "csrw mtvec, t0\n"
                         "j begin");
}
