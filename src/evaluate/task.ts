/** What a model is for, told from its shapes and the data's classes: what its outputs are scored as follows from that. */
import type { Dataset } from '../core/dataset.js';
import { elementCount, type TensorSpec, type TypedArray } from '../core/tensor.js';

/**
 * - classifier: the largest output is the class
 * - one output: of two classes, the probability of the second
 * - reconstruction: an autoencoder gives its input back; what it gives back badly is unusual. It detects, it names no class
 */
export interface Task {
  readonly kind: 'classifier' | 'one output' | 'reconstruction';
  readonly positive: number | null; // the class that a detector detects
}

/** Names of the class that nothing is detected in. */
const USUAL = /^(normal|nominal|healthy|good|ok|none|no|negative|background|usual)$/i;

export function taskOf(
  { inputs, outputs }: { readonly inputs: readonly TensorSpec[]; readonly outputs: readonly TensorSpec[] },
  { labels }: Pick<Dataset, 'labels'>,
): Task {
  const [input, output] = [inputs[0], outputs[0]];
  const count = output ? elementCount(output.shape) : 0;
  if (labels.length !== 2) return { kind: 'classifier', positive: null };
  if (count === 1) return { kind: 'one output', positive: 1 };
  const givesInputBack = count > 2 && input !== undefined && count === elementCount(input.shape);
  if (!givesInputBack) return { kind: 'classifier', positive: null };
  return { kind: 'reconstruction', positive: USUAL.test(labels[1]!) && !USUAL.test(labels[0]!) ? 0 : 1 };
}

/** The output itself, or the mean squared error of what was given back, both in the float model's units; else NaN. */
export function detectionOf(
  { kind }: Task,
  model: { readonly inputs: readonly TensorSpec[]; readonly outputs: readonly TensorSpec[] },
  input: TypedArray,
  output: TypedArray,
): number {
  if (kind === 'classifier') return Number.NaN;
  const given = realValues(output, model.outputs[0]!);
  if (kind === 'one output') return given[0]!;
  const wanted = realValues(input, model.inputs[0]!);
  return wanted.reduce((sum, value, i) => sum + (value - given[i]!) ** 2, 0) / wanted.length;
}

/** Integers as the reals that they stand for; a copy of reals. */
export function realValues(values: TypedArray, { dtype, quant }: TensorSpec): Float32Array {
  if (dtype === 'float32' || !quant) return Float32Array.from(values);
  const [scale, zeroPoint] = [quant.scale[0]!, quant.zeroPoint[0]!];
  return Float32Array.from(values, (q) => scale * (q - zeroPoint));
}
