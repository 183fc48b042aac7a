import { describe, expect, it } from 'vitest';
import { proportion } from '../../../src/evaluate/interval.js';

/** R. G. Newcombe, "Two-sided confidence intervals for the single proportion", Stat. Med. 17 (1998), table I, method 3. */
const newcombe = [
  { hits: 81, n: 263, low: 0.2553, high: 0.3662 },
  { hits: 15, n: 148, low: 0.0624, high: 0.1605 },
  { hits: 0, n: 20, low: 0, high: 0.1611 },
  { hits: 1, n: 29, low: 0.0061, high: 0.1718 },
];

describe('the interval of a proportion', () => {
  it.each(newcombe)('is the published one for $hits of $n', ({ hits, n, low, high }) => {
    const p = proportion(hits, n);
    expect(p.low).toBeCloseTo(low, 4);
    expect(p.high).toBeCloseTo(high, 4);
    expect(p.value).toBe(hits / n);
  });

  it('says nothing for no samples', () => {
    expect(proportion(0, 0)).toMatchObject({ low: 0, high: 1 });
  });
});
