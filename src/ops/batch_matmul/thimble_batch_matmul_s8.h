/*
 * batch_matmul, int8. Equals runInt8 in batch_matmul.ts bit for bit. The five loops go over the output: three batch axes,
 * rows and columns, with the steps of both matrices; inside, `depth` products. The host has proved that no sum leaves
 * int32 when it is shifted to the left.
 */
#ifndef THIMBLE_BATCH_MATMUL_S8_H
#define THIMBLE_BATCH_MATMUL_S8_H

#include "thimble_broadcast.h"
#include "thimble_fixed_point.h"
#include "thimble_operand_s8.h"

THIMBLE_INLINE void thimble_batch_matmul_s8(
    const thimble_broadcast *loops, int32_t depth,
    const int8_t *a, int32_t a_in_flash, int32_t a_zero_point, int32_t a_step,
    const int8_t *b, int32_t b_in_flash, int32_t b_zero_point, int32_t b_step,
    int32_t multiplier, int32_t shift, int8_t *output, int32_t output_zero_point)
{
    const int32_t *const size = loops->size;
    const int32_t *const as = loops->a_step;
    const int32_t *const bs = loops->b_step;

    for (int32_t h = 0; h < size[0]; h++)
        for (int32_t i = 0; i < size[1]; i++)
            for (int32_t j = 0; j < size[2]; j++)
                for (int32_t row = 0; row < size[3]; row++) {
                    const int8_t *const left = a + h * as[0] + i * as[1] + j * as[2] + row * as[3];
                    const int8_t *const matrix = b + h * bs[0] + i * bs[1] + j * bs[2];
                    for (int32_t column = 0; column < size[4]; column++) {
                        const int8_t *const right = matrix + column * bs[4];
                        int32_t sum = 0;
                        for (int32_t k = 0; k < depth; k++)
                            sum += (thimble_load_operand_s8(left + k * a_step, a_in_flash) - a_zero_point)
                                * (int32_t)(thimble_load_operand_s8(right + k * b_step, b_in_flash) - b_zero_point);
                        sum = output_zero_point + thimble_multiply_by_quantized_multiplier(sum, multiplier, shift);
                        *output++ = (int8_t)THIMBLE_MIN(THIMBLE_MAX(sum, -128), 127);
                    }
                }
}

#endif
