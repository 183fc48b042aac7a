import type { Origin } from './reading.js';
import type { TypedArray } from './tensor.js';

/**
 * Runs a model: the reference interpreter, the emitted C on this machine, the TFLite runtime, or a board over a Port.
 * `evaluate` takes any of them and never knows which.
 */
export interface Engine {
  readonly name: string; // 'reference', 'c', 'tflite', 'device'
  readonly origin: Origin; // where it computes
  /** One inference: the model's inputs and outputs in their own dtypes, in model order. Calls do not overlap. */
  run(inputs: readonly TypedArray[]): Promise<readonly TypedArray[]>;
  /** Every original operator's (first) output in order; absent where the engine cannot look inside. */
  runLayers?(inputs: readonly TypedArray[]): Promise<readonly TypedArray[]>;
  close(): Promise<void>;
}
