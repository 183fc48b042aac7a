/** 1x1 convolutions and fully_connected on cores without SIMD. */
import { dataOf } from '../../core/tensor.js';
import type { Implementation } from '../op.js';
import type { WeightedNode } from '../weighted-op.js';
import {
  channelArguments,
  dotInstructions,
  encodedOnly,
  loopBytes,
  matrixBytes,
  matrixConstants,
  outputBounds,
  variantOf,
  weightArguments,
  wordsMatrices,
} from './matrix.js';

export interface Pointwise {
  readonly pixels: number; // or rows
  readonly inputChannels: number;
  readonly outputChannels: number; // weights are [outputChannels, inputChannels]
  readonly scales: readonly number[];
}

const PIXELS = 5; // THIMBLE_WORDS_PIXELS

/** @param encoded whether weights that are all there are left to other kernels */
export function pointwiseWords(
  node: WeightedNode,
  shape: Pointwise,
  core: string,
  encoded: boolean,
): readonly Implementation[] {
  const { pixels, inputChannels, outputChannels, scales } = shape;
  const weights = dataOf(node.inputs[1]);
  const filters = scales.map((_, c) =>
    Int32Array.from({ length: inputChannels }, (_, i) => weights[c * inputChannels + i]!),
  );
  const together = Math.min(pixels, PIXELS);
  const instances = (pixels >= together ? 1 : 0) + (pixels % together > 0 ? 1 : 0);
  const all = wordsMatrices(node, filters, scales, together);
  return (encoded ? encodedOnly(all) : all).map((matrix) => ({
    variant: variantOf(matrix),
    instructions: Math.round(
      dotInstructions(matrix, pixels, outputChannels, together, core) + pixels * inputChannels * 6 + 60,
    ),
    codeBytes: 200 + instances * (360 + loopBytes(matrix, together)),
    weightBytes: matrixBytes(matrix),
    scratchBytes: Math.ceil((matrix.encoding.taps * together * 4) / 8) * 8,
    overwrites: [0],
    emitC: ({ symbol, inputs: [inputC], outputs: [outputC], scratch }) => ({
      kernels: ['thimble_base.h', 'thimble_words.h', 'thimble_conv_2d_s8_words.h'],
      qualifier: 'THIMBLE_WORDS_FUNCTION',
      constants: matrixConstants(matrix, symbol),
      call: `thimble_conv_2d_s8_words_pointwise(
    ${inputC}, /* pixels, channels */ ${pixels}, ${inputChannels}, ${weightArguments(matrix, symbol)},
    /* taps, unroll */ ${matrix.encoding.taps}, ${matrix.encoding.unroll},
    ${channelArguments(node, matrix, symbol)},
    ${outputC}, /* channels */ ${outputChannels}, ${outputBounds(node)},
    ${scratch}, /* together */ ${together});`,
    }),
  }));
}
