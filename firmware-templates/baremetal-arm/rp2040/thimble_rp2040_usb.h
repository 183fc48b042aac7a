/*
 * The RP2040's own USB as a serial port (CDC ACM), beside UART0: a cable is all that most people have. Polled, like the rest
 * of the firmware: the controller answers "not now" by itself while an inference runs, and keeps the 64 bytes that came.
 */
#ifndef THIMBLE_RP2040_USB_H
#define THIMBLE_RP2040_USB_H

#include <stdint.h>

/* After the clocks. The host may take its time, or never come. */
void thimble_rp2040_usb_start(void);

/* Serves the bus; the next byte from the host, or -1. */
int16_t thimble_rp2040_usb_poll(void);

/* Waits for a host that reads slowly, not for one that does not listen: what it does not take is lost, as on a UART. */
void thimble_rp2040_usb_put(uint8_t byte);
void thimble_rp2040_usb_flush(void);

/* 1 once, when a program has opened the port for the first time since reset and has said nothing yet. */
uint8_t thimble_rp2040_usb_first_opened(void);

/* 1 while the bus wants something: no time to sleep. */
uint8_t thimble_rp2040_usb_pending(void);

#define USB_INTERRUPT (1u << 5)

#endif
