/** What a 1x1 convolution and fully_connected are alike: every pixel, or row, times one matrix. */
import { dataOf, perTensorQuant } from '../../core/tensor.js';
import { activationRangeQuantized } from '../activation.js';
import type { CNames, EmittedC, Implementation } from '../op.js';
import type { WeightedNode } from '../weighted-op.js';
import { packPairs, roundUp, unrollOf } from './pack.js';
import { CHANNEL_BYTES, channelWords, type DspScaling, dspScaling, requantizeArguments } from './requantize.js';

export interface Matrix {
  readonly pixels: number;
  readonly inputChannels: number;
  readonly outputChannels: number; // weights are [outputChannels, inputChannels]
  readonly scales: readonly number[];
}

/** With weights of 8 bits and of 16; none where the arithmetic cannot be proved exact. */
export function pointwiseDsp(node: WeightedNode, matrix: Matrix): readonly Implementation[] {
  const depth = roundUp(matrix.inputChannels, 4);
  const weights = dataOf(node.inputs[1]);
  const channels = matrix.scales.map((scale, c) => {
    const own = new Int32Array(depth);
    for (let i = 0; i < matrix.inputChannels; i++) own[i] = weights[c * matrix.inputChannels + i]!;
    return { weights: own, bias: node.inputs[2]?.data?.[c] ?? 0, scale };
  });
  const zeroPoints = [node.inputs[0], node.outputs[0]!].map((tensor) => perTensorQuant(tensor).zeroPoint);
  return [false, true].flatMap((wide) => {
    const scaling = dspScaling(channels, zeroPoints[0]!, zeroPoints[1]!, wide);
    if (!scaling) return [];
    const packed = packPairs(scaledWeights(channels, scaling, wide), wide);
    return [implementation(node, matrix, { wide, scaling, weights: packed })];
  });
}

/** Wide weights hold their channel's 2^k; those of a channel that is flushed to zero do not matter. */
export const scaledWeights = (
  channels: readonly { readonly weights: Int32Array }[],
  scaling: DspScaling,
  wide: boolean,
): readonly Int32Array[] =>
  channels.map(({ weights }, c) => {
    const { k, multiplier } = scaling.channels[c]!;
    if (multiplier === 0) return weights.map(() => 0);
    return wide ? weights.map((weight) => weight * 2 ** k) : weights;
  });

interface Packed {
  readonly wide: boolean;
  readonly scaling: DspScaling;
  readonly weights: Int32Array;
}

function implementation(node: WeightedNode, matrix: Matrix, packed: Packed): Implementation {
  const { pixels, inputChannels, outputChannels } = matrix;
  const depth = roundUp(inputChannels, 4);
  const together = Math.min(pixels, 3);
  const pairs = Math.ceil(outputChannels / 2);
  const unroll = unrollOf(depth / 4, 16);
  // Of a step for two channels: loads of weights and widening, and per pixel a load and four products.
  const step = (packed.wide ? 2 : 5) / together + 5;
  return {
    variant: packed.wide ? 'dsp_wide' : 'dsp',
    instructions: Math.round(
      pixels * pairs * ((depth / 4) * step + 7 + (packed.wide ? 0 : 2) + (9 + unroll) / together) +
        pixels * depth * 2.2 +
        40,
    ),
    codeBytes: 260 + (pixels >= 3 ? 200 + unroll * (packed.wide ? 68 : 80) : 0) + (pixels % 3 > 0 ? 340 : 0),
    weightBytes: packed.weights.length * 4 + roundUp(outputChannels, 2) * CHANNEL_BYTES,
    scratchBytes: roundUp(together * depth * 2, 8),
    overwrites: [0],
    emitC: (names) => emit(node, matrix, packed, names),
  };
}

function emit(
  node: WeightedNode,
  { pixels, inputChannels, outputChannels }: Matrix,
  { wide, scaling, weights }: Packed,
  { symbol, inputs: [inputC], outputs: [outputC], scratch }: CNames,
): EmittedC {
  const depth = roundUp(inputChannels, 4);
  const [min, max] = activationRangeQuantized(node.attrs.activation, node.outputs[0]!);
  const unrolls = [16, 4].map((most) => unrollOf(depth / 4, most));
  return {
    kernels: ['thimble_base.h', 'thimble_dsp.h', 'thimble_conv_2d_s8_dsp.h'],
    qualifier: 'THIMBLE_DSP_FUNCTION',
    constants: [
      { name: `${symbol}_weights`, type: 'int32_t', values: weights },
      { name: `${symbol}_channels`, type: 'int32_t', values: channelWords(scaling, wide) },
    ],
    call: `thimble_conv_2d_s8_dsp_pointwise(
    ${inputC}, /* pixels, channels, depth */ ${pixels}, ${inputChannels}, ${depth},
    ${symbol}_weights, /* wide, unroll, of the last pixels */ ${wide ? 1 : 0}, ${unrolls.join(', ')},
    ${requantizeArguments(node, scaling, symbol)},
    ${outputC}, /* channels */ ${outputChannels}, /* activation_min, activation_max */ ${min}, ${max}, ${scratch});`,
  };
}
