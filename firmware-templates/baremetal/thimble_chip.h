/* What start-up needs from a chip beside the platform's functions. */
#ifndef THIMBLE_CHIP_H
#define THIMBLE_CHIP_H

/* Clocks, serial port and timer. Memory is initialised when it is called. */
void thimble_chip_start(void);

#endif
