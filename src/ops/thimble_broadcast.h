/*
 * How two operands of an elementwise operator walk over its output: five nested loops, the last the innermost, with
 * the step of each operand per loop; 0 repeats the same elements. Passed by address to inlined kernels, as a constant,
 * so that loops of size 1 and multiplications by literals disappear.
 */
#ifndef THIMBLE_BROADCAST_H
#define THIMBLE_BROADCAST_H

#include "thimble_base.h"

typedef struct {
    int32_t size[5];
    int32_t a_step[5];
    int32_t b_step[5];
} thimble_broadcast;

#endif
