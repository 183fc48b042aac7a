#include "thimble_memory.h"

#include <stdint.h>

#include "thimble_frames.h"
#include "thimble_platform.h"
#include "thimble_text.h"

/* The name that the C library calls: newlib's on Arm, picolibc's on RISC-V. */
#if defined(__riscv)
#define THIMBLE_SBRK sbrk
#else
#define THIMBLE_SBRK _sbrk
#endif

/* From the linker script; only their addresses mean anything. */
extern uint32_t thimble_data_begin[], thimble_data_end[], thimble_data_source[];
extern uint32_t thimble_bss_begin[], thimble_bss_end[];
extern uint8_t thimble_heap_begin[], thimble_stack_limit[], thimble_stack_top[];

void *THIMBLE_SBRK(intptr_t growth);

void thimble_memory_start(void)
{
    const uint32_t *source = thimble_data_source;

    for (uint32_t *word = thimble_data_begin; word < thimble_data_end; word++)
        *word = *source++;
    for (uint32_t *word = thimble_bss_begin; word < thimble_bss_end; word++)
        *word = 0u;
}

void thimble_report_fault(void)
{
    thimble_frames_leave();
    thimble_put_line("");
    thimble_put_line("e-[The processor faulted: wrong memory access or unknown instruction; resetting]");
    thimble_platform_flush();
}

static uint8_t *heap_break = thimble_heap_begin;

/* What malloc asks for memory. Thimble's own code never allocates. */
void *THIMBLE_SBRK(intptr_t growth)
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
