/** How sure a median is, of values that follow no law: latencies have long tails, and a mean ± 2σ would claim too much. */

export interface Interval {
  readonly low: number;
  readonly high: number;
}

const CONFIDENCE = 0.95;

/**
 * The 95 % interval of the median between two of the values themselves: as many lie below the true median as heads fall in
 * n tosses. H. A. David, H. N. Nagaraja, "Order Statistics", 3rd ed., 7.1.
 * @param values finite, in any order
 * @returns null for fewer than 6, of which even the least and the greatest enclose it with less confidence
 */
export function medianInterval(values: readonly number[]): Interval | null {
  const sorted = [...values].sort((a, b) => a - b);
  const n = sorted.length;
  const leftOut = (1 - CONFIDENCE) / 2; // on each side
  let logChance = -n * Math.LN2; // of `below` heads
  let sum = 0;
  let below = 0;
  for (; ; below++) {
    sum += Math.exp(logChance);
    if (sum > leftOut) break;
    logChance += Math.log((n - below) / (below + 1));
  }
  return below === 0 ? null : { low: sorted[below - 1]!, high: sorted[n - below]! };
}
