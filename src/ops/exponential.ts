/**
 * exp, 1/(1+x), logistic and tanh in 32-bit fixed point, bit for bit as gemmlowp's fixedpoint.h computes them, which
 * TFLite's int8 kernels use. "Qm" below has m integer bits and 31 − m fractional ones. All values are int32.
 */
import { clamp, roundingDoublingHighMultiply as multiply, roundingDivideByPowerOfTwo } from '../core/fixed-point.js';

const INT32_MAX = 2 ** 31 - 1; // the 1 of Q0
const ONE_Q2 = 2 ** 29;

const saturate = (x: number): number => clamp(x, -(2 ** 31), INT32_MAX);

/** e^(−1/4 · 2^k) in Q0, for the bits of a Q5 argument from 1/4 up: the result is their product. */
const EXP_OF_MINUS_POWER: readonly (readonly [exponent: number, factor: number])[] = [
  [-2, 1672461947],
  [-1, 1302514674],
  [0, 790015084],
  [1, 290630308],
  [2, 39332535],
  [3, 720401],
  [4, 242],
];

/** e^a in Q0 for a ≤ 0 in Q(integerBits), 4 or 5. e^0 is INT32_MAX. */
export function expOnNegativeValues(a: number, integerBits: 4 | 5): number {
  if (a === 0) return INT32_MAX;
  const fractionalBits = 31 - integerBits;
  const quarter = 2 ** (fractionalBits - 2);
  const withinQuarter = (a & (quarter - 1)) - quarter; // in [−1/4, 0)
  const remainder = withinQuarter - a;
  let result = expBelowOneQuarter(withinQuarter * 2 ** integerBits);
  for (const [exponent, factor] of EXP_OF_MINUS_POWER)
    if (integerBits > exponent && remainder & (2 ** (fractionalBits + exponent))) result = multiply(result, factor);
  return result;
}

/** e^a in Q0 for a in [−1/4, 0) in Q0: Taylor's series about −1/8. */
function expBelowOneQuarter(a: number): number {
  const expOfMinusEighth = 1895147668;
  const third = 715827883;
  const x = a + 2 ** 28;
  const x2 = multiply(x, x);
  const x3 = multiply(x2, x);
  const x4Quarter = roundingDivideByPowerOfTwo(multiply(x2, x2), 2);
  const higher = roundingDivideByPowerOfTwo(multiply(x4Quarter + x3, third) + x2, 1); // x²/2 + x³/6 + x⁴/24
  return expOfMinusEighth + multiply(expOfMinusEighth, x + higher);
}

/** 2 / (1 + a) in Q2 for a in [0, 1) in Q0, by three Newton steps from 48/17 − 32/17 · d. */
function twiceReciprocalOfOnePlus(a: number): number {
  const halfDenominator = Math.floor((a + INT32_MAX + 1) / 2);
  let x = 1515870810 + multiply(halfDenominator, -1010580540);
  for (let step = 0; step < 3; step++) x += saturate(multiply(x, ONE_Q2 - multiply(halfDenominator, x)) * 4); // Q4 back to Q2
  return x;
}

/** 1 / (1 + a) in Q0 for a in [0, 1) in Q0. */
export const reciprocalOfOnePlus = (a: number): number => saturate(twiceReciprocalOfOnePlus(a) * 2);

/** logistic(a) in Q0 for a in Q4. */
export function logisticFixedPoint(a: number): number {
  if (a === 0) return 2 ** 30;
  const ofPositive = reciprocalOfOnePlus(expOnNegativeValues(-Math.abs(a), 4));
  return a > 0 ? ofPositive : INT32_MAX - ofPositive;
}

/** tanh(a) in Q0 for a in Q4: (1 − e) / (1 + e) with e = exp(−2|a|). The same bits read as Q5 are 2a. */
export function tanhFixedPoint(a: number): number {
  if (a === 0) return 0;
  const e = expOnNegativeValues(-Math.abs(a), 5);
  const ofPositive = saturate((twiceReciprocalOfOnePlus(e) - ONE_Q2) * 4);
  return a > 0 ? ofPositive : -ofPositive;
}

/**
 * The largest |q − zero_point| whose argument still fits into Q(integerBits); what lies beyond is the function's limit.
 * @param shift of the multiplier that takes q − zero_point to Q(integerBits), 0 … 30
 */
export const inputRadius = (integerBits: number, shift: number): number =>
  Math.floor(((2 ** integerBits - 1) * 2 ** (31 - integerBits)) / 2 ** shift);
