#ifndef STAND_IN_HARDWARE_CLOCKS
#define STAND_IN_HARDWARE_CLOCKS
#include <stdint.h>
enum { clk_sys };
static inline uint32_t clock_get_hz(int clock) { (void)clock; return 125000000u; }
#endif
