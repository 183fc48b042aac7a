/* Stand-in: what the firmware uses of Zephyr. A receive interrupt happens when the program looks or sleeps. */
#ifndef STAND_IN_ZEPHYR_KERNEL
#define STAND_IN_ZEPHYR_KERNEL
#include <stddef.h>
#include "host_io.h"
#ifndef STAND_IN_MACHINE
#define main firmware_main /* the stand-in has a main of its own */
#endif
#define ARG_UNUSED(x) (void)(x)
#define K_MSEC(ms) (ms)
struct k_sem { int count; };
#define K_SEM_DEFINE(name, initial, limit) struct k_sem name = {initial}
void stand_in_interrupt(int milliseconds);
static inline void k_sem_give(struct k_sem *sem) { sem->count = 1; }
static inline int k_sem_take(struct k_sem *sem, int wait) { stand_in_interrupt(wait); sem->count = 0; return 0; }
struct k_thread { struct { uintptr_t start; size_t size; } stack_info; };
const struct k_thread *stand_in_thread(void);
static inline const struct k_thread *k_current_get(void) { return stand_in_thread(); }
static inline uint32_t k_cycle_get_32(void) { return (uint32_t)host_microseconds(); }
static inline int sys_clock_hw_cycles_per_sec(void) { return 1000000; }
static inline int64_t k_uptime_ticks(void) { return (int64_t)host_microseconds(); }
static inline uint64_t k_ticks_to_us_floor64(uint64_t ticks) { return ticks; }
static inline void k_msleep(int ms) { host_sleep((unsigned)ms); }
#endif
