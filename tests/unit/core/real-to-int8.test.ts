import { describe, expect, it } from 'vitest';
import { preprocessValue, quantizeValue } from '../../../src/core/real-to-int8.js';

describe('quantizeValue', () => {
  it('rounds ties away from zero, before the zero_point is added', () => {
    expect([0.5, -0.5, 1.5, -1.5, 0.49999997, -0.49999997].map((x) => quantizeValue(x, 1, 3))).toEqual([
      4, 2, 5, 1, 3, 3,
    ]);
  });
  it('saturates, infinities included, and takes NaN for zero', () => {
    expect([1e9, -1e9, Infinity, -Infinity, NaN].map((x) => quantizeValue(x, 0.1, -5))).toEqual([
      127, -128, 127, -128, -5,
    ]);
  });
  it('never gives −0', () => expect(Object.is(quantizeValue(-0.1, 1, 0), 0)).toBe(true));
  it('divides in float32', () => {
    // In doubles this quotient lies just below 2.5, in float32 it is 2.5.
    const [x, scale] = [Math.fround(0.25), Math.fround(0.1)];
    expect(x / scale).toBeLessThan(2.5);
    expect(quantizeValue(x, scale, 0)).toBe(3);
  });
  it('takes other ranges', () => expect(quantizeValue(1e6, 1, 0, [-32768, 32767])).toBe(32767));
});

describe('preprocessValue', () => {
  it('rounds product and sum to float32 each', () => {
    const scale = [Math.fround(1 / 255)];
    expect(preprocessValue(77, { scale, offset: [-0.5] }, 0)).toBe(
      Math.fround(Math.fround(77 * Math.fround(1 / 255)) - 0.5),
    );
  });
  it('uses one entry for all channels, or one each', () => {
    expect(preprocessValue(2, { scale: [10], offset: [1, 2, 3] }, 2)).toBe(23);
  });
});
