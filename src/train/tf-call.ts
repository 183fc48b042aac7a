/** How one node of a Graph is called in TensorFlow.js. */
import type * as tf from '@tensorflow/tfjs';
import type { Shape, TypedArray } from '../core/tensor.js';
import type { TF } from './kernels/heap.js';

export interface TfCall {
  readonly lib: TF;
  readonly inputs: readonly tf.Tensor[]; // those that are present; weights in TensorFlow.js' layout
  readonly shapes: readonly Shape[]; // of the same inputs in the graph, with batch 1
  readonly values: readonly (TypedArray | undefined)[]; // of the same inputs, where they are constant
  readonly outputShape: Shape; // of the first output, with batch 1
  readonly outputShapes: readonly Shape[]; // of all
  readonly attrs: Readonly<Record<string, unknown>>;
  readonly batch: number;
  /** In place of adding the bias, which is then not among the inputs. */
  readonly normalize?: (sums: tf.Tensor) => tf.Tensor;
}
/** One tensor per output; a single one needs no array. */
export type TfOp = (call: TfCall) => tf.Tensor | tf.Tensor[];

/** The result in the shape of the first output: the batch is the slowest axis of the memory. */
export function reshaped({ lib, outputShape, batch }: TfCall, x: tf.Tensor): tf.Tensor {
  const [first = 1, ...rest] = outputShape;
  return lib.reshape(x, [first * batch, ...rest]);
}
