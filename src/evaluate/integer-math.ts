/**
 * One output of a quantized layer with weights, worked out the way a person does it on paper: tap by tap, then step by step
 * from the sum to the integer. Nothing here is faster than it is plain; the operators' own arithmetic is held against it.
 */
import {
  clamp,
  type FixedPointScale,
  multiplyByReducedMultiplier,
  quantizeMultiplier,
  type ReducedScale,
  reduceScale,
  roundingDivideByPowerOfTwo,
  roundingDoublingHighMultiply,
} from '../core/fixed-point.js';
import { dataOf, perTensorQuant } from '../core/tensor.js';
import { activationRangeQuantized } from '../ops/activation.js';
import { opNamed } from '../ops/index.js';
import type { OpNode } from '../ops/op.js';
import { roundsTwice } from '../ops/weighted-16x8.js';
import type { WeightedNode } from '../ops/weighted-op.js';

export interface TapMath {
  readonly inputIndex: number | null; // element of the input; null = padding, which counts as the zero_point
  readonly weightIndex: number;
  readonly input: number; // byte
  readonly weight: number;
  readonly product: number; // (input − zero_point) · weight
}

export interface AccumulatorMath {
  readonly channel: number;
  readonly taps: readonly TapMath[];
  readonly sum: number; // of the products
  readonly bias: number;
  readonly accumulator: number; // sum + bias
}

/** From the accumulator to the output, as TensorFlow Lite Micro does. */
export type RequantizeMath = (Rounded & Twice) | (Rounded & Once);

interface Rounded {
  readonly scale: number; // input scale · weight scale / output scale, as near as a double comes
  readonly scaled: number; // accumulator · scale in integers
  readonly zeroPoint: number;
  readonly unclamped: number; // scaled + zero_point
  readonly min: number; // of the integer type and of the fused activation
  readonly max: number;
  readonly integer: number;
}

/** 8-bit activations, and wide ones with a bias of int32: a multiplier of 31 bits, and rounding after each of two steps. scale ≈ multiplier · 2^(shift − 31) */
interface Twice extends FixedPointScale {
  readonly rounds: 'twice';
  readonly shiftedLeft: number; // accumulator · 2^shift where shift > 0, else the accumulator
  readonly highMultiplied: number; // shiftedLeft · multiplier / 2^31, rounded; / 2^−shift where shift < 0: `scaled`
}

/** 16-bit activations: a multiplier of 15 bits and one shift to the right. scale ≈ multiplier / 2^shift */
interface Once extends ReducedScale {
  readonly rounds: 'once';
}

export interface IntegerMath extends AccumulatorMath {
  readonly requantize: RequantizeMath;
}

/** Whether `integerMath` can be asked about an operator. */
export const hasIntegerMath = (op: string): boolean => opNamed(op).terms !== undefined;

/**
 * @param node in integers, with the values of its input
 * @param output which element of the output
 */
export function integerMath(op: string, node: OpNode, output: number): IntegerMath {
  const { inputs, outputs, attrs } = node as WeightedNode;
  const terms = opNamed(op).terms?.(node, output);
  if (!terms) throw new TypeError(`${op} is no sum of inputs and weights`);
  const [input, weights, biases] = inputs;
  const { zeroPoint } = perTensorQuant(input);
  const taps = terms.taps.map(({ input: inputIndex, weight: weightIndex }): TapMath => {
    const byte = inputIndex === null ? zeroPoint : dataOf(input)[inputIndex]!;
    const weight = dataOf(weights)[weightIndex]!;
    return { inputIndex, weightIndex, input: byte, weight, product: (byte - zeroPoint) * weight };
  });
  const sum = taps.reduce((total, { product }) => total + product, 0);
  const bias = biases ? dataOf(biases)[terms.channel]! : 0;
  const range = activationRangeQuantized(attrs.activation, outputs[0]!);
  const { zeroPoint: outputZeroPoint } = perTensorQuant(outputs[0]!);
  return {
    channel: terms.channel,
    taps,
    sum,
    bias,
    accumulator: sum + bias,
    requantize: requantizeMath(
      sum + bias,
      terms.scale,
      outputZeroPoint,
      range,
      input.dtype === 'int16' && !roundsTwice(node as WeightedNode),
    ),
  };
}

function requantizeMath(
  accumulator: number,
  scale: number,
  zeroPoint: number,
  [min, max]: readonly [number, number],
  short: boolean, // multipliers of 15 bits
): RequantizeMath {
  const way = short ? once(accumulator, scale) : twice(accumulator, scale);
  const unclamped = way.scaled + zeroPoint;
  return { ...way, scale, zeroPoint, unclamped, min, max, integer: clamp(unclamped, min, max) };
}

function twice(accumulator: number, scale: number) {
  const { multiplier, shift } = quantizeMultiplier(scale);
  const shiftedLeft = accumulator * 2 ** Math.max(shift, 0);
  const highMultiplied = roundingDoublingHighMultiply(shiftedLeft, multiplier);
  const scaled = roundingDivideByPowerOfTwo(highMultiplied, Math.max(-shift, 0));
  return { rounds: 'twice', multiplier, shift, shiftedLeft, highMultiplied, scaled } as const;
}

function once(accumulator: number, scale: number) {
  const reduced = reduceScale(quantizeMultiplier(scale));
  return { rounds: 'once', ...reduced, scaled: multiplyByReducedMultiplier(accumulator, reduced) } as const;
}
