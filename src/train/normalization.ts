/**
 * Batch normalization put back into a graph for training. Importing folds it into the convolution before; here the
 * convolution gets it again: gain and offset start from what the layer's sums look like over some samples, so that the
 * graph computes what it did, and afterwards all is folded once more.
 */
import type * as tf from '@tensorflow/tfjs';
import type { Tensor } from '../core/tensor.js';
import { type BatchStatistics, batchNorm, statisticsOf, VARIANCE_FLOOR } from './kernels/batch-norm.js';
import type { TF } from './kernels/heap.js';
import { type Parameter, parameterOf } from './parameter.js';
import { biasLayout } from './weight-layout.js';

/** train: by the batch, moving averages follow · infer: by the moving averages · observe: take over what is seen. */
export type NormMode = 'train' | 'infer' | 'observe';

export interface Norm {
  readonly parameters: readonly Parameter[];
  readonly averages: readonly Float32Array[]; // moving mean and variance, one value per channel: state beside the parameters
  /** @param sums of the convolution, without bias */
  apply(sums: tf.Tensor, mode: NormMode): tf.Tensor;
  /** What folding multiplies the weights of each channel by, and the bias that comes out. */
  folded(): { readonly factor: Float32Array; readonly bias: Float32Array };
  dispose(): void;
}

// What each batch leaves of the moving averages. 20 batches of 32 decide: an epoch of 1,000 samples is enough.
const MEMORY = 0.95;

/** @param bias of the convolution, as folded; becomes part of the offset */
export function normOf(lib: TF, bias: Tensor): Norm {
  const channels = bias.data!.length;
  const vector = (name: string, data: Float32Array): Parameter =>
    parameterOf(lib, { name, shape: [channels], dtype: 'float32', data }, biasLayout([channels]));
  let gain = vector(`${bias.name}/gain`, new Float32Array(channels).fill(1));
  let offset = vector(`${bias.name}/offset`, Float32Array.from(bias.data!));
  const [mean, variance] = [new Float32Array(channels), new Float32Array(channels).fill(1 - VARIANCE_FLOOR)];

  const folded = () => {
    const [gains, offsets] = [gain.data(), offset.data()];
    const factor = gains.map((g, c) => g / Math.sqrt(variance[c]! + VARIANCE_FLOOR));
    return { factor, bias: offsets.map((o, c) => o - mean[c]! * factor[c]!) };
  };
  const applyFolded = (sums: tf.Tensor): tf.Tensor => {
    const { factor, bias: addend } = folded();
    return lib.add(lib.mul(sums, lib.tensor1d(factor)), lib.tensor1d(addend));
  };
  const follow = (seen: BatchStatistics): void => {
    for (let c = 0; c < channels; c++) {
      mean[c] = MEMORY * mean[c]! + (1 - MEMORY) * seen.mean[c]!;
      variance[c] = MEMORY * variance[c]! + (1 - MEMORY) * seen.variance[c]!;
    }
  };
  const takeOver = (seen: BatchStatistics): void => {
    const before = folded();
    mean.set(seen.mean);
    variance.set(seen.variance);
    const gains = before.factor.map((f, c) => f * Math.sqrt(variance[c]! + VARIANCE_FLOOR));
    const offsets = before.bias.map((b, c) => b + mean[c]! * before.factor[c]!);
    for (const parameter of [gain, offset]) parameter.dispose();
    [gain, offset] = [vector(`${bias.name}/gain`, gains), vector(`${bias.name}/offset`, offsets)];
  };

  return {
    get parameters() {
      return [gain, offset];
    },
    averages: [mean, variance],
    apply(sums, mode) {
      if (mode === 'train') return batchNorm(lib, sums, gain.value(), offset.value(), follow);
      if (mode === 'observe') takeOver(statisticsOf(sums.dataSync<'float32'>(), channels));
      return applyFolded(sums);
    },
    folded,
    dispose() {
      for (const parameter of [gain, offset]) parameter.dispose();
    },
  };
}
