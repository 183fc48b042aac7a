/**
 * Operators of ours written as plain loops over values, on every backend: on wasm the loops run on its heap, elsewhere
 * on copies. For what TensorFlow.js has no operator for, or a costly one.
 */
import type * as tf from '@tensorflow/tfjs';
import { type TF, viewOf, type WasmHeap } from './heap.js';

export type Values = Float32Array;

/**
 * Runs `compute` over the values of `inputs`, which it may read, and of new tensors, which it must fill. Records no
 * gradient: call it inside tf.customGrad.
 */
export function onValues(
  lib: TF,
  inputs: readonly tf.Tensor[],
  shapes: readonly (readonly number[])[],
  compute: (inputs: readonly Values[], outputs: readonly Values[]) => void,
): tf.Tensor[] {
  if (lib.getBackend() !== 'wasm') {
    const outputs = shapes.map((shape) => new Float32Array(shape.reduce((a, b) => a * b, 1)));
    compute(
      inputs.map((input) => input.dataSync<'float32'>()),
      outputs,
    );
    return outputs.map((values, i) => lib.tensor(values, [...shapes[i]!]));
  }
  const heap = lib.backend() as unknown as WasmHeap;
  const outputs = shapes.map((shape) => heap.makeOutput([...shape], 'float32'));
  // Allocating may have moved the heap: only now do views hold.
  compute(
    inputs.map((input) => viewOf(heap, input)),
    outputs.map((output) => viewOf(heap, output)),
  );
  return outputs.map((output) => lib.engine().makeTensorFromTensorInfo(output));
}

/**
 * An operator with its own gradient, whose inputs are kept for it.
 * @param gradients one per input, from the output's gradient and the inputs
 */
export function withGradient(
  lib: TF,
  inputs: readonly tf.Tensor[],
  forward: (inputs: readonly tf.Tensor[]) => tf.Tensor,
  gradients: (dy: tf.Tensor, inputs: readonly tf.Tensor[]) => readonly tf.Tensor[],
): tf.Tensor {
  // The typings of customGrad know neither the variable number of inputs nor several gradients.
  const op = lib.customGrad(((...args: unknown[]) => {
    const save = args.at(-1) as tf.GradSaveFunc;
    const operands = args.slice(0, -1) as tf.Tensor[];
    save(operands);
    return { value: forward(operands), gradFunc: gradients };
  }) as unknown as Parameters<TF['customGrad']>[0]);
  return op(...inputs);
}
