/** The constants of thimble_avr_rows.h, and the proof that 24 bits hold its sums. */
import { quantizeMultiplier } from '../../core/fixed-point.js';
import { dataOf, perTensorQuant } from '../../core/tensor.js';
import { activationRangeQuantized } from '../activation.js';
import type { CArray } from '../op.js';
import { effectiveScales, type WeightedNode } from '../weighted-op.js';

const LIMIT = 2 ** 23; // of a sum's magnitude: 24 bits
const MOST_TAPS = 1020; // by fours, counted in a byte
const LARGEST_EXPONENT = 16; // more shifts than this would take longer than they are worth

/** A layer of weights as the kernels read it. */
export interface RowChannels {
  readonly taps: number;
  readonly weights: Int8Array; // channel after channel
  readonly channels: Uint8Array; // 8 bytes each
}

/**
 * @param filters the weights of each output channel, of equal length
 * @returns null where the arithmetic is not proved exact, or where the node is none for bytes
 */
export function rowChannels(node: WeightedNode, filters: readonly (readonly number[])[]): RowChannels | null {
  const [input, , bias] = node.inputs;
  if (input.dtype !== 'int8' || node.outputs[0]!.dtype !== 'int8') return null;
  const taps = filters[0]!.length;
  if (taps > MOST_TAPS) return null;
  const { zeroPoint } = perTensorQuant(input);
  const scales = effectiveScales(node, filters.length);
  const channels = new Uint8Array(8 * filters.length);
  const weights = new Int8Array(taps * filters.length);
  for (const [c, filter] of filters.entries()) {
    const { multiplier, shift } = quantizeMultiplier(scales[c]!);
    const exponent = multiplier === 0 ? 1 : -shift; // a scale of nothing: 0 whatever the sum
    if (exponent < 1 || exponent > LARGEST_EXPONENT) return null;
    const folded = (bias?.data?.[c] ?? 0) - zeroPoint * filter.reduce((sum, weight) => sum + weight, 0);
    const magnitude = 128 * filter.reduce((sum, weight) => sum + Math.abs(weight), 0);
    if (Math.abs(folded) + magnitude >= LIMIT) return null;
    const view = new DataView(channels.buffer, 8 * c);
    view.setUint16(0, folded & 0xffff, true);
    view.setInt8(2, folded >> 16);
    view.setUint32(3, 2 * multiplier, true);
    view.setUint8(7, exponent);
    weights.set(filter, taps * c);
  }
  return { taps, weights, channels };
}

/** Filters of weights that lie output channel after output channel. */
export function filtersOf(node: WeightedNode, count: number): readonly (readonly number[])[] {
  const weights = dataOf(node.inputs[1]);
  const taps = weights.length / count;
  return Array.from({ length: count }, (_, c) => Array.from(weights.subarray(c * taps, (c + 1) * taps)));
}

export const rowBytes = ({ weights, channels }: RowChannels): number => weights.length + channels.length;

export const rowConstants = ({ weights, channels }: RowChannels, symbol: string): readonly CArray[] => [
  { name: `${symbol}_weights`, type: 'int8_t', values: weights },
  { name: `${symbol}_channels`, type: 'uint8_t', values: channels },
];

/** Statements that say how sums become outputs, for a block around the call: constants of a structure would take RAM. */
export function rowOutput(node: WeightedNode): string {
  const output = node.outputs[0]!;
  const [min, max] = activationRangeQuantized(node.attrs.activation, output);
  return `thimble_row_output to;

    to.zero_point = ${perTensorQuant(output).zeroPoint};
    to.activation_min = ${min};
    to.activation_max = ${max};`;
}

/** Cycles, counted on avr8js: a tap, and what each output takes beside. */
export const rowCycles = (outputs: number, taps: number): number => outputs * (12.5 * taps + 365);
