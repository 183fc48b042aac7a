/*
 * concatenation, int8: one input's share of the output, `runs` contiguous pieces. Called once per input.
 */
#ifndef THIMBLE_CONCATENATION_S8_H
#define THIMBLE_CONCATENATION_S8_H

#include "thimble_operand_s8.h"

THIMBLE_INLINE void thimble_concatenation_s8(
    const int8_t *input, int32_t in_flash, int8_t *output, int32_t input_run, int32_t output_run, int32_t runs)
{
    for (int32_t run = 0; run < runs; run++)
        for (int32_t i = 0; i < input_run; i++)
            output[run * output_run + i] = thimble_load_operand_s8(input + run * input_run + i, in_flash);
}

#endif
