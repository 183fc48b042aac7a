/**
 * What conv_2d, depthwise_conv_2d and fully_connected have in common besides their sums: symmetric int8 weights with
 * one scale or one per channel, an int32 bias, and the way from a sum to an output.
 */
import { clamp, type FixedPointScale, multiplyByQuantizedMultiplier, quantizeMultiplier } from '../core/fixed-point.js';
import { dataOf, isPerTensor, perTensorQuant, type Tensor, type TensorSpec, type TypedArray } from '../core/tensor.js';
import { type Activation, activationRange, activationRangeQuantized } from './activation.js';
import { int8Faults, reachOf } from './int8-operands.js';
import type { CArray, Cost, OpNode } from './op.js';

export type WeightedInputs = readonly [input: Tensor, weights: Tensor, bias?: Tensor | undefined];
export type WeightedNode = OpNode<{ readonly activation: Activation }, WeightedInputs>;

/** How an op lays its weights out. */
export interface WeightLayout {
  readonly channels: number; // outputs of a pixel or row
  readonly axis: number; // of the weights' shape, along which per-channel scales run
  channelOf(index: number): number; // of an element of the weights
}

/**
 * From a sum to an output, one scale per channel, in TFLite's order of operations: another order can change the last
 * bit. Products in double, which is what all three do per channel, and the convolutions per tensor too.
 */
export function effectiveScales({ inputs: [input, weights], outputs }: WeightedNode, channels: number): number[] {
  const [inputScale, outputScale] = [perTensorQuant(input).scale, perTensorQuant(outputs[0]!).scale];
  const weightScales = weights.quant?.scale ?? [];
  return Array.from(
    { length: channels },
    (_, c) => (inputScale * weightScales[weightScales.length === 1 ? 0 : c]!) / outputScale,
  );
}

/** The scale of one channel, where the node computes in integers; NaN elsewhere. */
export const outputScale = (
  node: WeightedNode,
  channel: number,
  scales: (node: WeightedNode, channels: number) => readonly number[],
  channels: number,
): number => (node.outputs[0]!.dtype !== 'float32' ? scales(node, channels)[channel]! : Number.NaN);

/** One sentence per reason why the integer kernel would not be exact. */
export function weightedFaults(
  node: WeightedNode,
  layout: WeightLayout,
  scales: (node: WeightedNode, channels: number) => readonly number[] = effectiveScales,
): string[] {
  const [input, weights, bias] = node.inputs;
  const faults = [...int8Faults(input, node.outputs[0]!), ...weightFaults(weights, layout)];
  if (bias && (bias.dtype !== 'int32' || !bias.data)) faults.push(`bias "${bias.name}" must be constant int32`);
  if (faults.length > 0) return faults;
  return overflowFaults(node, layout, scales(node, layout.channels), reachOf(perTensorQuant(input).zeroPoint));
}

/** Constant, symmetric int8 with the scales that the op can have. */
export function weightFaults(weights: Tensor, layout: WeightLayout): string[] {
  const perChannel = weights.quant?.axis === layout.axis && weights.quant.scale.length === layout.channels;
  if (weights.dtype !== 'int8' || !weights.data || !(perChannel || isPerTensor(weights.quant)))
    return [
      `weights "${weights.name}" must be constant int8 with one scale, or one per output channel (axis ${layout.axis})`,
    ];
  if (weights.quant?.zeroPoint.some((zeroPoint) => zeroPoint !== 0))
    return [`weights "${weights.name}" are asymmetric; their zero_point must be 0`];
  return [];
}

/** The largest magnitude that the sum of each channel can reach, bias included, for inputs up to `reach`. */
export function largestSums({ inputs: [, weights, bias] }: WeightedNode, layout: WeightLayout, reach: number) {
  const largest = Float64Array.from({ length: layout.channels }, (_, c) => Math.abs(bias?.data?.[c] ?? 0));
  dataOf(weights).forEach((weight, i) => {
    largest[layout.channelOf(i)]! += reach * Math.abs(weight);
  });
  return largest;
}

/**
 * Proves from the actual weights that no input can take a sum out of int32; the C kernel relies on it.
 * @param reach the largest |x − zero_point| of the input
 */
export function overflowFaults(
  node: WeightedNode,
  layout: WeightLayout,
  scales: readonly number[],
  reach: number,
): string[] {
  const { name } = node.inputs[1];
  if (!scales.every((scale) => scale >= 0 && scale < 2 ** 30))
    return [`weights "${name}": input scale · weight scale / output scale must lie between 0 and 2^30`];
  const largest = largestSums(node, layout, reach);
  const room = 2 ** 31 - 256; // for the output's zero_point
  const overflowing = scales.findIndex((scale, c) => {
    const { shift } = quantizeMultiplier(scale);
    return largest[c]! * 2 ** Math.max(shift, 0) >= room;
  });
  return overflowing < 0
    ? []
    : [
        `"${node.name}" can overflow int32 in output channel ${overflowing}: its weights, its bias or input · weight / output scale is too large`,
      ];
}

/** Sums to outputs: bias, requantize, zero_point, clamp. */
export function prepareRequantize(
  node: WeightedNode,
  scales: readonly number[],
): (sums: Float64Array) => readonly [Int8Array] {
  const { zeroPoint } = perTensorQuant(node.outputs[0]!);
  const [min, max] = activationRangeQuantized(node.attrs.activation, node.outputs[0]!);
  const bias = biasOf(node.inputs, scales.length);
  const fixed = scales.map(quantizeMultiplier);
  return (sums) => {
    const output = new Int8Array(sums.length);
    for (let at = 0; at < sums.length; ) {
      for (let c = 0; c < fixed.length; c++, at++) {
        const q = multiplyByQuantizedMultiplier(sums[at]! + bias[c]!, fixed[c]!) + zeroPoint;
        output[at] = clamp(q, min, max);
      }
    }
    return [output];
  };
}

/** Sums to outputs: bias, clamp, and only now to float32. */
export function prepareRound(node: WeightedNode, channels: number): (sums: Float64Array) => readonly [Float32Array] {
  const [min, max] = activationRange[node.attrs.activation];
  const bias = biasOf(node.inputs, channels);
  return (sums) => {
    const output = new Float32Array(sums.length);
    for (let at = 0; at < sums.length; )
      for (let c = 0; c < channels; c++, at++) output[at] = clamp(sums[at]! + bias[c]!, min, max);
    return [output];
  };
}

const biasOf = ([, , bias]: WeightedInputs, channels: number): TypedArray =>
  bias ? Float64Array.from(dataOf(bias)) : new Float64Array(channels);

/** @param windows output pixels or rows; @param weightsPerWindow multiplied in each */
export function weightedCost(
  { inputs: [, weights, bias] }: WeightedNode,
  channels: number,
  windows: number,
  weightsPerWindow: number,
): Cost {
  const perChannel = (bias ? 4 : 0) + 4 + 1; // bias, multiplier, shift
  const weightCount = weights.shape.reduce((count, size) => count * size, 1);
  return { macs: windows * weightsPerWindow, weightBytes: weightCount + channels * perChannel, scratchBytes: 0 };
}

/** The constants every one of the three kernels reads, and how its call names them. */
export function weightedConstants(node: WeightedNode, scales: readonly number[], symbol: string) {
  const [, weights, bias] = node.inputs;
  const fixed: readonly FixedPointScale[] = scales.map(quantizeMultiplier);
  const constants: CArray[] = [
    { name: `${symbol}_weights`, type: 'int8_t', values: dataOf(weights) },
    { name: `${symbol}_multiplier`, type: 'int32_t', values: fixed.map(({ multiplier }) => multiplier) },
    { name: `${symbol}_shift`, type: 'int8_t', values: fixed.map(({ shift }) => shift) },
  ];
  if (bias) constants.push({ name: `${symbol}_bias`, type: 'int32_t', values: dataOf(bias) });
  return { constants, biasC: bias ? `${symbol}_bias` : '(const int32_t *)0' };
}

/** '/* zero_point, activation_min, activation_max *\/ 5, -128, 127', the end of every call. */
export function outputArguments({ outputs, attrs }: { outputs: readonly TensorSpec[]; attrs: WeightedNode['attrs'] }) {
  const [min, max] = activationRangeQuantized(attrs.activation, outputs[0]!);
  return `/* zero_point, activation_min, activation_max */ ${perTensorQuant(outputs[0]!).zeroPoint}, ${min}, ${max}`;
}
