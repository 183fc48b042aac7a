/**
 * TFLite's integer requantize, bit for bit; firmware-templates/runtime/thimble_fixed_point.h is its C twin.
 *
 * It rounds TWICE, as TFLite Micro's reference kernels and CMSIS-NN do: once in a doubling high multiply, once in the
 * shift, there with ties away from zero. XNNPACK rounds once and may differ by 1 LSB.
 */
export interface FixedPointScale {
  readonly multiplier: number; // Q31: 0, or 2^30 … 2^31 − 1
  readonly shift: number; // −31 … 30; above 0 shifts left
}

const INT32_MAX = 2 ** 31 - 1;

/**
 * Writes a real scale as multiplier · 2^(shift − 31).
 * @throws RangeError outside [0, 2^30): a bug of the caller, whose checkQuant must refuse such scales by name
 */
export function quantizeMultiplier(scale: number): FixedPointScale {
  if (!(scale >= 0 && scale < 2 ** 30)) throw new RangeError(`scale ${scale} is not in [0, 2^30)`);
  if (scale === 0) return { multiplier: 0, shift: 0 };
  let shift = Math.max(Math.ceil(Math.log2(scale)), -1022); // log2 may be off by one at powers of two:
  while (scale * 2 ** -shift >= 1) shift++; //                 the two loops settle it, exactly
  while (scale * 2 ** -shift < 0.5) shift--;
  let multiplier = Math.round(scale * 2 ** -shift * 2 ** 31);
  if (multiplier === 2 ** 31) [multiplier, shift] = [2 ** 30, shift + 1]; // a fraction just below 1 rounded up
  return shift < -31 ? { multiplier: 0, shift: 0 } : { multiplier, shift }; // TFLite flushes to 0 there too
}

/** x · scale for an int32 x with |x| · 2^shift < 2^31, which every op's checkQuant proves. */
export function multiplyByQuantizedMultiplier(x: number, { multiplier, shift }: FixedPointScale): number {
  return shift > 0
    ? roundingDoublingHighMultiply(x * (1 << shift), multiplier)
    : roundingDivideByPowerOfTwo(roundingDoublingHighMultiply(x, multiplier), -shift);
}

/**
 * The multiplier of a layer with 16-bit activations, rounded to 15 bits: x · scale ≈ x · multiplier / 2^shift. TFLite
 * rounds it so that a product with a sum of 48 bits stays within int64.
 */
export interface ReducedScale {
  readonly multiplier: number; // 0, or 2^14 … 2^15 − 1
  readonly shift: number; // 8 … 46, to the right
}

/** @param scale below 2^7, as TFLite demands here; every op's checkQuant refuses larger ones */
export function reduceScale({ multiplier, shift }: FixedPointScale): ReducedScale {
  const reduced = multiplier < 0x7fff0000 ? (multiplier + 2 ** 15) >> 16 : 0x7fff;
  return { multiplier: reduced, shift: 15 - shift };
}

/** x · multiplier / 2^shift, rounded ONCE with ties up, for |x| < 2^47. */
export function multiplyByReducedMultiplier(x: number, { multiplier, shift }: ReducedScale): number {
  const half = 2 ** (shift - 1);
  if (Math.abs(x) < 2 ** 37) return Math.floor((x * multiplier + half) / 2 ** shift); // all exact: below 2^52 + 2^45
  return Number((BigInt(x) * BigInt(multiplier) + BigInt(half)) >> BigInt(shift));
}

/**
 * Saturating rounding doubling high multiply: a · b / 2^31 after a nudge of ±2^30 (the product's sign), truncated
 * towards zero; −2^31 · −2^31 saturates. gemmlowp, fixedpoint.h, as TFLite uses it.
 */
export function roundingDoublingHighMultiply(a: number, b: number): number {
  if (a === -(2 ** 31) && b === a) return INT32_MAX;
  // floor((a·b + 2^30) / 2^31) equals gemmlowp's nudge and truncation for both signs, ties included. A product takes
  // 62 bits and a double holds 53, so b goes in two halves of 16 bits.
  const high = b >> 16;
  const low = b & 0xffff;
  return Math.floor((a * high + Math.floor((a * low + 2 ** 30) / 2 ** 16)) / 2 ** 15);
}

/** x / 2^exponent for an int32 x and exponent 0 … 31, ties away from zero. */
export function roundingDivideByPowerOfTwo(x: number, exponent: number): number {
  const mask = ((1 << exponent) - 1) | 0; // 2^31 − 1 for 31 too; ** would cost more than all the rest
  const threshold = (mask >> 1) + (x < 0 ? 1 : 0);
  return (x >> exponent) + ((x & mask) > threshold ? 1 : 0);
}

/** C's roundf/round: ties away from zero. Math.round sends −0.5 to 0. */
export const roundHalfAway = (x: number): number => (x < 0 ? -Math.round(-x) : Math.round(x));

export const clamp = (x: number, min: number, max: number): number => Math.min(Math.max(x, min), max);
