/** Weights and channels as thimble_avr.h reads them, the proof that 24 bits hold the sums, and what a call says. */
import { perTensorQuant } from '../../core/tensor.js';
import { activationRangeQuantized } from '../activation.js';
import type { CArray } from '../op.js';
import type { WeightedNode } from '../weighted-op.js';
import { channelFlags, scalingOf } from '../words/matrix.js';
import type { WordsScaling } from '../words/requantize.js';

const SUM_LIMIT = 2 ** 23;

export interface AvrMatrix {
  readonly weights: Uint8Array;
  readonly scaling: WordsScaling;
  readonly channels: readonly number[]; // bias, multiplier, rounding of each
  readonly taps: number;
}

/**
 * @param filters the weights of each output channel, of equal length
 * @returns null where the arithmetic cannot be proved exact
 */
export function avrMatrix(
  node: WeightedNode,
  filters: readonly Int32Array[],
  scales: readonly number[],
): AvrMatrix | null {
  const scaling = scalingOf(node, filters, scales);
  if (!scaling) return null;
  const live = filters.map((filter, c) => (scaling.channels[c]!.multiplier === 0 ? filter.map(() => 0) : filter));
  const zeroPoint = perTensorQuant(node.outputs[0]!).zeroPoint;
  const channels: number[] = [];
  for (const [c, filter] of live.entries()) {
    const { bias, multiplier, shift } = scaling.channels[c]!;
    let [total, magnitude] = [0, 0];
    for (const weight of filter) [total, magnitude] = [total + weight, magnitude + Math.abs(weight)];
    if (Math.abs(bias) + 128 * magnitude >= SUM_LIMIT) return null;
    const rounding = (2 ** 10 + 2 ** (shift - 1) + zeroPoint * 2 ** shift) / 2;
    channels.push(bias - 128 * total, multiplier, rounding);
  }
  return { weights: interleaved(live), scaling, channels, taps: filters[0]!.length };
}

/** Four channels in turn, tap by tap; the last one or two by themselves. A group of three gets a channel of zeros. */
function interleaved(filters: readonly Int32Array[]): Uint8Array {
  const bytes: number[] = [];
  for (let c = 0; c < filters.length; ) {
    const together = filters.length - c > 2 ? 4 : 1;
    for (let tap = 0; tap < filters[0]!.length; tap++)
      for (let i = 0; i < together; i++) bytes.push(128 + (filters[c + i]?.[tap] ?? 0));
    c += together;
  }
  return Uint8Array.from(bytes);
}

export const matrixBytes = ({ weights, scaling }: AvrMatrix): number => weights.length + 13 * scaling.channels.length;

export const matrixConstants = ({ weights, scaling, channels }: AvrMatrix, symbol: string): readonly CArray[] => [
  { name: `${symbol}_weights`, type: 'uint8_t', values: weights },
  { name: `${symbol}_channels`, type: 'int32_t', values: channels },
  { name: `${symbol}_shifts`, type: 'uint8_t', values: scaling.channels.map(({ shift }) => shift) },
];

export const matrixArguments = (symbol: string): string => `${symbol}_weights, ${symbol}_channels, ${symbol}_shifts`;

export const flagArguments = (node: WeightedNode, { scaling }: AvrMatrix): string => channelFlags(node, scaling);

export function boundArguments(node: WeightedNode): string {
  const [min, max] = activationRangeQuantized(node.attrs.activation, node.outputs[0]!);
  return `/* activation_min, activation_max */ ${min}, ${max}`;
}

/** Cycles for one pixel: its products, and from sums to outputs. Counted on the emulated core. */
export const pixelInstructions = ({ taps }: AvrMatrix, outputs: number): number =>
  225 + Math.ceil(outputs / 4) * (taps * 36 + 90) + outputs * 396 + taps * 13;
