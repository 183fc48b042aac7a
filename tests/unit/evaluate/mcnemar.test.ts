import { describe, expect, it } from 'vitest';
import { mcNemar } from '../../../src/evaluate/mcnemar.js';

/** Answers with so many samples of each kind: both right, only the first, only the second, both wrong. */
const answers = (both: number, onlyFirst: number, onlySecond: number, neither: number) => {
  const fill = (...counts: [boolean, number][]) =>
    counts.flatMap(([value, count]) => new Array<boolean>(count).fill(value));
  return [
    fill([true, both + onlyFirst], [false, onlySecond + neither]),
    fill([true, both], [false, onlyFirst], [true, onlySecond], [false, neither]),
  ] as const;
};

describe('McNemar', () => {
  // p: scipy.stats.binomtest(min, n, 0.5).pvalue of scipy 1.17.1
  it.each([
    [5, 15, 0.04138946533203125],
    [0, 6, 0.03125],
    [7, 7, 1],
    [0, 0, 1],
    [40, 62, 0.037066767438560584],
    [900, 1000, 0.023108845108901193],
  ])('%i against %i is what scipy says', (a, b, p) => {
    for (const [x, y] of [
      [a, b],
      [b, a],
    ] as const) {
      const result = mcNemar(...answers(30, x, y, 4));
      expect(result).toMatchObject({ onlyFirst: x, onlySecond: y });
      expect(result.p).toBeCloseTo(p, 10);
    }
  });

  it('needs the same samples', () => {
    expect(() => mcNemar([true], [true, false])).toThrow(/pair/);
  });
});
