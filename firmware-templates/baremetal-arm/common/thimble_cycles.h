/*
 * Cycles of the processor: its own counter (DWT CYCCNT) where there is one that counts. Cortex-M0 has none, and QEMU's
 * reads 0: there SysTick, which wraps at 24 bits, with a microsecond timer that tells how often it has.
 */
#ifndef THIMBLE_CYCLES_H
#define THIMBLE_CYCLES_H

#include <stdint.h>

/* Once; thimble_platform_microseconds works already. */
void thimble_cycles_start(uint32_t processor_hz);

/* Since some moment, wrapping at 32 bits. */
uint32_t thimble_cycles(void);

/* Around a WFI: nothing is counted in between. An emulator would else run from one expiry of SysTick to the next. */
void thimble_cycles_pause(void);
void thimble_cycles_resume(void);

#endif
