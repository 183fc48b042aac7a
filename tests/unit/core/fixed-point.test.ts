/** The requantize against gemmlowp's definition in BigInt, where every product is exact. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  multiplyByQuantizedMultiplier,
  multiplyByReducedMultiplier,
  quantizeMultiplier,
  reduceScale,
  roundHalfAway,
  roundingDivideByPowerOfTwo,
  roundingDoublingHighMultiply,
} from '../../../src/core/fixed-point.js';

const int32 = fc.oneof(
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  fc.constantFrom(-(2 ** 31), 2 ** 31 - 1, -1, 0, 1, 2 ** 30, -(2 ** 30)),
);
const runs = { numRuns: 5000, seed: 1 };

function highMultiplyBigInt(a: number, b: number): number {
  if (a === b && a === -(2 ** 31)) return 2 ** 31 - 1;
  const product = BigInt(a) * BigInt(b);
  const nudged = product + (product >= 0n ? 2n ** 30n : 1n - 2n ** 30n);
  return Number(nudged / 2n ** 31n); // BigInt division truncates towards zero
}

function divideBigInt(x: number, exponent: number): number {
  if (exponent === 0) return x;
  const magnitude = (BigInt(Math.abs(x)) + 2n ** BigInt(exponent - 1)) >> BigInt(exponent);
  return Number(x < 0 ? -magnitude : magnitude);
}

describe('roundingDoublingHighMultiply', () => {
  it('is the definition for all int32', () =>
    fc.assert(
      fc.property(int32, int32, (a, b) => {
        expect(roundingDoublingHighMultiply(a, b) + 0).toBe(highMultiplyBigInt(a, b) + 0);
      }),
      runs,
    ));
  it('rounds its ties up and saturates once', () => {
    expect(roundingDoublingHighMultiply(1, 2 ** 30)).toBe(1); // +0.5
    expect(roundingDoublingHighMultiply(-1, 2 ** 30) + 0).toBe(0); // −0.5
    expect(roundingDoublingHighMultiply(-(2 ** 31), -(2 ** 31))).toBe(2 ** 31 - 1);
  });
});

describe('roundingDivideByPowerOfTwo', () => {
  it('rounds ties away from zero for all int32 and exponents', () =>
    fc.assert(
      fc.property(int32, fc.integer({ min: 0, max: 31 }), (x, exponent) => {
        expect(roundingDivideByPowerOfTwo(x, exponent) + 0).toBe(divideBigInt(x, exponent) + 0);
      }),
      runs,
    ));
  it.each([
    [3, 1, 2],
    [-3, 1, -2],
    [1, 1, 1],
    [-1, 1, -1],
    [5, 0, 5],
    [2 ** 31 - 1, 31, 1],
    [-(2 ** 31), 31, -1],
    [2 ** 30 - 1, 31, 0],
  ])('%i / 2^%i = %i', (x, exponent, expected) => expect(roundingDivideByPowerOfTwo(x, exponent)).toBe(expected));
});

describe('quantizeMultiplier', () => {
  it('is within half a unit of the last of 31 bits', () =>
    fc.assert(
      fc.property(fc.double({ min: 2 ** -30, max: 2 ** 29, noNaN: true }), (scale) => {
        const { multiplier, shift } = quantizeMultiplier(scale);
        expect(multiplier).toBeGreaterThanOrEqual(2 ** 30);
        expect(multiplier).toBeLessThan(2 ** 31);
        expect(Math.abs(multiplier * 2 ** (shift - 31) - scale)).toBeLessThanOrEqual(2 ** (shift - 32));
      }),
      runs,
    ));
  it.each([
    [0, 0, 0],
    [0.5, 2 ** 30, 0],
    [1, 2 ** 30, 1],
    [1 - 2 ** -40, 2 ** 30, 1], // the fraction rounds up to 1
    [2 ** 20, 2 ** 30, 21],
    [2 ** -32, 2 ** 30, -31],
    [2 ** -33, 0, 0], // flushed
    [Number.MIN_VALUE, 0, 0],
  ])('%d = %d · 2^(%d − 31)', (scale, multiplier, shift) =>
    expect(quantizeMultiplier(scale)).toEqual({ multiplier, shift }),
  );
  it.each([-1, NaN, 2 ** 30, Infinity])('refuses %d', (scale) =>
    expect(() => quantizeMultiplier(scale)).toThrow(RangeError),
  );
});

describe('multiplyByQuantizedMultiplier', () => {
  it('shifts left first, right last, and rounds twice', () =>
    fc.assert(
      fc.property(
        fc.integer({ min: -(2 ** 20), max: 2 ** 20 }),
        fc.integer({ min: 2 ** 30, max: 2 ** 31 - 1 }),
        fc.integer({ min: -31, max: 10 }),
        (x, multiplier, shift) => {
          const high = highMultiplyBigInt(x * 2 ** Math.max(shift, 0), multiplier);
          expect(multiplyByQuantizedMultiplier(x, { multiplier, shift }) + 0).toBe(
            divideBigInt(high, Math.max(-shift, 0)) + 0,
          );
        },
      ),
      runs,
    ));
  it('gives what single rounding would not', () =>
    expect(multiplyByQuantizedMultiplier(5, { multiplier: 1181116006, shift: -1 })).toBe(2)); // 5 · 0.275 = 1.375
});

describe('roundHalfAway', () => {
  it.each([
    [0.5, 1],
    [-0.5, -1],
    [2.5, 3],
    [-2.5, -3],
    [0.4, 0],
  ])('%d → %d', (x, expected) => expect(roundHalfAway(x)).toBe(expected));
});

describe('multiplyByReducedMultiplier', () => {
  const int48 = fc.oneof(
    fc.integer({ min: 1 - 2 ** 47, max: 2 ** 47 - 1 }),
    fc.integer({ min: -(2 ** 22), max: 2 ** 22 }),
    fc.constantFrom(1 - 2 ** 47, 2 ** 47 - 1, 2 ** 37, 2 ** 37 - 1, -(2 ** 37), 1 - 2 ** 37, 0, -1),
  );
  it("is TFLite's definition for all sums of 48 bits", () =>
    fc.assert(
      fc.property(int48, fc.double({ min: 2 ** -31, max: 127, noNaN: true }), (x, scale) => {
        const { multiplier, shift } = quantizeMultiplier(scale);
        const reduced = multiplier < 0x7fff0000 ? (BigInt(multiplier) + 2n ** 15n) >> 16n : 0x7fffn;
        const total = BigInt(15 - shift);
        const expected = (BigInt(x) * reduced + (1n << (total - 1n))) >> total;
        expect(multiplyByReducedMultiplier(x, reduceScale({ multiplier, shift }))).toBe(Number(expected));
      }),
      runs,
    ));
  it('rounds ties up, once, and keeps a multiplier near 1 within 15 bits', () => {
    const half = reduceScale(quantizeMultiplier(0.5));
    expect([multiplyByReducedMultiplier(3, half), multiplyByReducedMultiplier(-3, half)]).toEqual([2, -1]);
    expect(reduceScale({ multiplier: 2 ** 31 - 1, shift: 0 })).toEqual({ multiplier: 0x7fff, shift: 15 });
    expect(reduceScale({ multiplier: 0x7ffeffff, shift: 7 })).toEqual({ multiplier: 0x7fff, shift: 8 });
  });
});
