#include "thimble_stack.h"

#define PAINT 0xA5u
#define MARGIN 64 /* bytes below the painting function's own frame that it and its callees may be using */

void thimble_stack_paint(void)
{
    const struct thimble_memory_map memory = thimble_platform_memory();
    volatile uint8_t here = 0u;
    const uintptr_t end = (uintptr_t)&here - MARGIN;

    if (memory.stack_limit == 0)
        return;
    for (volatile uint8_t *byte = memory.stack_limit; (uintptr_t)byte < end; byte++)
        *byte = PAINT;
}

uint32_t thimble_stack_high_water(const struct thimble_memory_map *memory)
{
    const volatile uint8_t *byte = memory->stack_limit;

    if (byte == 0)
        return 0u;
    while (byte < memory->stack_top && *byte == PAINT)
        byte++;
    return (uint32_t)(memory->stack_top - byte);
}
