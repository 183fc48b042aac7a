/** depthwise_conv_2d for Helium: proof and cost of thimble_depthwise_conv_2d_s8_mve.h. */
import { dataOf, perTensorQuant } from '../../core/tensor.js';
import { ringOf } from '../dsp/ring.js';
import { clampsBelowZero, mveCores, outputBounds } from '../mve/matrix.js';
import { channelVectors, mveChannels } from '../mve/requantize.js';
import type { KernelVariant } from '../op.js';
import { effectiveScales, type WeightedInputs } from '../weighted-op.js';
import { togetherIn } from '../words/matrix.js';
import type { DepthwiseConv2dAttrs, DepthwiseConv2dNode, DepthwiseGeometry } from './depthwise_conv_2d.js';

const MOST_TAPS = 121; // products sum up to at most 121 · 128 · 128 …
const LARGEST_BIAS = 2 ** 23; // … and both together to less than 2^24, where float32 is exact
const MOST_ROWS = 11; // THIMBLE_MVE_ROWS

export const depthwiseConv2dMve = (
  geometryOf: (node: DepthwiseConv2dNode) => DepthwiseGeometry,
): KernelVariant<DepthwiseConv2dAttrs, WeightedInputs> => ({
  name: 'mve',
  cores: mveCores,
  implement(node) {
    if (node.inputs[0].dtype !== 'int8' || node.outputs[0]!.dtype !== 'int8') return [];
    const g = geometryOf(node);
    const taps = g.filterHeight * g.filterWidth;
    if (g.depthMultiplier !== 1 || taps > MOST_TAPS || g.filterHeight > MOST_ROWS) return [];
    const { ring, backwards } = ringOf(g, g.outputChannels);
    if (backwards) return []; // one filter a channel never makes an output larger than its input
    const data = dataOf(node.inputs[1]);
    const scales = effectiveScales(node, g.outputChannels);
    const channels = mveChannels(
      scales.map((scale, c) => ({
        weights: Int32Array.from({ length: taps }, (_, tap) => data[tap * g.outputChannels + c]!),
        bias: node.inputs[2]?.data?.[c] ?? 0,
        scale,
      })),
      perTensorQuant(node.inputs[0]).zeroPoint,
    );
    if (!channels?.every(({ bias }) => Math.abs(bias) < LARGEST_BIAS)) return [];
    const weights = Int8Array.from(data, (weight, i) =>
      channels[i % g.outputChannels]!.multiplier === 0 ? 0 : weight,
    );
    const vectors = channelVectors(channels);
    const reach = (g.outputWidth - 1) * g.strideWidth + (g.filterWidth - 1) * g.dilationWidth + 1;
    const columns = Math.max(reach, g.padLeft + g.inputWidth);
    const together = togetherIn(g.outputWidth);
    const blocks = g.outputHeight * Math.ceil(g.outputWidth / together) * Math.ceil(g.outputChannels / 4);
    return [
      {
        variant: 'mve',
        instructions: Math.round(
          blocks * (taps * (1 + 2 * together) + g.filterHeight * 5 + 14 + 10 * together) +
            ((g.inputHeight * g.inputWidth * g.inputChannels) / 4) * 7,
        ),
        codeBytes: 900 + (g.outputWidth % together > 0 ? 400 : 0),
        weightBytes: weights.length + 4 * vectors.length,
        scratchBytes: 16 * (taps + ring * columns),
        overwrites: [0],
        emitC: ({ symbol, inputs: [inputC], outputs: [outputC], scratch }) => ({
          kernels: ['thimble_base.h', 'thimble_mve.h', 'thimble_depthwise_conv_2d_s8_mve.h'],
          qualifier: 'THIMBLE_MVE_FUNCTION',
          constants: [
            { name: `${symbol}_weights`, type: 'int8_t', values: weights },
            { name: `${symbol}_channels`, type: 'int32_t', values: vectors },
          ],
          call: `thimble_depthwise_conv_2d_s8_mve(
    ${inputC}, /* height, width, channels */ ${g.inputHeight}, ${g.inputWidth}, ${g.inputChannels},
    /* zero_point */ ${perTensorQuant(node.inputs[0]).zeroPoint},
    ${symbol}_weights, /* filter */ ${g.filterHeight}, ${g.filterWidth}, /* stride */ ${g.strideHeight}, ${g.strideWidth},
    /* dilation */ ${g.dilationHeight}, ${g.dilationWidth}, /* pad top, left */ ${g.padTop}, ${g.padLeft},
    ${symbol}_channels, /* clamps below zero */ ${clampsBelowZero(node)},
    ${outputC}, /* height, width */ ${g.outputHeight}, ${g.outputWidth}, ${outputBounds(node)},
    ${scratch}, /* together, ring, columns */ ${together}, ${ring}, ${columns});`,
        }),
      },
    ];
  },
});
