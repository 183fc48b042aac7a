/** How much two models differ in accuracy over the same samples, and whether the samples suffice to say so. */
import { Z95 } from './interval.js';
import { type McNemar, mcNemar } from './mcnemar.js';

export type Verdict = 'better' | 'worse' | 'equal' | 'too few samples';

export interface AccuracyDifference extends McNemar {
  readonly n: number;
  readonly value: number; // accuracy of the second minus that of the first
  readonly low: number; // 95 % interval of it
  readonly high: number;
  readonly verdict: Verdict; // of the second
  readonly samplesNeeded: number | null; // about so many would tell, where n does not
}

/** A difference within one point either way counts as none: what a course calls "no loss", and a person would not notice. */
export const EQUAL_WITHIN = 0.01;
const SIGNIFICANT = 0.05;

/**
 * The interval is Bonett and Price's: Wald's with one sample added to each kind of disagreement, so that no disagreement
 * at all still leaves a width. D. Bonett, R. Price, "Adjusted Wald confidence interval for a difference of binomial
 * proportions based on paired data", J. Educational and Behavioral Statistics 37 (2012).
 * @param first whether the first model is right, by sample; @param second the same samples
 */
export function accuracyDifference(first: readonly boolean[], second: readonly boolean[]): AccuracyDifference {
  const test = mcNemar(first, second);
  const n = first.length;
  const [gained, lost] = [(test.onlySecond + 1) / (n + 2), (test.onlyFirst + 1) / (n + 2)];
  const centre = gained - lost;
  const half = Z95 * Math.sqrt((gained + lost - centre ** 2) / (n + 2));
  const value = n === 0 ? Number.NaN : (test.onlySecond - test.onlyFirst) / n;
  const [low, high] = [Math.max(-1, centre - half), Math.min(1, centre + half)];
  const verdict = verdictOf(test.p, value, low, high);
  return {
    ...test,
    n,
    value,
    low,
    high,
    verdict,
    samplesNeeded: verdict === 'too few samples' ? needed(centre, half, n) : null,
  };
}

function verdictOf(p: number, value: number, low: number, high: number): Verdict {
  if (p < SIGNIFICANT) return value > 0 ? 'better' : 'worse';
  return low >= -EQUAL_WITHIN && high <= EQUAL_WITHIN ? 'equal' : 'too few samples';
}

/**
 * The interval narrows with the root of n. If the share of each kind of disagreement stays as it is, about so many samples
 * either part it from zero or bring all of it within the point, whichever comes first.
 */
const needed = (centre: number, half: number, n: number): number =>
  Math.max(n + 1, Math.ceil(n * (half / Math.max(Math.abs(centre), EQUAL_WITHIN - Math.abs(centre))) ** 2));
