/*
 * The serial protocol: docs/serial-protocol.md, board's side. A state machine fed byte by byte; a command runs and is
 * answered inside the call that feeds its '%'.
 */
#ifndef THIMBLE_PROTOCOL_H
#define THIMBLE_PROTOCOL_H

#include <stdint.h>

/* What the board says at reset. */
void thimble_protocol_boot(void);

/* Takes one byte from the host. Any byte in any order is allowed. */
void thimble_protocol_feed(uint8_t byte);

/* Boots, then serves for ever: the last call of main. */
void thimble_protocol_serve(void);

/* Runs one command without its '%' and answers it, all but the m-ready. */
void thimble_protocol_execute(const char *line);

/*
 * For the commands: takes the next number from the arguments. 1 and *value where there is one, 1 and the fallback at
 * the end, 0 for anything that is not a decimal number up to the maximum.
 */
uint8_t thimble_protocol_number(const char **arguments, uint32_t fallback, uint32_t maximum, uint32_t *value);

/* 1 where nothing but spaces is left. */
uint8_t thimble_protocol_at_end(const char *arguments);

#endif
