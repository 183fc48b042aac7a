/**
 * Weights that take their values from a small codebook: value = centroids[assignment]. The gradient of a centroid is the
 * sum over the weights that it stands for, so that training moves the codebook and never leaves it.
 */
import type * as tf from '@tensorflow/tfjs';
import type { TF } from './heap.js';
import { onValues, withGradient } from './on-values.js';

/** @param assignments one index into `centroids` per weight */
export function lookedUp(lib: TF, centroids: tf.Tensor, assignments: Uint8Array, shape: readonly number[]): tf.Tensor {
  return withGradient(
    lib,
    [centroids],
    (operands) =>
      onValues(lib, operands, [shape], ([from], [to]) => {
        for (let i = 0; i < to!.length; i++) to![i] = from![assignments[i]!]!;
      })[0]!,
    (dy) =>
      onValues(lib, [dy], [centroids.shape], ([from], [to]) => {
        const sums = new Float64Array(to!.length);
        for (let i = 0; i < from!.length; i++) sums[assignments[i]!]! += from![i]!;
        to!.set(sums);
      }),
  );
}
