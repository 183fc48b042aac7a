/* Memory of a bare-metal image, as the linker script lays it out, on any processor. */
#ifndef THIMBLE_MEMORY_H
#define THIMBLE_MEMORY_H

/* Initial values into RAM, zeros into the rest of the static data. Nothing static may be read before. */
void thimble_memory_start(void);

/* A line for whoever listens: a board that hangs tells nobody anything. The caller resets. */
void thimble_report_fault(void);

#endif
