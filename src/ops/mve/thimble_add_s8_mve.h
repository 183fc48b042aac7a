/*
 * add and sub of two tensors of one shape, int8, for Helium, four elements at a time. Equals runInt8 in additive.ts bit for
 * bit. The output may lie where either operand lies.
 */
#ifndef THIMBLE_ADD_S8_MVE_H
#define THIMBLE_ADD_S8_MVE_H

#include "thimble_mve.h"

/* An operand in the common scale: (q - zero_point) * 2^20, rescaled. The shift is to the right, as a negative number. */
THIMBLE_INLINE int32x4_t thimble_mve_operand(
    const int8_t *from, int32_t whole, mve_pred16_t live, int32_t zero_point, int32_t multiplier, int32_t shift)
{
    const int32x4_t bytes = whole ? vldrbq_s32(from) : vldrbq_z_s32(from, live);
    int32x4_t value = vshlq_n_s32(vsubq_n_s32(bytes, zero_point), 20);

    value = vqrdmulhq_n_s32(value, multiplier);
    if (shift < 0) {
        value = vaddq_s32(value, vshrq_n_s32(value, 31)); /* halves away from zero */
        value = vrshlq_s32(value, vdupq_n_s32(shift));
    }
    return value;
}

THIMBLE_INLINE void thimble_add_s8_mve(
    const int8_t *a, int32_t a_zero_point, int32_t a_multiplier, int32_t a_shift,
    const int8_t *b, int32_t b_zero_point, int32_t b_multiplier, int32_t b_shift, int32_t sign,
    int32_t multiplier, int32_t shift, int32_t clamps_below_zero,
    int8_t *output, int32_t count, int32_t output_zero_point, int32_t activation_min, int32_t activation_max)
{
    const thimble_mve_output to = {output_zero_point, clamps_below_zero, activation_min, activation_max};
    const int32x4_t multipliers = vdupq_n_s32(multiplier), shifts = vdupq_n_s32(shift);

    for (int32_t i = 0; i < count; i += 4) {
        const mve_pred16_t live = vctp32q((uint32_t)(count - i));
        const int32x4_t x = thimble_mve_operand(a + i, count % 4 == 0, live, a_zero_point, a_multiplier, a_shift);
        const int32x4_t y = thimble_mve_operand(b + i, count % 4 == 0, live, b_zero_point, b_multiplier, b_shift);
        const int32x4_t result =
            thimble_mve_requantize(sign > 0 ? vaddq_s32(x, y) : vsubq_s32(x, y), multipliers, shifts, &to);

        if (count % 4 == 0)
            vstrbq_s32(output + i, result);
        else
            vstrbq_p_s32(output + i, result, live);
    }
}

#endif
