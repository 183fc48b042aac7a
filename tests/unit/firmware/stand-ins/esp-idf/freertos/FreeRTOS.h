/* Stand-in: one task, which is the program. */
#ifndef STAND_IN_FREERTOS
#define STAND_IN_FREERTOS
#include "host_io.h"
typedef uint32_t TickType_t;
typedef int BaseType_t;
#define portMAX_DELAY 0xFFFFFFFFu
#define portNUM_PROCESSORS 2
#define pdMS_TO_TICKS(ms) (ms)
#define ESP_ERROR_CHECK(call) do { if ((call) != 0) exit(3); } while (0)
#endif
