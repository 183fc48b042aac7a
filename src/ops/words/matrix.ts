/** Weights with 128 added, and what a call of the kernels says of channels and output. */
import { perTensorQuant } from '../../core/tensor.js';
import { activationRangeInt8 } from '../activation.js';
import type { CArray } from '../op.js';
import type { WeightedNode } from '../weighted-op.js';
import { type WordsScaling, wordsScaling } from './requantize.js';

export interface WordsMatrix {
  readonly taps: number; // rounded up to unroll
  readonly unroll: 16 | 8 | 1;
  readonly weights: Uint8Array; // [channels, taps]
  readonly scaling: WordsScaling;
}

/**
 * @param filters the weights of each output channel, of equal length
 * @returns null where the arithmetic cannot be proved exact
 */
export function wordsMatrix(
  node: WeightedNode,
  filters: readonly Int32Array[],
  scales: readonly number[],
): WordsMatrix | null {
  const used = filters[0]!.length;
  const unroll = used <= 4 ? 1 : used % 16 === 0 ? 16 : 8;
  const taps = Math.ceil(used / unroll) * unroll;
  const scaling = scalingOf(node, filters, scales);
  if (!scaling) return null;
  const weights = new Uint8Array(filters.length * taps).fill(128);
  for (const [c, filter] of filters.entries())
    for (let k = 0; k < used; k++)
      weights[c * taps + k] = 128 + (scaling.channels[c]!.multiplier === 0 ? 0 : filter[k]!);
  return { taps, unroll, weights, scaling };
}

/** The proof for a node's filters; null where it fails. */
export function scalingOf(
  node: WeightedNode,
  filters: readonly Int32Array[],
  scales: readonly number[],
): WordsScaling | null {
  const output = node.outputs[0]!;
  return wordsScaling(
    filters.map((weights, c) => ({ weights, bias: node.inputs[2]?.data?.[c] ?? 0, scale: scales[c]! })),
    perTensorQuant(node.inputs[0]).zeroPoint,
    perTensorQuant(output).zeroPoint,
    activationRangeInt8(node.attrs.activation, output),
  );
}

export const matrixBytes = ({ weights, scaling }: WordsMatrix): number => weights.length + scaling.channels.length * 9;

export const matrixConstants = ({ weights, scaling }: WordsMatrix, symbol: string): readonly CArray[] => [
  { name: `${symbol}_weights`, type: 'uint8_t', values: weights },
  {
    name: `${symbol}_channels`,
    type: 'int32_t',
    values: scaling.channels.flatMap(({ bias, multiplier }) => [bias, multiplier]),
  },
  { name: `${symbol}_shifts`, type: 'uint8_t', values: scaling.channels.map(({ shift }) => shift) },
];

/** `symbol_channels, symbol_shifts` and how sums become outputs. */
export const channelArguments = (
  node: WeightedNode,
  { scaling }: Pick<WordsMatrix, 'scaling'>,
  symbol: string,
): string => `${symbol}_channels, ${symbol}_shifts, ${channelFlags(node, scaling)}`;

export function channelFlags(node: WeightedNode, { saturates }: WordsScaling): string {
  const output = node.outputs[0]!;
  const [min] = activationRangeInt8(node.attrs.activation, output);
  const clamps = min >= perTensorQuant(output).zeroPoint;
  return `/* saturates, clamps below zero */ ${saturates ? 1 : 0}, ${clamps ? 1 : 0}`;
}

/** Zero point and bounds of the output. */
export function outputBounds(node: WeightedNode): string {
  const output = node.outputs[0]!;
  const [min, max] = activationRangeInt8(node.attrs.activation, output);
  return `/* zero_point, activation_min, activation_max */ ${perTensorQuant(output).zeroPoint}, ${min}, ${max}`;
}

/** Predicted, on a Cortex-M0+ or M3: all taps of so many pixels, and what it takes to begin and to end each sum. */
export function dotInstructions(
  { taps, unroll }: WordsMatrix,
  pixels: number,
  outputChannels: number,
  together: number,
  core: string,
): number {
  const perTap = core === 'cortex-m3' ? (2 + together) / together : (2 + 2 * together) / together;
  const perOutput = core === 'cortex-m3' ? 24 : 32;
  const perBlock = 14 + (3 * taps) / unroll;
  return pixels * outputChannels * (taps * perTap + perOutput + perBlock / together);
}

/** Four or five pixels of a row at a time: whichever leaves none over, else five. */
export const togetherIn = (width: number): number =>
  width <= 5 ? width : width % 5 === 0 ? 5 : width % 4 === 0 ? 4 : 5;
