/**
 * Calibrators: what was seen of a tensor → the range that int8 shall span. A narrower range than all that was seen has
 * finer steps and clips the outliers; how much to clip is what they differ in.
 */
import type { Histogram } from './histogram.js';
import { asymmetricQuant, type Range } from './scales.js';

/** Share of all values, in per cent, that lies within each end of the range. */
export function percentileRange(histogram: Histogram, range: Range, percentile: number): Range {
  const { width, first, counts, zeros } = histogram;
  const bins = counts.map((count, i) => ({ low: (first + i) * width, high: (first + i + 1) * width, count }));
  if (zeros > 0) bins.push({ low: 0, high: 0, count: zeros });
  bins.sort((a, b) => a.low - b.low || a.high - b.high);
  const outside = bins.reduce((sum, { count }) => sum + count, 0) * (1 - percentile / 100);
  const upper = [...bins].reverse();
  return {
    min: Math.max(range.min, bins[firstBeyond(bins, outside)]?.low ?? range.min),
    max: Math.min(range.max, upper[firstBeyond(upper, outside)]?.high ?? range.max),
  };
}

/** The first bin with which more than `allowed` values have gone by. */
function firstBeyond(bins: readonly { readonly count: number }[], allowed: number): number {
  let passed = 0;
  return bins.findIndex(({ count }) => (passed += count) > allowed);
}

const searchSteps = 128;

/** The range of the least mean squared error: both ends are moved inwards in turn, each to its best place. */
export function mseRange(histogram: Histogram, range: Range): Range {
  let best: Range = { min: Math.min(range.min, 0), max: Math.max(range.max, 0) };
  let least = squaredError(histogram, best);
  const whole = best;
  const attempt = (candidate: Range): void => {
    const error = squaredError(histogram, candidate);
    if (error < least) [least, best] = [error, candidate];
  };
  for (let round = 0; round < 2; round++) {
    for (const end of ['max', 'min'] as const) {
      if (whole[end] === 0) continue;
      const fixed = best;
      for (let k = 1; k < searchSteps; k++) attempt({ ...fixed, [end]: (whole[end] * k) / searchSteps });
    }
  }
  return best;
}

/** Σ (x − int8(x))², every bin standing at its middle; exact zeros cost nothing. */
export function squaredError({ width, first, counts }: Histogram, range: Range): number {
  const { scale, zeroPoint } = asymmetricQuant(range);
  const [step, zero] = [scale[0]!, zeroPoint[0]!];
  let sum = 0;
  for (let i = 0; i < counts.length; i++) {
    if (counts[i] === 0) continue;
    const value = (first + i + 0.5) * width;
    const q = Math.min(127, Math.max(-128, Math.round(value / step) + zero));
    sum += counts[i]! * (value - step * (q - zero)) ** 2;
  }
  return sum;
}

const levels = 256;

/**
 * The threshold on |x| where the values, clipped and cut into 256 levels, lose least information: the smallest
 * Kullback–Leibler divergence between what was seen and what int8 can tell apart, as in TensorRT's calibrator.
 */
export function entropyRange(histogram: Histogram, range: Range): Range {
  const { width, first, counts } = histogram;
  const reach = Math.max(-first, first + counts.length);
  let best = range;
  let least = Infinity;
  for (let threshold = reach; threshold >= levels / 2; threshold -= Math.max(1, Math.floor(reach / levels))) {
    const [from, to] = [Math.max(0, -threshold - first), Math.min(counts.length, threshold - first)];
    if (to - from < levels) break; // fewer bins than levels: nothing would be merged, so nothing lost
    const loss = divergence(counts, from, to);
    if (loss < least) {
      least = loss;
      best = { min: Math.max(range.min, -threshold * width), max: Math.min(range.max, threshold * width) };
    }
  }
  return best;
}

/** Of counts[from … to), with what lies outside added to the end bins, from the same without, in 256 levels. */
export function divergence(counts: readonly number[], from: number, to: number): number {
  let [below, above, inside] = [0, 0, 0];
  counts.forEach((count, i) => {
    if (i < from) below += count;
    else if (i >= to) above += count;
    else inside += count;
  });
  const total = below + inside + above;
  if (inside === 0) return Infinity;
  let sum = 0;
  for (let level = 0; level < levels; level++) {
    const [begin, end] = [level, level + 1].map((k) => from + Math.round((k * (to - from)) / levels));
    let [count, occupied] = [0, 0];
    for (let i = begin!; i < end!; i++) {
      count += counts[i]!;
      if (reference(i) > 0) occupied++;
    }
    for (let i = begin!; i < end!; i++) {
      const p = reference(i) / total;
      if (p === 0) continue;
      const q = Math.max(count / occupied / inside, 1e-12); // an end bin may hold nothing but what was clipped
      sum += p * Math.log(p / q);
    }
  }
  return sum;

  function reference(i: number): number {
    return counts[i]! + (i === from ? below : 0) + (i === to - 1 ? above : 0);
  }
}
