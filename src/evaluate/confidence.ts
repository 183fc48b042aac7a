/** Whether a model is as right as it claims to be. */

const BINS = 15; // as in the paper

/**
 * Expected calibration error: samples in bins of equal width by confidence (the largest probability), the gap between
 * mean confidence and accuracy in each, weighted by its samples. C. Guo et al., "On calibration of modern neural
 * networks", ICML 2017.
 * @param probabilities of every class, by sample
 * @returns 0 … 1; null for no samples
 */
export function expectedCalibrationError(
  probabilities: readonly ArrayLike<number>[],
  right: readonly boolean[],
  bins = BINS,
): number | null {
  if (probabilities.length === 0) return null;
  const [confidence, hits] = [new Float64Array(bins), new Float64Array(bins)];
  for (const [i, each] of probabilities.entries()) {
    const largest = Math.max(...Array.from(each));
    const bin = Math.min(bins - 1, Math.max(0, Math.ceil(largest * bins) - 1)); // (k/bins, (k+1)/bins]
    confidence[bin]! += largest;
    if (right[i]) hits[bin]!++;
  }
  let gap = 0;
  for (let bin = 0; bin < bins; bin++) gap += Math.abs(confidence[bin]! - hits[bin]!);
  return gap / probabilities.length;
}

/**
 * A model's outputs as probabilities: as they are where each lies in 0 … 1 and they sum to 1, give or take int8 steps;
 * otherwise they are logits, and softmax makes probabilities of them.
 */
export function probabilitiesOf(outputs: readonly Float32Array[]): readonly Float32Array[] {
  const areProbabilities = outputs.every((output) => {
    const sum = output.reduce((total, value) => total + value, 0);
    return output.every((value) => value >= -TOLERANCE && value <= 1 + TOLERANCE) && Math.abs(sum - 1) <= 0.05;
  });
  return areProbabilities ? outputs : outputs.map(softmax);
}

const TOLERANCE = 1e-3;

function softmax(logits: Float32Array): Float32Array {
  const largest = Math.max(...logits);
  const powers = logits.map((x) => Math.exp(x - largest));
  const sum = powers.reduce((total, value) => total + value, 0);
  return powers.map((value) => value / sum);
}
