/** Filters packed for thimble_mve_pixels, and what 1x1 convolutions and fully_connected share. */
import type { Core } from '../../core/board-spec.js';
import { dataOf, perTensorQuant } from '../../core/tensor.js';
import { activationRangeQuantized } from '../activation.js';
import type { CArray, Implementation } from '../op.js';
import type { WeightedNode } from '../weighted-op.js';
import { channelVectors, mveChannels } from './requantize.js';

export const mveCores: readonly Core[] = ['cortex-m55'];

export interface MveMatrix {
  readonly depth: number; // taps of a filter, rounded up to 16
  readonly groups: number; // of four channels
  readonly stream: Int32Array; // by groups: of each channel in turn 16 taps, for all taps, then the group's vectors
}

/** Null where the arithmetic cannot be proved exact. */
export function mveMatrix(
  node: WeightedNode,
  filters: readonly Int32Array[],
  scales: readonly number[],
): MveMatrix | null {
  const channels = mveChannels(
    filters.map((weights, c) => ({ weights, bias: node.inputs[2]?.data?.[c] ?? 0, scale: scales[c]! })),
    perTensorQuant(node.inputs[0]).zeroPoint,
  );
  if (!channels) return null;
  const taps = filters[0]!.length;
  const depth = Math.ceil(taps / 16) * 16;
  const groups = Math.ceil(filters.length / 4);
  const vectors = channelVectors(channels);
  const words = depth + 12; // of a group: 4 · depth bytes, and its vectors
  const stream = new Int32Array(groups * words);
  const bytes = new Int8Array(stream.buffer);
  for (const [c, filter] of filters.entries())
    for (let k = 0; k < taps; k++)
      if (channels[c]!.multiplier !== 0)
        bytes[4 * words * Math.floor(c / 4) + 4 * (k - (k % 16)) + 16 * (c % 4) + (k % 16)] = filter[k]!;
  for (let group = 0; group < groups; group++)
    stream.set(vectors.subarray(12 * group, 12 * group + 12), words * group + depth);
  return { depth, groups, stream };
}

export const matrixConstants = ({ stream }: MveMatrix, symbol: string): readonly CArray[] => [
  { name: `${symbol}_stream`, type: 'int32_t', values: stream },
];

export const clampsBelowZero = (node: WeightedNode): number => {
  const output = node.outputs[0]!;
  return activationRangeQuantized(node.attrs.activation, output)[0] >= perTensorQuant(output).zeroPoint ? 1 : 0;
};

export function outputBounds(node: WeightedNode): string {
  const output = node.outputs[0]!;
  const [min, max] = activationRangeQuantized(node.attrs.activation, output);
  return `/* zero_point, activation_min, activation_max */ ${perTensorQuant(output).zeroPoint}, ${min}, ${max}`;
}

/** Predicted, for pairs of pixels: 14 instructions a step of 16 taps of 4 channels, and what begins and ends them. */
export const productInstructions = ({ depth, groups }: MveMatrix, pixels: number): number =>
  pixels === 1 ? groups * ((depth / 16) * 14 + 14) : Math.ceil(pixels / 2) * groups * ((depth / 16) * 15 + 36);

export interface Pointwise {
  readonly pixels: number; // or rows
  readonly inputChannels: number;
  readonly outputChannels: number; // weights are [outputChannels, inputChannels]
  readonly scales: readonly number[];
}

export function pointwiseMve(node: WeightedNode, shape: Pointwise): readonly Implementation[] {
  const { pixels, inputChannels, outputChannels, scales } = shape;
  const data = dataOf(node.inputs[1]);
  const filters = scales.map((_, c) =>
    Int32Array.from({ length: inputChannels }, (_, i) => data[c * inputChannels + i]!),
  );
  const matrix = mveMatrix(node, filters, scales);
  if (!matrix) return [];
  return [
    {
      variant: 'mve',
      instructions: Math.round(
        productInstructions(matrix, pixels) + pixels * (10 + (inputChannels / 16) * 5) + (pixels === 1 ? 0 : 40),
      ),
      codeBytes: pixels > 1 && pixels % 2 > 0 ? 700 : 460,
      weightBytes: 4 * matrix.stream.length,
      scratchBytes: (pixels > 1 ? 2 : 1) * matrix.depth,
      overwrites: [0],
      emitC: ({ symbol, inputs: [inputC], outputs: [outputC], scratch }) => ({
        kernels: ['thimble_base.h', 'thimble_mve.h', 'thimble_conv_2d_s8_mve.h'],
        qualifier: 'THIMBLE_MVE_FUNCTION',
        constants: matrixConstants(matrix, symbol),
        call: `thimble_conv_2d_s8_mve_pointwise(
    ${inputC}, /* pixels, channels */ ${pixels}, ${inputChannels}, ${symbol}_stream, /* depth */ ${matrix.depth},
    /* clamps below zero */ ${clampsBelowZero(node)},
    ${outputC}, /* channels */ ${outputChannels}, ${outputBounds(node)}, ${scratch});`,
      }),
    },
  ];
}
