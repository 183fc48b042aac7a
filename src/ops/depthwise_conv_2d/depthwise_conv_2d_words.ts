/** depthwise_conv_2d for cores without SIMD: proof and cost of thimble_depthwise_conv_2d_s8_words.h. */
import { dataOf, perTensorQuant } from '../../core/tensor.js';
import { ringOf } from '../dsp/ring.js';
import type { KernelVariant } from '../op.js';
import { effectiveScales, type WeightedInputs } from '../weighted-op.js';
import { wordsCores } from '../words/cores.js';
import { channelArguments, outputBounds, scalingOf, togetherIn } from '../words/matrix.js';
import type { DepthwiseConv2dAttrs, DepthwiseConv2dNode, DepthwiseGeometry } from './depthwise_conv_2d.js';

const MOST_TAPS = 49; // THIMBLE_WORDS_TAPS
const MOST_ROWS = 11; // THIMBLE_WORDS_ROWS

export const depthwiseConv2dWords = (
  geometryOf: (node: DepthwiseConv2dNode) => DepthwiseGeometry,
): KernelVariant<DepthwiseConv2dAttrs, WeightedInputs> => ({
  name: 'words',
  cores: wordsCores,
  implement(node, core) {
    if (node.inputs[0].dtype !== 'int8' || node.outputs[0]!.dtype !== 'int8') return [];
    const g = geometryOf(node);
    const taps = g.filterHeight * g.filterWidth;
    if (g.depthMultiplier !== 1 || taps > MOST_TAPS || g.filterHeight > MOST_ROWS) return [];
    const { ring, backwards } = ringOf(g, g.outputChannels);
    if (backwards) return []; // one filter a channel never makes an output larger than its input
    const weights = dataOf(node.inputs[1]);
    const filters = Array.from({ length: g.outputChannels }, (_, c) =>
      Int32Array.from({ length: taps }, (_, tap) => weights[tap * g.outputChannels + c]!),
    );
    const scaling = scalingOf(node, filters, effectiveScales(node, g.outputChannels));
    if (!scaling) return [];
    const dead = scaling.channels.map(({ multiplier }) => multiplier === 0);
    const reach = (g.outputWidth - 1) * g.strideWidth + (g.filterWidth - 1) * g.dilationWidth + 1;
    const phase = Math.ceil(Math.max(reach, g.padLeft + g.inputWidth) / g.strideWidth);
    const together = togetherIn(g.outputWidth);
    const outputs = g.outputHeight * g.outputWidth * g.outputChannels;
    const plain = g.strideWidth * g.dilationWidth === 1 && g.filterWidth === 3 && together >= 4;
    const factor = core === 'cortex-m3' ? 0.65 : 1;
    const perOutput = core === 'rv32imc' ? 15 + 110 / together : 26 + 206 / together;
    return [
      {
        variant: 'words',
        instructions: Math.round(
          factor *
            (outputs * (taps * (plain ? 2.7 : 5) + perOutput) + g.inputHeight * g.inputWidth * g.inputChannels * 7),
        ),
        codeBytes: 1100,
        weightBytes: g.outputChannels * (taps + 9),
        scratchBytes: Math.ceil((4 * ring * g.strideWidth * phase) / 8) * 8,
        overwrites: [0],
        emitC: ({ symbol, inputs: [inputC], outputs: [outputC], scratch }) => ({
          kernels: ['thimble_base.h', 'thimble_words.h', 'thimble_depthwise_conv_2d_s8_words.h'],
          qualifier: 'THIMBLE_WORDS_FUNCTION',
          constants: [
            {
              name: `${symbol}_weights`,
              type: 'int8_t',
              values: Int8Array.from(filters.flatMap((own, c) => [...own].map((weight) => (dead[c] ? 0 : weight)))),
            },
            {
              name: `${symbol}_channels`,
              type: 'int32_t',
              values: scaling.channels.flatMap(({ bias, multiplier }) => [bias, multiplier]),
            },
            { name: `${symbol}_shifts`, type: 'uint8_t', values: scaling.channels.map(({ shift }) => shift) },
          ],
          call: `thimble_depthwise_conv_2d_s8_words(
    ${inputC}, /* height, width, channels */ ${g.inputHeight}, ${g.inputWidth}, ${g.inputChannels},
    /* zero_point */ ${perTensorQuant(node.inputs[0]).zeroPoint},
    ${symbol}_weights, /* filter */ ${g.filterHeight}, ${g.filterWidth}, /* stride */ ${g.strideHeight}, ${g.strideWidth},
    /* dilation */ ${g.dilationHeight}, ${g.dilationWidth}, /* pad top, left */ ${g.padTop}, ${g.padLeft},
    ${channelArguments(node, { scaling }, symbol)},
    ${outputC}, /* height, width */ ${g.outputHeight}, ${g.outputWidth}, ${outputBounds(node)},
    ${scratch}, /* together, ring, words of a phase */ ${together}, ${ring}, ${phase});`,
        }),
      },
    ];
  },
});
