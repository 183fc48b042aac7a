/* Numbers and text to the host, without stdio: printf alone would be larger than the rest of the firmware. */
#ifndef THIMBLE_TEXT_H
#define THIMBLE_TEXT_H

#include <stdint.h>

void thimble_put_text(const char *text);
void thimble_put_line(const char *text); /* with CR LF */
void thimble_put_end(void);              /* "]" CR LF, which ends most lines */
void thimble_put_unsigned(uint32_t value);
void thimble_put_hex_byte(uint8_t value);
void thimble_put_hex_word(uint32_t value); /* 8 digits */

/* Rounded to `decimals` (0..6) places, never with an exponent. Beyond +-2e9: the bound. NaN: "nan". */
void thimble_put_decimal(float value, uint8_t decimals);

/*
 * A line of figures: "m-NAME-[", then pairs and text, then thimble_put_sum, which ends it with the checksum of all that
 * stands between. A digit lost on the cable then cannot become another figure.
 */
void thimble_put_figures(const char *name);
void thimble_put_sum(void);

/* "key=value"; the key brings the space before it. */
void thimble_put_pair(const char *key, uint32_t value);

#endif
