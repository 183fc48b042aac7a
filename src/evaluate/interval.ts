/** How sure an accuracy is. A figure without its n and its interval invites wrong conclusions. */

export interface Proportion {
  readonly hits: number;
  readonly n: number;
  readonly value: number; // hits / n; NaN for n = 0
  readonly low: number; // 95 % Wilson score interval
  readonly high: number;
}

export const Z95 = 1.959963984540054; // the 97.5th percentile of the standard normal distribution

/**
 * The Wilson score interval at 95 %: unlike hits ± 2σ it stays inside [0, 1] and is right for small n and rare misses.
 * E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
 */
export function proportion(hits: number, n: number): Proportion {
  if (n === 0) return { hits, n, value: Number.NaN, low: 0, high: 1 };
  const p = hits / n;
  const z2 = Z95 ** 2;
  const centre = (p + z2 / (2 * n)) / (1 + z2 / n);
  const half = (Z95 / (1 + z2 / n)) * Math.sqrt((p * (1 - p)) / n + z2 / (4 * n * n));
  return { hits, n, value: p, low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}
