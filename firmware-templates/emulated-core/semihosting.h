/*
 * Files by semihosting, and the painted stack. Whoever includes it says before how its core asks the host and where its
 * stack is: semihosting() and stack_pointer().
 */
#ifndef SEMIHOSTING_H
#define SEMIHOSTING_H

enum { SYS_OPEN = 0x01, SYS_WRITE0 = 0x04, SYS_WRITE = 0x05, SYS_READ = 0x06, SYS_EXIT = 0x18 };
enum { OPEN_READ_BINARY = 1, OPEN_WRITE_BINARY = 5 };
enum { STOPPED_OK = 0x20026, STOPPED_ERROR = 0x20024 };

static int32_t requests, answers; /* file handles */

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

static void open_files(void)
{
    requests = open_file("requests.bin", 12, OPEN_READ_BINARY);
    answers = open_file("answers.bin", 11, OPEN_WRITE_BINARY);
}

/* Initial values into RAM, zeros into the rest of the static data. */
extern uint32_t _data_load, _data_start, _data_end, _bss_start, _bss_end, _stack_top;

static inline void start_memory(void)
{
    const uint32_t *from = &_data_load;
    for (uint32_t *to = &_data_start; to < &_data_end; to++)
        *to = *from++;
    for (uint32_t *to = &_bss_start; to < &_bss_end; to++)
        *to = 0;
}

#endif
