/** fully_connected for cores without SIMD: packing, proof and cost of thimble_fully_connected_s8_words.h. */
import { dataOf } from '../../core/tensor.js';
import type { CArray, Implementation } from '../op.js';
import type { WeightedNode } from '../weighted-op.js';
import { channelFlags, outputBounds, scalingOf } from '../words/matrix.js';
import type { WordsScaling } from '../words/requantize.js';

export interface Rows {
  readonly rows: number;
  readonly depth: number;
  readonly units: number;
  readonly scales: readonly number[];
}

/** Instructions a tap and a unit, counted on the emulated cores; ARMv6-M where nothing is said. */
const rates: Readonly<Record<string, readonly [number, number]>> = { 'cortex-m3': [2.5, 18], rv32imc: [4.4, 11] };

/** None where the arithmetic cannot be proved exact. */
export function fullyConnectedWords(node: WeightedNode, shape: Rows, core: string): readonly Implementation[] {
  const { rows, depth, units, scales } = shape;
  const data = dataOf(node.inputs[1]);
  const filters = scales.map((_, c) => Int32Array.from({ length: depth }, (_, i) => data[c * depth + i]!));
  const scaling = scalingOf(node, filters, scales);
  if (!scaling) return [];
  const count = depth === 1 ? 1 : Math.ceil(depth / 4) * 4;
  const padded = Math.ceil(units / 4) * 4;
  const weights = new Uint8Array(padded * count).fill(128);
  for (const [c, filter] of filters.entries())
    for (let k = 0; k < depth; k++)
      if (scaling.channels[c]!.multiplier !== 0) weights[(c - (c % 4)) * count + 4 * k + (c % 4)] = 128 + filter[k]!;
  const uniform = isUniform(scaling);
  const [perTap, perUnit] = rates[core] ?? [3.5, 34];
  return [
    {
      variant: 'words',
      instructions: Math.round(
        rows * (padded * count * perTap + units * perUnit + (uniform ? 0 : 12) * units + depth * 6 + 40),
      ),
      codeBytes: uniform ? 420 : 560,
      weightBytes: weights.length + 4 * padded + (uniform ? 0 : 5 * units),
      scratchBytes: Math.ceil((count * 4) / 8) * 8,
      overwrites: rows === 1 ? [0] : [],
      emitC: ({ symbol, inputs: [inputC], outputs: [outputC], scratch }) => ({
        kernels: ['thimble_base.h', 'thimble_words.h', 'thimble_fully_connected_s8_words.h'],
        qualifier: 'THIMBLE_WORDS_FUNCTION',
        constants: constantsOf(symbol, weights, scaling, padded, uniform),
        call: `thimble_fully_connected_s8_words(
    ${inputC}, /* rows, depth, rounded up */ ${rows}, ${depth}, ${count}, ${symbol}_weights, ${symbol}_biases,
    ${uniform ? scaleLiterals(scaling) : `${symbol}_multipliers, ${symbol}_shifts, /* by unit */ 0, 0`}, ${channelFlags(node, scaling)},
    ${outputC}, /* units */ ${units}, ${outputBounds(node)}, ${scratch});`,
      }),
    },
  ];
}

/** One scale for all, as older converters give this operator: then it is a literal. */
const isUniform = ({ channels: [first, ...others] }: WordsScaling): boolean =>
  others.every(({ multiplier, shift }) => multiplier === first!.multiplier && shift === first!.shift);

const scaleLiterals = ({ channels: [first] }: WordsScaling): string =>
  `(const int32_t *)0, (const uint8_t *)0, /* multiplier, shift */ ${first!.multiplier}, ${first!.shift}`;

function constantsOf(
  symbol: string,
  weights: Uint8Array,
  { channels }: WordsScaling,
  padded: number,
  uniform: boolean,
): readonly CArray[] {
  const biases = Int32Array.from({ length: padded }, (_, c) => channels[c]?.bias ?? 0);
  const shared: CArray[] = [
    { name: `${symbol}_weights`, type: 'uint8_t', values: weights },
    { name: `${symbol}_biases`, type: 'int32_t', values: biases },
  ];
  if (uniform) return shared;
  return [
    ...shared,
    { name: `${symbol}_multipliers`, type: 'int32_t', values: channels.map(({ multiplier }) => multiplier) },
    { name: `${symbol}_shifts`, type: 'uint8_t', values: channels.map(({ shift }) => shift) },
  ];
}
