/** Fused activations as the interval an output is clamped to; integers as TFLite's CalculateActivationRangeQuantized. */
import { ThimbleError } from '../core/errors.js';
import { roundHalfAway } from '../core/fixed-point.js';
import { integerRange, perTensorQuant, type TensorSpec } from '../core/tensor.js';

/** In the order of TFLite's ActivationFunctionType, which is also its number there. */
export const activations = ['none', 'relu', 'relu_n1_to_1', 'relu6'] as const;
export type Activation = (typeof activations)[number];
export type ActivationRange = readonly [min: number, max: number];

export const activationRange: Readonly<Record<Activation, ActivationRange>> = {
  none: [-Infinity, Infinity],
  relu: [0, Infinity],
  relu_n1_to_1: [-1, 1],
  relu6: [0, 6],
};

/** The clamp of an int8 or int16 output. TFLite divides in float32 and rounds ties away from zero. */
export function activationRangeQuantized(activation: Activation, output: TensorSpec): ActivationRange {
  const { scale, zeroPoint } = perTensorQuant(output);
  const [lowest, highest] = integerRange[output.dtype === 'int16' ? 'int16' : 'int8'];
  const [min, max] = activationRange[activation].map((real) => zeroPoint + roundHalfAway(Math.fround(real / scale)));
  return [Math.max(min!, lowest), Math.min(max!, highest)];
}

/**
 * The activation behind a number of TFLite's ActivationFunctionType.
 * @throws ThimbleError E_UNSUPPORTED_OP for fused tanh and sign_bit, which no int8 kernel of TFLite honours either
 */
export function activationNumbered(number: number): Activation {
  const activation = activations[number];
  if (activation) return activation;
  throw new ThimbleError(
    'E_UNSUPPORTED_OP',
    `fused activation ${number} (${['tanh', 'sign_bit'][number - 4] ?? 'unknown'}) is not supported`,
    'Put the activation into a layer of its own and export the model again.',
  );
}
