/** Ranges → scale and zero_point, as TFLite's 8-bit specification and its 16x8 have them. Scales are float32 values. */
import { clamp, roundHalfAway } from '../core/fixed-point.js';
import type { QuantParams } from '../core/tensor.js';

export interface Range {
  readonly min: number;
  readonly max: number;
}

// A product of two scales must stay a normal float32 (above 1.2e-38), because a bias has one.
export const smallestScale = 1e-12;

export const perTensor = (scale: number, zeroPoint: number): QuantParams => ({
  scale: [Math.fround(scale)],
  zeroPoint: [zeroPoint + 0], // rounding gives -0, too; a .tflite does not know it
  axis: null,
});

/**
 * Asymmetric int8 for activations: the range is widened to hold 0, and 0 is one of the 256 values, so that padding
 * and relu are exact. A tensor that was never anything but 0 gets scale 1.
 */
export function asymmetricQuant({ min, max }: Range): QuantParams {
  const [low, high] = [Math.min(min, 0), Math.max(max, 0)];
  if (low === high) return perTensor(1, 0);
  const scale = Math.fround(Math.max(high / 255 - low / 255, smallestScale)); // divided first: a difference may overflow
  return perTensor(scale, clamp(roundHalfAway(-128 - low / scale), -128, 127));
}

/** Symmetric int16. A tensor that was never anything but 0 gets a scale of 1. */
export function symmetricQuant16({ min, max }: Range): QuantParams {
  const reach = Math.max(-min, max);
  return reach > 0 ? perTensor(Math.max(reach / 32767, smallestScale), 0) : perTensor(1, 0);
}

/** The int16 in which every value of an int8 tensor is exact: 128 of its steps to one, so that q16 = 128 · (q8 − zero_point). */
export const exactQuant16 = ({ scale }: QuantParams): QuantParams => perTensor(scale[0]! / 128, 0);

/** The values between the ends of an int8 quantization. */
export const rangeOfInt8 = ({ scale, zeroPoint }: QuantParams): Range => ({
  min: (-128 - zeroPoint[0]!) * scale[0]!,
  max: (127 - zeroPoint[0]!) * scale[0]!,
});

/** The same range in coarser steps: the zero_point moves so that its end that matters more stays reachable. */
export function widened({ scale, zeroPoint, axis }: QuantParams, leastScale: number): QuantParams {
  if (axis !== null || scale[0]! >= leastScale) return { scale, zeroPoint, axis };
  const [min, max] = [(-128 - zeroPoint[0]!) * scale[0]!, (127 - zeroPoint[0]!) * scale[0]!];
  const share = -min / (max - min); // of the range below 0
  return perTensor(leastScale, clamp(roundHalfAway(-128 + 255 * share), -128, 127));
}

export const unite = (a: Range, b: Range): Range => ({ min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) });
