/* What start-up needs from a chip beside the platform's functions. */
#ifndef THIMBLE_CHIP_H
#define THIMBLE_CHIP_H

/* Clocks, serial port and timer. Memory is initialised when it is called. */
void thimble_chip_start(void);

/*
 * Interrupts stay masked unless a chip unmasks them, which it does where its serial port has no room of its own for bytes
 * that come while the firmware sends or computes. It has this function then, for the one line that it has enabled.
 */
void thimble_chip_interrupt(void);

#endif
