/** Weights and biases of conv_2d, depthwise_conv_2d and fully_connected in int8, and int32 or int64. */
import { clamp, roundHalfAway } from '../core/fixed-point.js';
import { dataOf, elementCount, type QuantParams, type Tensor } from '../core/tensor.js';
import { smallestScale } from './scales.js';

// |bias| / (input scale · weight scale) stays below 2^29: with 2^15 taps of at most 255 · 127 the sum still fits int32.
const largestBias = 2 ** 29;
// With 16-bit activations it is an int64, of which TFLite's arithmetic takes 48 bits.
const largestBias16 = 2 ** 38;

/**
 * Symmetric scales, |w| ≤ 127 · scale. `axis` null gives one scale. A channel whose bias would leave int32 gets a
 * coarser scale; a channel of zeros takes the widest of the others, so that its bias keeps a usable step.
 */
export function weightQuant(
  weights: Tensor,
  axis: number | null,
  bias: ArrayLike<number> | undefined,
  inputScale: number,
  width: 'int8' | 'int16' = 'int8',
): QuantParams {
  const largest = largestPerChannel(weights, axis);
  const widest = Math.max(...largest) || 1;
  const scale = largest.map((magnitude, channel) => {
    let reach = 0;
    if (bias)
      for (let i = axis === null ? 0 : channel; i < bias.length; i += largest.length)
        reach = Math.max(reach, Math.abs(bias[i]!));
    return Math.fround(
      Math.max(
        (magnitude || widest) / 127,
        reach / (width === 'int16' ? largestBias16 : largestBias) / inputScale,
        smallestScale,
      ),
    );
  });
  return { scale, zeroPoint: scale.map(() => 0), axis: scale.length === 1 ? null : axis };
}

/** max |w| of every channel; of the whole tensor where axis is null. */
function largestPerChannel(weights: Tensor, axis: number | null): number[] {
  const { shape } = weights;
  const data = dataOf(weights);
  const channels = axis === null ? 1 : shape[axis]!;
  const inner = axis === null ? data.length : elementCount(shape.slice(axis + 1));
  const largest = new Array<number>(channels).fill(0);
  for (let i = 0; i < data.length; i++) {
    const channel = Math.floor(i / inner) % channels;
    largest[channel] = Math.max(largest[channel]!, Math.abs(data[i]!));
  }
  return largest;
}

/** int32 or int64 at input scale · weight scale: the unit of the accumulator. */
export function biasQuant(weightScale: readonly number[], inputScale: number): QuantParams {
  const scale = weightScale.map((value) => Math.fround(value * inputScale));
  return { scale, zeroPoint: scale.map(() => 0), axis: scale.length === 1 ? null : 0 };
}

/** Values in the integers of a symmetric or asymmetric quantization, within [min, max]. */
export function quantizeInto(
  target: Int8Array | Int16Array | Int32Array | Float64Array,
  tensor: Tensor,
  { scale, zeroPoint, axis }: QuantParams,
  [min, max]: readonly [number, number],
): typeof target {
  const data = dataOf(tensor);
  const inner = axis === null ? data.length : elementCount(tensor.shape.slice(axis + 1));
  for (let i = 0; i < data.length; i++) {
    const channel = axis === null ? 0 : Math.floor(i / inner) % scale.length;
    target[i] = clamp(roundHalfAway(data[i]! / scale[channel]!) + zeroPoint[channel]!, min, max);
  }
  return target;
}
