/* What the programs stand on that measure a model; src/engines/core-program.ts generates them. */
#ifndef HARNESS_H
#define HARNESS_H

#include <stdint.h>

/* 1, or 0 at the end of the requests. Ends the program where it cannot read or write. */
int io_read(void *place, uint32_t bytes);
void io_write(const void *from, uint32_t bytes);

/* Counts upwards; what a tick is, the core's file says. */
uint32_t io_ticks(void);

/* Fills the free stack with a pattern; how many bytes of it have been used since. 0 where nobody counts. */
void io_paint_stack(void);
uint32_t io_stack_used(void);

/* Reads requests until there are no more; generated. */
void run_requests(void);

#endif
