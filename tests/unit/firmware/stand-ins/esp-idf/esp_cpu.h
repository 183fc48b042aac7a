#include "host_io.h"
static inline uint32_t esp_cpu_get_cycle_count(void) { return (uint32_t)(host_microseconds() * 240u); }
