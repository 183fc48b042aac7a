/*
 * An operand that may be an activation in RAM or a constant in program memory; `in_flash` is a literal, so that only
 * one of the two loads is compiled.
 */
#ifndef THIMBLE_OPERAND_S16_H
#define THIMBLE_OPERAND_S16_H

#include "thimble_base.h"

THIMBLE_INLINE int16_t thimble_load_operand_s16(const int16_t *pointer, int32_t in_flash)
{
    return in_flash ? THIMBLE_LOAD_S16(pointer) : *pointer;
}

#endif
