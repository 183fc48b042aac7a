/* The SDK's linker script defines these symbols; here they lie in one array, with the stack at its end. */
#include <stddef.h>

#include "host_thread.h"

__attribute__((aligned(4096))) char stand_in_memory[0x1000 + HOST_STACK_BYTES];
__asm__(".globl __data_start__, __bss_end__, __end__, __StackLimit, __StackBottom, __StackTop\n"
        "__data_start__ = stand_in_memory\n"
        "__bss_end__ = stand_in_memory + 0x400\n"
        "__end__ = stand_in_memory + 0x400\n"
        "__StackLimit = stand_in_memory + 0x1000\n"
        "__StackBottom = stand_in_memory + 0x1000\n"
        "__StackTop = stand_in_memory + 0x41000\n");

void *sbrk(ptrdiff_t growth)
{
    (void)growth;
    return stand_in_memory + 0x400;
}

int firmware_main(void);

static void *run(void *unused)
{
    (void)unused;
    firmware_main();
    return NULL;
}

int main(void)
{
    return host_run(run, stand_in_memory + 0x1000);
}
