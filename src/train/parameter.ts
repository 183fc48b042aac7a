/**
 * What training changes: one tensor of the graph as a variable, free, with weights that stay zero (a mask), or with
 * values out of a codebook.
 */
import type * as tf from '@tensorflow/tfjs';
import type { Tensor } from '../core/tensor.js';
import { lookedUp } from './kernels/codebook.js';
import type { TF } from './kernels/heap.js';
import type { WeightLayout } from './weight-layout.js';

/** A tensor whose values all come out of a few. */
export interface Codebook {
  readonly centroids: Float32Array; // at most 256
  readonly assignments: Uint8Array; // an index into centroids for every value, in the graph's order
}

export interface Parameter {
  readonly variable: tf.Variable;
  /** The tensor in TensorFlow.js' layout, differentiable; belongs to the caller's tidy. */
  value(): tf.Tensor;
  /** The present values in the graph's layout. */
  data(): Float32Array;
  dispose(): void;
}

export interface Constraint {
  readonly mask?: Uint8Array | undefined; // in the graph's order; 0 = this weight is and stays 0
  readonly codebook?: Codebook | undefined;
}

/**
 * Adam moves every weight by about the learning rate, whatever its size: fine for weights of 0.1, ruin for the first
 * layer of a model that takes bytes, whose weights are 255 times as small. So variables hold weights in a unit that
 * makes their root mean square about 1/8. A power of two: weights that are not trained come back bit for bit.
 */
function unitOf(data: ArrayLike<number>): number {
  let squares = 0;
  for (let i = 0; i < data.length; i++) squares += data[i]! ** 2;
  const rms = Math.sqrt(squares / data.length);
  return rms > 2 ** -40 ? 2 ** Math.round(Math.log2(8 * rms)) : 1;
}

/** @throws TypeError where mask or codebook are not of this tensor */
export function parameterOf(lib: TF, tensor: Tensor, layout: WeightLayout, constraint: Constraint = {}): Parameter {
  const { mask, codebook } = constraint;
  const data = tensor.data!;
  for (const [what, length] of Object.entries({ mask: mask?.length, codebook: codebook?.assignments.length }))
    if (length !== undefined && length !== data.length)
      throw new TypeError(`the ${what} of "${tensor.name}" has ${length} entries, the tensor has ${data.length}`);
  const unit = unitOf(data);
  const scaled = (values: ArrayLike<number>): Float32Array => Float32Array.from(values, (value) => value / unit);
  const variable = lib.tidy(() =>
    codebook
      ? lib.variable(lib.tensor1d(scaled(codebook.centroids)))
      : lib.variable(lib.tensor(scaled(layout.toTf(data)), layout.shape)),
  ); // a variable outlives the tidy
  const kept =
    mask && lib.keep(lib.tensor(layout.toTf(Float32Array.from(mask, (entry) => (entry === 0 ? 0 : 1))), layout.shape));
  const assignments = codebook && Uint8Array.from(layout.toTf(Float32Array.from(codebook.assignments)));

  return {
    variable,
    value() {
      const stored = assignments ? lookedUp(lib, variable, assignments, layout.shape) : variable;
      const real = unit === 1 ? stored : lib.mul(stored, unit);
      return kept ? lib.mul(real, kept) : real;
    },
    data() {
      const values = variable.dataSync<'float32'>();
      const stored = codebook ? Float32Array.from(codebook.assignments, (i) => values[i]!) : layout.toGraph(values);
      return stored.map((value, i) => (mask?.[i] === 0 ? 0 : value * unit));
    },
    dispose() {
      variable.dispose();
      kept?.dispose();
    },
  };
}
