/** What a change of a model does to its accuracy, over the same samples: paired, so that few samples tell more. */
import type { Dataset } from '../core/dataset.js';

export interface AccuracyLoss {
  readonly n: number;
  readonly lost: number; // samples that were right before and are wrong after
  readonly gained: number;
  readonly points: number; // percentage points of accuracy that went; negative where accuracy rose
  readonly low: number; // 95 % interval of the points
  readonly high: number;
}

const Z95 = 1.959963984540054;

/**
 * Only samples on which the two disagree move the difference: its variance is (lost + gained − (lost − gained)² / n) / n².
 * @param before and after: predicted classes of the samples at `indices`, in that order
 */
export function accuracyLoss(
  before: ArrayLike<number>,
  after: ArrayLike<number>,
  dataset: Dataset,
  indices: readonly number[],
): AccuracyLoss {
  let [n, lost, gained] = [0, 0, 0];
  for (const [k, index] of indices.entries()) {
    const wanted = dataset.classOf(index);
    if (wanted === undefined) continue;
    n++;
    if (before[k] === wanted && after[k] !== wanted) lost++;
    if (before[k] !== wanted && after[k] === wanted) gained++;
  }
  const difference = lost - gained;
  const half = n > 0 ? (Z95 * Math.sqrt(lost + gained - difference ** 2 / n)) / n : 1;
  const points = n > 0 ? (100 * difference) / n : 0;
  return { n, lost, gained, points, low: points - 100 * half, high: points + 100 * half };
}
