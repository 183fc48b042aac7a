/** Many latencies in a few figures. */
import type { Latency } from '../core/reading.js';

export interface LatencySummary {
  readonly unit: Latency['unit'];
  readonly n: number;
  readonly min: number;
  readonly median: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/** @returns null for none; units are never mixed, for one port has one origin */
export function summarizeLatencies(latencies: readonly Latency[]): LatencySummary | null {
  const [first] = latencies;
  if (!first) return null;
  const sorted = latencies.map(({ value }) => value).sort((a, b) => a - b);
  const last = sorted.length - 1;
  return {
    unit: first.unit,
    n: sorted.length,
    min: sorted[0]!,
    median: (sorted[Math.floor(last / 2)]! + sorted[Math.ceil(last / 2)]!) / 2,
    p90: nearestRank(sorted, 0.9),
    p99: nearestRank(sorted, 0.99),
    max: sorted[last]!,
  };
}

/** The smallest value that at least this share of all does not exceed. */
const nearestRank = (sorted: readonly number[], share: number): number =>
  sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
