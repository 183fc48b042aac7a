import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { accuracyDifference } from '../../../src/evaluate/difference.js';

/** Answers with so many samples that only the first gets right, only the second, and so many in all. */
const answers = (onlyFirst: number, onlySecond: number, n: number) =>
  [
    Array.from({ length: n }, (_, i) => i < onlyFirst || i >= onlyFirst + onlySecond),
    Array.from({ length: n }, (_, i) => i >= onlyFirst),
  ] as const;

describe('the difference of two accuracies', () => {
  it('has Bonett and Price’s interval: the example that D. Bonett’s own R code states (CIpropWS(.05, 26, 4, 40))', () => {
    const { value, low, high } = accuracyDifference(...answers(4, 26, 40));
    expect(value).toBeCloseTo(22 / 40, 12);
    expect(low).toBeCloseTo(0.3126438, 7);
    expect(high).toBeCloseTo(0.7349752, 7);
  });

  it.each([
    { onlyFirst: 5, onlySecond: 30, n: 1000, verdict: 'better' },
    { onlyFirst: 30, onlySecond: 5, n: 1000, verdict: 'worse' },
    { onlyFirst: 3, onlySecond: 4, n: 2000, verdict: 'equal' },
    { onlyFirst: 3, onlySecond: 4, n: 200, verdict: 'too few samples' },
    { onlyFirst: 0, onlySecond: 5, n: 5, verdict: 'too few samples' }, // five of five: p = 0.0625
    { onlyFirst: 0, onlySecond: 0, n: 20, verdict: 'too few samples' }, // no disagreement seen is no proof of none
    { onlyFirst: 0, onlySecond: 0, n: 2000, verdict: 'equal' },
  ])('is $verdict for $onlyFirst : $onlySecond of $n', ({ onlyFirst, onlySecond, n, verdict }) => {
    const difference = accuracyDifference(...answers(onlyFirst, onlySecond, n));
    expect(difference).toMatchObject({ verdict, n, onlyFirst, onlySecond });
    if (verdict === 'too few samples') expect(difference.samplesNeeded).toBeGreaterThan(n);
    else expect(difference.samplesNeeded).toBeNull();
  });

  it('mirrors when the models change places, and no verdict comes without its samples', () => {
    const samples = fc.array(fc.tuple(fc.boolean(), fc.boolean()), { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(samples, (pairs) => {
        const [first, second] = [pairs.map(([a]) => a), pairs.map(([, b]) => b)];
        const [there, back] = [accuracyDifference(first, second), accuracyDifference(second, first)];
        expect(back.value).toBeCloseTo(-there.value, 12);
        expect(back.low).toBeCloseTo(-there.high, 12);
        expect(back.p).toBeCloseTo(there.p, 12);
        if (there.verdict === 'better') expect(there.value).toBeGreaterThan(0);
        if (there.verdict === 'equal') expect(Math.max(-there.low, there.high)).toBeLessThanOrEqual(0.01);
      }),
    );
  });
});
