/**
 * Batch normalization with the statistics of the batch, and its gradient, in three passes over the values; channels are
 * the last axis. y = gain · (x − mean) / √(variance + ε) + offset.
 */
import type * as tf from '@tensorflow/tfjs';
import type { TF } from './heap.js';
import { onValues, type Values, withGradient } from './on-values.js';

/** ε, as Keras has it. */
export const VARIANCE_FLOOR = 1e-3;

export interface BatchStatistics {
  readonly mean: Float64Array; // one per channel
  readonly variance: Float64Array;
}

/**
 * @param x any shape that ends in channels
 * @param gain [channels]
 * @param offset [channels]
 * @param seen called with the batch's statistics while the forward pass runs
 */
export function batchNorm(
  lib: TF,
  x: tf.Tensor,
  gain: tf.Tensor,
  offset: tf.Tensor,
  seen: (statistics: BatchStatistics) => void,
): tf.Tensor {
  let statistics: BatchStatistics;
  return withGradient(
    lib,
    [x, gain, offset],
    (operands) => {
      const [y] = onValues(lib, operands, [x.shape], ([xs, gains, offsets], [ys]) => {
        statistics = statisticsOf(xs!, gains!.length);
        normalize(xs!, ys!, statistics, gains!, offsets!);
      });
      seen(statistics);
      return y!;
    },
    (dy, [input, factor]) =>
      onValues(lib, [dy, input!, factor!], [x.shape, gain.shape, offset.shape], ([dys, xs, gains], outputs) =>
        gradients(dys!, xs!, gains!, statistics, outputs),
      ),
  );
}

/** Mean and (biased) variance per channel of values that end in channels; summed in doubles. */
export function statisticsOf(values: Values, channels: number): BatchStatistics {
  const [mean, variance] = [new Float64Array(channels), new Float64Array(channels)];
  const rows = values.length / channels;
  for (let i = 0; i < values.length; ) for (let c = 0; c < channels; c++) mean[c]! += values[i++]!;
  for (let c = 0; c < channels; c++) mean[c]! /= rows;
  for (let i = 0; i < values.length; )
    for (let c = 0; c < channels; c++) {
      const distance = values[i++]! - mean[c]!;
      variance[c]! += distance * distance;
    }
  for (let c = 0; c < channels; c++) variance[c]! /= rows;
  return { mean, variance };
}

const inverseDeviation = (variance: number): number => 1 / Math.sqrt(variance + VARIANCE_FLOOR);

function normalize(xs: Values, ys: Values, { mean, variance }: BatchStatistics, gain: Values, offset: Values): void {
  const channels = gain.length;
  const factor = Float64Array.from(gain, (g, c) => g * inverseDeviation(variance[c]!));
  const addend = Float64Array.from(offset, (o, c) => o - mean[c]! * factor[c]!);
  for (let i = 0; i < xs.length; ) for (let c = 0; c < channels; c++, i++) ys[i] = xs[i]! * factor[c]! + addend[c]!;
}

/** dx = gain · r · (dy − mean(dy) − x̂ · mean(dy · x̂)) with x̂ = (x − mean) · r, r = 1 / deviation. */
function gradients(
  dys: Values,
  xs: Values,
  gain: Values,
  { mean, variance }: BatchStatistics,
  [dx, dGain, dOffset]: readonly Values[],
): void {
  const channels = gain.length;
  const rows = xs.length / channels;
  const inverse = Float64Array.from(variance, inverseDeviation);
  const [sum, product] = [new Float64Array(channels), new Float64Array(channels)];
  for (let i = 0; i < xs.length; )
    for (let c = 0; c < channels; c++, i++) {
      sum[c]! += dys[i]!;
      product[c]! += dys[i]! * (xs[i]! - mean[c]!);
    }
  const [slope, shift, factor] = [0, 1, 2].map(() => new Float64Array(channels));
  for (let c = 0; c < channels; c++) {
    dGain![c] = product[c]! * inverse[c]!;
    dOffset![c] = sum[c]!;
    factor![c] = gain[c]! * inverse[c]!;
    slope![c] = (-factor![c]! * inverse[c]! * inverse[c]! * product[c]!) / rows;
    shift![c] = (-factor![c]! * sum[c]!) / rows - slope![c]! * mean[c]!;
  }
  for (let i = 0; i < xs.length; )
    for (let c = 0; c < channels; c++, i++) dx![i] = factor![c]! * dys[i]! + slope![c]! * xs[i]! + shift![c]!;
}
