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

extern uint32_t _data_load, _data_start, _data_end, _bss_start, _bss_end, _stack_top;
void reset_handler(void);

enum { SYS_OPEN = 0x01, SYS_WRITE0 = 0x04, SYS_WRITE = 0x05, SYS_READ = 0x06, SYS_EXIT = 0x18 };
enum { OPEN_READ_BINARY = 1, OPEN_WRITE_BINARY = 5 };
enum { STOPPED_OK = 0x20026, STOPPED_ERROR = 0x20024 };

static int32_t requests, answers; /* file handles */

static int32_t semihosting(int32_t operation, const void *argument)
{
    register int32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static void stop(uint32_t reason)
{
    for (;;)
        semihosting(SYS_EXIT, (const void *)reason);
}

static void fail(const char *why)
{
    semihosting(SYS_WRITE0, why);
    stop(STOPPED_ERROR);
}

static int32_t open_file(const char *name, uint32_t length, uint32_t mode)
{
    const uint32_t block[3] = {(uint32_t)name, mode, length};
    const int32_t handle = semihosting(SYS_OPEN, block);
    if (handle < 0) {
        semihosting(SYS_WRITE0, name);
        fail(": cannot be opened\n");
    }
    return handle;
}

int io_read(void *place, uint32_t bytes)
{
    const uint32_t block[3] = {(uint32_t)requests, (uint32_t)place, bytes};
    return semihosting(SYS_READ, block) == 0; /* it returns the bytes NOT read */
}

void io_write(const void *from, uint32_t bytes)
{
    const uint32_t block[3] = {(uint32_t)answers, (uint32_t)from, bytes};
    if (semihosting(SYS_WRITE, block) != 0)
        fail("answers.bin: cannot be written\n");
}

uint32_t io_ticks(void)
{
#if defined(__ARM_FEATURE_MVE)
    return COUNTER_VALUE;
#else
    return ~TIMER0_VALUE;
#endif
}

static uint32_t stack_pointer(void)
{
    uint32_t value;
    __asm__ volatile("mov %0, sp" : "=r"(value));
    return value;
}

#define PAINTED_BYTES 65536u
#define PAINT 0x5AFEC0DEu
static uint32_t painted_from; /* the paint lies below */

/* What it pushes must lie above the stack pointer that it reads: no push later on. */
__attribute__((noinline, optimize("no-shrink-wrap"))) void io_paint_stack(void)
{
    painted_from = stack_pointer();
    for (uint32_t at = painted_from - PAINTED_BYTES; at < painted_from; at += 4)
        *(volatile uint32_t *)at = PAINT;
}

__attribute__((noinline)) uint32_t io_stack_used(void)
{
    uint32_t at = painted_from - PAINTED_BYTES;
    while (at < painted_from && *(volatile uint32_t *)at == PAINT)
        at += 4;
    return painted_from - at;
}

static void fault(void)
{
    fail("the core faulted\n");
}

void reset_handler(void)
{
    const uint32_t *from = &_data_load;
    for (uint32_t *to = &_data_start; to < &_data_end; to++)
        *to = *from++;
    for (uint32_t *to = &_bss_start; to < &_bss_end; to++)
        *to = 0;
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
    requests = open_file("requests.bin", 12, OPEN_READ_BINARY);
    answers = open_file("answers.bin", 11, OPEN_WRITE_BINARY);
    run_requests();
    stop(STOPPED_OK);
}

__attribute__((section(".vectors"), used)) static void (*const vectors[16])(void) = {
    (void (*)(void))&_stack_top, reset_handler, fault, fault, fault, fault, fault, fault,
    fault, fault, fault, fault, fault, fault, fault, fault,
};
