/** conv_2d for cores without SIMD: packing, proof and cost of thimble_conv_2d_s8_words.h. */
import { dataOf, perTensorQuant } from '../../core/tensor.js';
import { dspCores } from '../dsp/cores.js';
import type { Implementation, KernelVariant } from '../op.js';
import { slidingWindow } from '../sliding-window.js';
import { effectiveScales, type WeightedInputs } from '../weighted-op.js';
import { wordsCores } from '../words/cores.js';
import {
  channelArguments,
  dotInstructions,
  encodedOnly,
  loopBytes,
  matrixBytes,
  matrixConstants,
  outputBounds,
  togetherIn,
  variantOf,
  type WordsMatrix,
  weightArguments,
  wordsMatrices,
} from '../words/matrix.js';
import { pointwiseWords } from '../words/pointwise.js';
import type { Conv2dAttrs, Conv2dGeometry, Conv2dNode } from './conv_2d.js';

export const conv2dWords = (
  geometryOf: (node: Conv2dNode) => Conv2dGeometry,
): KernelVariant<Conv2dAttrs, WeightedInputs> => ({
  name: 'words',
  cores: [...wordsCores, ...dspCores],
  implement(node, core) {
    if (node.inputs[0].dtype !== 'int8' || node.outputs[0]!.dtype !== 'int8') return [];
    const g = geometryOf(node);
    if (g.groups !== 1) return [];
    const encoded = !wordsCores.includes(core); // those have faster kernels for weights that are all there
    const scales = effectiveScales(node, g.outputChannels);
    const plain = g.filterHeight * g.filterWidth * g.strideHeight * g.strideWidth === 1;
    if (plain && g.padTop === 0 && g.padLeft === 0) {
      const { inputHeight, inputWidth, inputChannels, outputChannels } = g;
      return pointwiseWords(
        node,
        { pixels: inputHeight * inputWidth, inputChannels, outputChannels, scales },
        core,
        encoded,
      );
    }
    const weights = dataOf(node.inputs[1]);
    const taps = g.filterHeight * g.filterWidth * g.inputChannels;
    const filters = scales.map((_, c) => Int32Array.from({ length: taps }, (_, k) => weights[c * taps + k]!));
    const all = wordsMatrices(node, filters, scales, togetherIn(g.outputWidth));
    const window = slidingWindow(g, g.outputChannels);
    return (encoded ? encodedOnly(all) : all).flatMap((matrix) => [
      implementation(node, g, matrix, core, null),
      implementation(node, g, matrix, core, window),
    ]);
  },
});

function implementation(
  node: Conv2dNode,
  g: Conv2dGeometry,
  matrix: WordsMatrix,
  core: string,
  window: ReturnType<typeof slidingWindow> | null,
): Implementation {
  const { taps, unroll } = matrix.encoding;
  const together = togetherIn(g.outputWidth);
  const pixels = g.outputHeight * g.outputWidth;
  const instances = g.outputWidth % together > 0 ? 2 : 1;
  return {
    variant: `${variantOf(matrix)}${window ? '_window' : ''}`,
    instructions: Math.round(
      dotInstructions(matrix, pixels, g.outputChannels, together, core) +
        pixels * (taps * 7 + g.filterHeight * (core === 'rv32imc' ? 120 : 14)) +
        (window ? g.inputHeight * g.inputWidth * g.inputChannels * 14 : 0),
    ),
    codeBytes: 600 + (window ? 160 : 0) + instances * (360 + loopBytes(matrix, together)),
    weightBytes: matrixBytes(matrix),
    scratchBytes: Math.ceil((taps * together * 4 + (window?.bytes ?? 0)) / 8) * 8,
    overwrites: window ? [0] : [],
    emitC: ({ symbol, inputs: [inputC], outputs: [outputC], scratch }) => ({
      kernels: ['thimble_base.h', 'thimble_words.h', 'thimble_conv_2d_s8_words.h'],
      qualifier: 'THIMBLE_WORDS_FUNCTION',
      constants: matrixConstants(matrix, symbol),
      call: `thimble_conv_2d_s8_words(
    ${inputC}, /* height, width, channels */ ${g.inputHeight}, ${g.inputWidth}, ${g.inputChannels},
    /* zero_point */ ${perTensorQuant(node.inputs[0]).zeroPoint},
    ${weightArguments(matrix, symbol)},
    /* filter, taps, unroll */ ${g.filterHeight}, ${g.filterWidth}, ${taps}, ${unroll},
    /* stride */ ${g.strideHeight}, ${g.strideWidth}, /* dilation */ ${g.dilationHeight}, ${g.dilationWidth},
    /* pad top, left */ ${g.padTop}, ${g.padLeft},
    ${channelArguments(node, matrix, symbol)},
    ${outputC}, /* height, width, channels */ ${g.outputHeight}, ${g.outputWidth}, ${g.outputChannels}, ${outputBounds(node)},
    ${scratch}, /* together; rows of a window, backwards */ ${together}, ${window?.rows ?? 0}, ${window?.backwards ? 1 : 0});`,
    }),
  };
}
