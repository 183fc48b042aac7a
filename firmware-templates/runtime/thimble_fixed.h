/*
 * Text and tables that never change. On AVR a constant would be copied to RAM, of which there are 2 KB: there they are
 * kept in program memory and read by an instruction of its own. Everywhere else they are constants like any other.
 */
#ifndef THIMBLE_FIXED_H
#define THIMBLE_FIXED_H

#if defined(__AVR__)
#include <avr/pgmspace.h>
#define THIMBLE_FIXED PROGMEM
#define THIMBLE_FIXED_CHAR(pointer) ((char)pgm_read_byte(pointer))
#define THIMBLE_FIXED_U32(pointer) ((uint32_t)pgm_read_dword(pointer))
#define THIMBLE_FIXED_TEXT(literal) PSTR(literal)
#else
#define THIMBLE_FIXED
#define THIMBLE_FIXED_CHAR(pointer) (*(pointer))
#define THIMBLE_FIXED_U32(pointer) (*(pointer))
#define THIMBLE_FIXED_TEXT(literal) ("" literal) /* what is no literal must not compile here either */
#endif

#endif
