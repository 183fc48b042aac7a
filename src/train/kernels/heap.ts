/**
 * What our kernels need of TensorFlow.js' wasm backend: tensors on its heap, and its own kernels to call.
 * Nothing here records gradients: a kernel runs below TensorFlow.js' tape.
 */
import type * as tf from '@tensorflow/tfjs';

export type TF = typeof tf;

/** The part of BackendWasm that kernels use; TensorFlow.js hands it to every kernel as `backend`. */
export interface WasmHeap {
  makeOutput(shape: number[], dtype: 'float32'): tf.TensorInfo;
  typedArrayFromHeap(tensor: tf.TensorInfo): tf.backend_util.TypedArray;
  disposeData(dataId: object): boolean;
}

export interface KernelCall {
  readonly inputs: Readonly<Record<string, tf.TensorInfo>>;
  readonly backend: WasmHeap;
  readonly attrs: Readonly<Record<string, unknown>>;
}

/** Registers a kernel of ours on the wasm backend in place of the one that may be there. */
export function registerWasmKernel(lib: TF, kernelName: string, run: (call: KernelCall) => tf.TensorInfo): void {
  if (lib.getKernel(kernelName, 'wasm')) lib.unregisterKernel(kernelName, 'wasm');
  lib.registerKernel({
    kernelName,
    backendName: 'wasm',
    kernelFunc: ({ inputs, backend, attrs }) =>
      run({
        inputs: inputs as Record<string, tf.TensorInfo>,
        backend: backend as unknown as WasmHeap,
        attrs: (attrs ?? {}) as Record<string, unknown>,
      }),
  });
}

/**
 * Values of a tensor where they lie. Growing the heap detaches every earlier view: take views after the last
 * allocation, never before it.
 */
export function viewOf(backend: WasmHeap, tensor: tf.TensorInfo): Float32Array {
  return backend.typedArrayFromHeap(tensor) as Float32Array;
}

/** A new tensor of zeros. */
export function zeros(backend: WasmHeap, shape: number[]): tf.TensorInfo {
  const tensor = backend.makeOutput(shape, 'float32');
  viewOf(backend, tensor).fill(0);
  return tensor;
}

/** Runs one of TensorFlow.js' own wasm kernels that has a single output. */
export function runKernel(lib: TF, kernelName: string, call: KernelCall): tf.TensorInfo {
  const kernel = lib.getKernel(kernelName, 'wasm');
  if (!kernel) throw new TypeError(`the wasm backend has no kernel "${kernelName}"`);
  return kernel.kernelFunc({
    inputs: call.inputs,
    backend: call.backend,
    attrs: call.attrs as tf.NamedAttrMap,
  }) as tf.TensorInfo;
}
