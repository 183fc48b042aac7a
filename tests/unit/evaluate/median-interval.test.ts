import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../src/core/seeded-random.js';
import { medianInterval } from '../../../src/evaluate/median-interval.js';

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

describe('the interval of a median', () => {
  it('lies between the ranks of the tables for a sign test at 95 %', () => {
    // W. J. Conover, Practical Nonparametric Statistics, table of the binomial distribution for p = 0.5.
    for (const [n, low, high] of [
      [6, 1, 6],
      [9, 2, 8],
      [10, 2, 9],
      [15, 4, 12],
      [20, 6, 15],
      [25, 8, 18],
      [100, 40, 61],
    ] as const)
      expect(medianInterval(upTo(n)), `${n} values`).toEqual({ low, high });
  });

  it('is none for a few values, and narrow for very many', () => {
    for (const n of [1, 2, 5]) expect(medianInterval(upTo(n))).toBeNull();
    const { low, high } = medianInterval(upTo(10_000))!;
    expect([low, high]).toEqual([4902, 5099]); // 5000.5 ± 1.96 √10,000 / 2
  });

  it('holds the true median of a lopsided law in 95 of 100 cases or more', () => {
    const random = seededRandom(7);
    let held = 0;
    for (let trial = 0; trial < 2000; trial++) {
      const { low, high } = medianInterval(Array.from({ length: 30 }, () => -Math.log(1 - random())))!;
      if (low <= Math.LN2 && Math.LN2 <= high) held++;
    }
    expect(held / 2000).toBeGreaterThan(0.945);
    expect(held / 2000).toBeLessThan(0.985);
  });

  it('does not mind the order, and encloses the median', () =>
    fc.assert(
      fc.property(fc.array(fc.integer(), { minLength: 6, maxLength: 40 }), (values) => {
        const sorted = [...values].sort((a, b) => a - b);
        const { low, high } = medianInterval(values)!;
        expect(medianInterval(sorted)).toEqual({ low, high });
        expect(low).toBeLessThanOrEqual(sorted[Math.floor(values.length / 2)]!);
        expect(high).toBeGreaterThanOrEqual(sorted[Math.floor((values.length - 1) / 2)]!);
      }),
    ));
});
