/** A sample as a model's input: preprocessed to the float model's units, then quantized where the input is int8. */
import type { Dataset } from './dataset.js';
import { ThimbleError } from './errors.js';
import type { Preprocessing } from './graph.js';
import { preprocessValue, quantizeValue } from './real-to-int8.js';
import { perTensorQuant, type TensorSpec, type TypedArray } from './tensor.js';

/**
 * @returns values of the input's dtype, elementCount(input.shape) long
 * @throws ThimbleError E_DATA_SHAPE for already quantized samples and a float model
 */
export function encodeSample(
  dataset: Dataset,
  index: number,
  input: TensorSpec,
  preprocessing: Preprocessing | undefined,
): TypedArray {
  const values = dataset.sample(index);
  if (dataset.values === 'quantized') {
    if (input.dtype === 'int8') return Int8Array.from(values);
    throw new ThimbleError(
      'E_DATA_SHAPE',
      `samples of "${dataset.name}" are already quantized, but the model takes ${input.dtype}`,
      'Use the raw data, or the int8 model that these samples were made for.',
      { where: `at input "${input.name}"` },
    );
  }
  const real = preprocessSample(values, preprocessing);
  if (input.dtype === 'float32') return real;
  const { scale, zeroPoint } = perTensorQuant(input);
  return Int8Array.from(real, (x) => quantizeValue(x, scale, zeroPoint));
}

/** Raw values to the float model's units, by channel (the last axis), in float32 as the C does it. */
export function preprocessSample(values: Float32Array, preprocessing: Preprocessing | undefined): Float32Array {
  if (!preprocessing) return values;
  const channels = Math.max(preprocessing.scale.length, preprocessing.offset.length);
  return values.map((x, i) => preprocessValue(x, preprocessing, i % channels));
}
