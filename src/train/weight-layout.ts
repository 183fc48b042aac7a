/** Weights in TFLite's layout and in TensorFlow.js': values move, none changes. */
import type { Shape, TypedArray } from '../core/tensor.js';

export interface WeightLayout {
  readonly shape: number[]; // TensorFlow.js'
  toTf(values: TypedArray): Float32Array;
  toGraph(values: Float32Array): Float32Array;
}

const unchanged = (shape: Shape): WeightLayout => ({
  shape: [...shape],
  toTf: (values) => Float32Array.from(values),
  toGraph: (values) => Float32Array.from(values),
});

/** conv_2d: [out, height, width, in] ↔ [height, width, in, out]. */
function convolution(shape: Shape): WeightLayout {
  const [outputs = 0, ...taps] = shape;
  const count = taps.reduce((a, b) => a * b, 1);
  return {
    shape: [...taps, outputs],
    toTf: (values) => transposed(values, outputs, count),
    toGraph: (values) => transposed(values, count, outputs),
  };
}

/** transpose_conv: [out, height, width, in] ↔ [height, width, out, in]. */
function transposeConvolution(shape: Shape): WeightLayout {
  const [outputs = 0, height = 0, width = 0, inputs = 0] = shape;
  return {
    shape: [height, width, outputs, inputs],
    toTf: (values) => transposed(values, outputs, height * width, inputs),
    toGraph: (values) => transposed(values, height * width, outputs, inputs),
  };
}

/** depthwise_conv_2d: [1, height, width, channels · multiplier] ↔ [height, width, channels, multiplier], as in memory. */
function depthwise(shape: Shape, inputChannels: number): WeightLayout {
  const [, height = 0, width = 0, channels = 0] = shape;
  return { ...unchanged(shape), shape: [height, width, inputChannels, channels / inputChannels] };
}

/** @param inputShape of the node's first input */
export function weightLayout(op: string, shape: Shape, inputShape: Shape): WeightLayout {
  if (op === 'conv_2d') return convolution(shape);
  if (op === 'transpose_conv') return transposeConvolution(shape);
  if (op === 'depthwise_conv_2d') return depthwise(shape, inputShape.at(-1) ?? 0);
  return unchanged(shape); // fully_connected [out, in]: multiplied transposed; prelu's alpha
}

export const biasLayout = (shape: Shape): WeightLayout => unchanged(shape);

/** A matrix of rows · columns as columns · rows; an entry is `run` values long. */
function transposed(values: TypedArray, rows: number, columns: number, run = 1): Float32Array {
  const result = new Float32Array(values.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      for (let i = 0; i < run; i++)
        result[(column * rows + row) * run + i] = values[(row * columns + column) * run + i]!;
  return result;
}
