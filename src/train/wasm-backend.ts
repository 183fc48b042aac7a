/**
 * TensorFlow.js on its wasm backend, completed for training: the stock backend lacks the gradients of convolutions
 * and has a wrong one for max pooling. On the pure JavaScript backend an epoch takes a hundred times as long.
 */
import { createRequire } from 'node:module';
import { dirname, join, sep } from 'node:path';
import { ThimbleError } from '../core/errors.js';
import { conv2dBackpropFilter, conv2dBackpropInput } from './kernels/conv-2d-gradients.js';
import { depthwiseBackpropFilter, depthwiseBackpropInput } from './kernels/depthwise-gradients.js';
import { registerWasmKernel, type TF } from './kernels/heap.js';
import { maxPoolGradient } from './kernels/max-pool-gradient.js';

export type { TF };

let loading: Promise<TF> | undefined;
let choosing: Promise<TF> | undefined;

/** What training runs on: TensorFlow's native library where @tensorflow/tfjs-node is installed, otherwise wasm. */
export function trainingBackend(): Promise<TF> {
  choosing ??= nativeBackend().then((native) => native ?? wasmBackend());
  return choosing;
}

/**
 * @tensorflow/tfjs-node is never a dependency: its binary cannot be downloaded everywhere.
 * @param load for tests
 * @returns undefined where it is not installed, or does not work
 */
export async function nativeBackend(
  load: () => Promise<TF> = () => import(nativePackage) as Promise<TF>,
): Promise<TF | undefined> {
  try {
    const tf = await load();
    const works = await tf.setBackend('tensorflow');
    return works ? tf : undefined;
  } catch {
    return undefined;
  }
}

const nativePackage: string = '@tensorflow/tfjs-node'; // a variable: the compiler does not look for it

/**
 * Loads TensorFlow.js when first called (half a second), makes wasm its backend, and prints nothing.
 * @throws ThimbleError E_TRAINING where the backend cannot start
 */
export function wasmBackend(): Promise<TF> {
  loading ??= load();
  return loading;
}

async function load(): Promise<TF> {
  const [tf, wasm] = await Promise.all([import('@tensorflow/tfjs'), import('@tensorflow/tfjs-backend-wasm')]);
  tf.env().set('PROD', true); // otherwise the library advertises its native package on stderr
  const folder = dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'));
  wasm.setWasmPaths(join(folder, sep));
  wasm.setThreadsCount(1); // its threads need a browser's workers
  const started = await tf.setBackend('wasm').catch(() => false);
  if (!started)
    throw new ThimbleError(
      'E_TRAINING',
      'the WebAssembly backend of TensorFlow.js does not start',
      ['Install the packages anew: npm ci.', 'Check that node --version is 20.19 or later.'],
      { where: `from ${folder}` },
    );
  registerGradients(tf); // after setBackend, which sets up the kernels that these replace
  return tf;
}

/** Puts our gradient kernels on the wasm backend. */
export function registerGradients(tf: TF): void {
  registerWasmKernel(tf, tf.Conv2DBackpropFilter, (call) => conv2dBackpropFilter(tf, call));
  registerWasmKernel(tf, tf.Conv2DBackpropInput, (call) => conv2dBackpropInput(tf, call));
  registerWasmKernel(tf, tf.DepthwiseConv2dNativeBackpropFilter, (call) => depthwiseBackpropFilter(tf, call));
  registerWasmKernel(tf, tf.DepthwiseConv2dNativeBackpropInput, (call) => depthwiseBackpropInput(tf, call));
  registerWasmKernel(tf, tf.MaxPoolGrad, (call) => maxPoolGradient(tf, call));
}
