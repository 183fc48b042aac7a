/* Numbers and text to the host, without stdio: printf alone would be larger than the rest of the firmware. */
#ifndef THIMBLE_TEXT_H
#define THIMBLE_TEXT_H

#include <stdint.h>

#include "thimble_fixed.h"

/* They take a literal, as do those below; a text that a variable points to lies in THIMBLE_FIXED memory. */
#define thimble_put_text(literal) thimble_put_fixed(THIMBLE_FIXED_TEXT(literal))
#define thimble_put_line(literal) thimble_put_fixed_line(THIMBLE_FIXED_TEXT(literal)) /* with CR LF */
void thimble_put_fixed(const char *text);
void thimble_put_fixed_line(const char *text);
void thimble_put_end(void); /* "]" CR LF, which ends most lines */
void thimble_put_unsigned(uint32_t value);
void thimble_put_hex_byte(uint8_t value);
void thimble_put_hex_word(uint32_t value); /* 8 digits */

/* Rounded to `decimals` (0..6) places, never with an exponent. Beyond +-2e9: the bound. NaN: "nan". */
void thimble_put_decimal(float value, uint8_t decimals);

/*
 * A line of figures: "m-NAME-[", then pairs and text, then thimble_put_sum, which ends it with the checksum of all that
 * stands between. A digit lost on the cable then cannot become another figure.
 */
#define thimble_put_figures(name) thimble_put_fixed_figures(THIMBLE_FIXED_TEXT(name))
void thimble_put_fixed_figures(const char *name);
void thimble_put_sum(void);

/* "key=value"; the key brings the space before it. */
#define thimble_put_pair(key, value) thimble_put_fixed_pair(THIMBLE_FIXED_TEXT(key), value)
void thimble_put_fixed_pair(const char *key, uint32_t value);
#define thimble_put_signed_pair(key, value) thimble_put_fixed_signed_pair(THIMBLE_FIXED_TEXT(key), value)
void thimble_put_fixed_signed_pair(const char *key, int32_t value);

#endif
