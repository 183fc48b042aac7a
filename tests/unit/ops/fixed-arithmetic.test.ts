/**
 * Own cases for what hardly any golden byte shows: the precision in which TFLite derives a multiplier (a result on the
 * edge between two bytes tells), and the accuracy of gemmlowp's functions below the eighth bit.
 */
import { describe, expect, it } from 'vitest';
import type { Tensor, TypedArray } from '../../../src/core/tensor.js';
import {
  expOnNegativeValues,
  logisticFixedPoint,
  reciprocalOfOnePlus,
  tanhFixedPoint,
} from '../../../src/ops/exponential.js';
import { graphOf, int8Tensor, referenceOf } from './random-ops.js';

const run = (
  op: string,
  operands: readonly Tensor[],
  attrs: object,
  scale: number,
  ...values: number[][]
): TypedArray =>
  referenceOf(
    graphOf(op, operands, { ...attrs }, { scale, zeroPoint: 0 }),
    values.map((row) => Int8Array.from(row)),
  )[0]!;
const x = (scale: number, name = 'x'): Tensor => int8Tensor(name, [1, 1], scale, 0);

describe('multipliers on the edge', () => {
  // 0.21f / 0.14f is 1.49999995 in double and 1.5 in float32; the tie then goes away from zero.
  it('relu divides in float32', () => expect([...run('relu', [x(0.21)], {}, 0.14, [1])]).toEqual([2]));

  it('leaky_relu divides in float32', () =>
    expect([...run('leaky_relu', [x(0.21)], { alpha: 0.1 }, 0.14, [1])]).toEqual([2]));

  // (0 ± 30) · 0.01f / 0.2f is ±1.49999994: add keeps double and sub float32, and the double rounding parts them.
  it('add divides in double, sub in float32', () => {
    const operands = [x(0.01, 'a'), x(0.01, 'b')];
    expect([...run('add', operands, { activation: 'none' }, 0.2, [0], [30])]).toEqual([2]);
    expect([...run('sub', operands, { activation: 'none' }, 0.2, [0], [30])]).toEqual([-1]);
  });
});

/** The largest distance from the real function, in units of 2^-31, over a grid of its arguments. */
function largestError(
  fixed: (a: number) => number,
  real: (x: number) => number,
  one: number,
  from: number,
  to: number,
) {
  const steps = 4001;
  const errors = Array.from({ length: steps }, (_, i) => {
    const a = Math.round((from + ((to - from) * i) / (steps - 1)) * one);
    return Math.abs(fixed(a) - real(a / one) * 2 ** 31);
  });
  return Math.max(...errors);
}

describe('functions in fixed point stay within the error of their last steps', () => {
  const cases = {
    exp: [(a: number) => expOnNegativeValues(a, 5), Math.exp, 2 ** 26, -31, 0],
    reciprocal: [reciprocalOfOnePlus, (v: number) => 1 / (1 + v), 2 ** 31, 0, 0.999],
    logistic: [logisticFixedPoint, (v: number) => 1 / (1 + Math.exp(-v)), 2 ** 27, -15, 15],
    tanh: [tanhFixedPoint, Math.tanh, 2 ** 27, -15, 15],
  } as const;
  // Measured: exp 436.5 (its series ends at x^4), reciprocal 6.3, logistic 133.2, tanh 261.1. A Newton step or a term less
  // makes it thousands.
  const bounds = { exp: 437, reciprocal: 7, logistic: 134, tanh: 262 };
  for (const [name, [fixed, real, one, from, to]] of Object.entries(cases))
    it(name, () => expect(largestError(fixed, real, one, from, to)).toBeLessThan(bounds[name as keyof typeof bounds]));
});
