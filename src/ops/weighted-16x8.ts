/**
 * conv_2d, depthwise_conv_2d and fully_connected with 16-bit activations (TFLite's 16x8): int16 with zero_point 0 on both
 * sides, int8 weights, and a bias of int64, or none.
 *
 * TFLite sums in int64 and rounds once, with a multiplier of 15 bits. Where the actual weights let the host prove that
 * int32 holds every sum, the C sums there, and where no channel's shift is short, it rescales in 32 bits too: the same
 * result for a fraction of the instructions. A bias of int32, which some converters write, means int32 sums and the
 * requantize of the 8-bit kernels, rounded twice.
 */
import {
  clamp,
  multiplyByQuantizedMultiplier,
  multiplyByReducedMultiplier,
  quantizeMultiplier,
  type ReducedScale,
  reduceScale,
} from '../core/fixed-point.js';
import { bytesPerElement, dataOf, isPerTensor } from '../core/tensor.js';
import { activationRangeQuantized } from './activation.js';
import { INT16_REACH, int16Faults, isInt16 } from './int8-operands.js';
import type { CArray, Cost } from './op.js';
import {
  effectiveScales,
  largestSums,
  overflowFaults,
  prepareRequantize,
  type WeightedNode,
  type WeightLayout,
  weightedConstants,
  weightedCost,
  weightedFaults,
  weightFaults,
} from './weighted-op.js';

/** How an op makes the scales from sums to outputs; see effectiveScales. */
export type ScalesOf = (node: WeightedNode, channels: number) => readonly number[];

const LARGEST_SCALE = 2 ** 7; // TFLite's fixed-point arithmetic for int64 shifts left by less than 8
const LARGEST_SUM = 2 ** 47; // and takes no larger sum

/** checkQuant of the three, for either width. */
export const anyWidthFaults = (
  node: WeightedNode,
  layout: WeightLayout,
  scales: ScalesOf = effectiveScales,
  int32Bias = true,
): string[] => (isInt16(node) ? faults16x8(node, layout, scales, int32Bias) : weightedFaults(node, layout, scales));

/** @param int32Bias whether TFLite Micro has a kernel for such a bias: depthwise_conv_2d reads it as int64, beyond its end */
function faults16x8(node: WeightedNode, layout: WeightLayout, scalesOf: ScalesOf, int32Bias: boolean): string[] {
  const [input, weights, bias] = node.inputs;
  const faults = [...int16Faults(input, node.outputs[0]!), ...weightFaults(weights, layout)];
  if (bias && (!bias.data || !(bias.dtype === 'int64' || (int32Bias && bias.dtype === 'int32'))))
    faults.push(`bias "${bias.name}" must be constant int64 where activations are int16, but is ${bias.dtype}`);
  if (faults.length > 0) return faults;
  const scales = scalesOf(node, layout.channels);
  if (bias?.dtype === 'int32') return overflowFaults(node, layout, scales, INT16_REACH);
  if (!scales.every((scale) => scale >= 0 && scale < LARGEST_SCALE))
    return [`weights "${weights.name}": input scale · weight scale / output scale must lie between 0 and 2^7`];
  const largest = largestSums(node, layout, INT16_REACH);
  // The multiplier is rounded by at most one part in 2^15, and the result must fit int32 before it is clamped.
  const overflowing = largest.findIndex((sum, c) => sum >= LARGEST_SUM || sum * scales[c]! * 1.0001 >= 2 ** 31 - 1);
  return overflowing < 0
    ? []
    : [`"${node.name}" leaves 16x8 arithmetic in output channel ${overflowing}: its weights or its bias are too large`];
}

/** Sums to outputs, for either width. */
export function prepareAnyWidth(
  node: WeightedNode,
  scales: readonly number[],
): (sums: Float64Array) => readonly [Int8Array | Int16Array] {
  if (!isInt16(node)) return prepareRequantize(node, scales);
  const bias = node.inputs[2] ? dataOf(node.inputs[2]) : new Float64Array(scales.length);
  const [min, max] = activationRangeQuantized(node.attrs.activation, node.outputs[0]!);
  const fixed = scales.map(quantizeMultiplier);
  const reduced = roundsTwice(node) ? [] : fixed.map(reduceScale);
  const rescale = (sum: number, c: number): number =>
    reduced[c] ? multiplyByReducedMultiplier(sum, reduced[c]) : multiplyByQuantizedMultiplier(sum, fixed[c]!);
  return (sums) => {
    const output = new Int16Array(sums.length);
    for (let at = 0; at < sums.length; )
      for (let c = 0; c < fixed.length; c++, at++) output[at] = clamp(rescale(sums[at]! + bias[c]!, c), min, max);
    return [output];
  };
}

/** As the 8-bit kernels do: where some converter wrote a bias of int32. */
export const roundsTwice = ({ inputs: [, , bias] }: WeightedNode): boolean => bias?.dtype === 'int32';

/** What the C does for a node, as far as its weights decide it. */
interface Arithmetic16x8 {
  readonly twice: boolean;
  readonly wide: boolean; // sums in int64
  readonly near: boolean; // some shift is too short to rescale in 32 bits
  readonly reduced: readonly ReducedScale[];
}

/** Whether no input can take a partial sum out of int32. The node has passed checkQuant. */
export const sumsFitInt32 = (node: WeightedNode, layout: WeightLayout): boolean =>
  roundsTwice(node) || largestSums(node, layout, INT16_REACH).every((sum) => sum < 2 ** 31);

/** From this shift on, x · multiplier / 2^shift comes out of the two halves of x in 32 bits. */
const FAR_SHIFT = 17;

function arithmeticOf(node: WeightedNode, layout: WeightLayout, scales: readonly number[]): Arithmetic16x8 {
  const reduced = scales
    .map(quantizeMultiplier)
    .map(reduceScale)
    .map((scale) => (scale.multiplier === 0 ? { multiplier: 0, shift: FAR_SHIFT } : scale)); // 0 in any shift
  return {
    twice: roundsTwice(node),
    wide: !sumsFitInt32(node, layout),
    near: reduced.some(({ shift }) => shift < FAR_SHIFT),
    reduced,
  };
}

/** weightedCost, for either width: multipliers of 16x8 take half as much, wide biases twice. */
export function anyWidthCost(
  node: WeightedNode,
  layout: WeightLayout,
  windows: number,
  weightsPerWindow: number,
  scalesOf: ScalesOf = effectiveScales,
): Cost {
  const cost = weightedCost(node, layout.channels, windows, weightsPerWindow);
  if (!isInt16(node) || !isPerTensor(node.inputs[0].quant)) return cost;
  const { twice, wide } = arithmeticOf(node, layout, scalesOf(node, layout.channels));
  const saved = (twice ? 0 : 2) - (wide && node.inputs[2] ? bytesPerElement.int32 : 0);
  return { ...cost, weightBytes: cost.weightBytes - saved * layout.channels };
}

export const kernels16x8 = ['thimble_base.h', 'thimble_fixed_point.h', 'thimble_16x8.h'] as const;

/** The constants of a 16x8 layer, and the statement that describes its channels to the kernel under `channels`. */
export function constants16x8(node: WeightedNode, layout: WeightLayout, scales: readonly number[], symbol: string) {
  const { twice, wide, near, reduced } = arithmeticOf(node, layout, scales);
  const [, weights, bias] = node.inputs;
  const [min, max] = activationRangeQuantized(node.attrs.activation, node.outputs[0]!);
  const constants: CArray[] = twice
    ? [...weightedConstants(node, scales, symbol).constants]
    : [
        { name: `${symbol}_weights`, type: 'int8_t', values: dataOf(weights) },
        { name: `${symbol}_multiplier`, type: 'int16_t', values: reduced.map(({ multiplier }) => multiplier) },
        { name: `${symbol}_shift`, type: 'int8_t', values: reduced.map(({ shift }) => shift) },
        ...(bias
          ? [{ name: `${symbol}_bias`, type: wide ? ('int64_t' as const) : ('int32_t' as const), values: dataOf(bias) }]
          : []),
      ];
  const when = (condition: boolean, name: string, type: string): string =>
    condition ? `${symbol}_${name}` : `(const ${type} *)0`;
  const channels = `${symbol}_channels`;
  const statement = `const thimble_channels_16x8 ${channels} = {
    /* bias, in 64 bits */ ${when(bias !== undefined && !wide, 'bias', 'int32_t')}, ${when(bias !== undefined && wide, 'bias', 'int64_t')},
    /* multiplier, in 32 bits, shift */ ${when(!twice, 'multiplier', 'int16_t')}, ${when(twice, 'multiplier', 'int32_t')}, ${symbol}_shift,
    /* wide, near */ ${wide ? 1 : 0}, ${near ? 1 : 0}, /* activation_min, activation_max */ ${min}, ${max} };`;
  return { constants, channels, statement };
}
