/*
 * What every kernel stands on: inlining, minimum and maximum, and where constants live.
 * C99 and C++11, with any width of int from 16 bits up.
 */
#ifndef THIMBLE_BASE_H
#define THIMBLE_BASE_H

#include <stdint.h>

/* A layer folds its literals only if the kernel is inlined, and -O2 would share one copy between layers. */
#if defined(__GNUC__)
#define THIMBLE_INLINE static inline __attribute__((always_inline))
#define THIMBLE_NOINLINE __attribute__((noinline))
#else
#define THIMBLE_INLINE static inline
#define THIMBLE_NOINLINE
#endif

#define THIMBLE_MIN(a, b) ((a) < (b) ? (a) : (b))
#define THIMBLE_MAX(a, b) ((a) > (b) ? (a) : (b))

/* A condition that must hold when the model is compiled. An array type, since C99 has no _Static_assert. */
#define THIMBLE_STATIC_ASSERT(condition, name) typedef char name[(condition) ? 1 : -1]

/* C leaves >> of a negative number to the compiler: ask it. */
THIMBLE_STATIC_ASSERT((-1 >> 1) == -1, thimble_needs_arithmetic_right_shift);

/*
 * Constants. On AVR a const array would be copied to RAM, of which there are 2 KB: there it is kept in program
 * memory and read by an instruction of its own. Kernels read constants through these macros only.
 */
#if defined(__AVR__)
#include <avr/pgmspace.h>
#define THIMBLE_CONST PROGMEM
#define THIMBLE_LOAD_S8(pointer) ((int8_t)pgm_read_byte(pointer))
#define THIMBLE_LOAD_U8(pointer) ((uint8_t)pgm_read_byte(pointer))
#define THIMBLE_LOAD_S16(pointer) ((int16_t)pgm_read_word(pointer))
#define THIMBLE_LOAD_S32(pointer) ((int32_t)pgm_read_dword(pointer))
#define THIMBLE_LOAD_F32(pointer) (pgm_read_float(pointer))
#define THIMBLE_LOAD_S64(pointer) \
    ((int64_t)(((uint64_t)pgm_read_dword((const uint8_t *)(pointer) + 4) << 32) | pgm_read_dword(pointer)))
#else
#define THIMBLE_CONST
#define THIMBLE_LOAD_S8(pointer) (*(pointer))
#define THIMBLE_LOAD_U8(pointer) (*(pointer))
#define THIMBLE_LOAD_S16(pointer) (*(pointer))
#define THIMBLE_LOAD_S32(pointer) (*(pointer))
#define THIMBLE_LOAD_F32(pointer) (*(pointer))
#define THIMBLE_LOAD_S64(pointer) (*(pointer))
#endif

#endif
