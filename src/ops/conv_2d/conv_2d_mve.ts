/** conv_2d for Helium: packing, proof and cost of thimble_conv_2d_s8_mve.h. */
import { dataOf, perTensorQuant } from '../../core/tensor.js';
import {
  clampsBelowZero,
  matrixConstants,
  mveCores,
  mveMatrix,
  outputBounds,
  pointwiseMve,
  productInstructions,
} from '../mve/matrix.js';
import type { Implementation, KernelVariant } from '../op.js';
import { slidingWindow } from '../sliding-window.js';
import { effectiveScales, type WeightedInputs } from '../weighted-op.js';
import type { Conv2dAttrs, Conv2dGeometry, Conv2dNode } from './conv_2d.js';

export const conv2dMve = (
  geometryOf: (node: Conv2dNode) => Conv2dGeometry,
): KernelVariant<Conv2dAttrs, WeightedInputs> => ({
  name: 'mve',
  cores: mveCores,
  implement(node) {
    if (node.inputs[0].dtype !== 'int8' || node.outputs[0]!.dtype !== 'int8') return [];
    const g = geometryOf(node);
    if (g.groups !== 1) return [];
    const scales = effectiveScales(node, g.outputChannels);
    const plain = g.filterHeight * g.filterWidth * g.strideHeight * g.strideWidth === 1;
    if (plain && g.padTop === 0 && g.padLeft === 0) {
      const { inputHeight, inputWidth, inputChannels, outputChannels } = g;
      return pointwiseMve(node, { pixels: inputHeight * inputWidth, inputChannels, outputChannels, scales });
    }
    const window = slidingWindow(g, g.outputChannels);
    return [implementation(node, g, scales, null), implementation(node, g, scales, window)].flatMap(
      (each) => each ?? [],
    );
  },
});

function implementation(
  node: Conv2dNode,
  g: Conv2dGeometry,
  scales: readonly number[],
  window: ReturnType<typeof slidingWindow> | null,
): Implementation | null {
  const weights = dataOf(node.inputs[1]);
  const taps = g.filterHeight * g.filterWidth * g.inputChannels;
  const filters = scales.map((_, c) => Int32Array.from({ length: taps }, (_, k) => weights[c * taps + k]!));
  const matrix = mveMatrix(node, filters, scales);
  if (!matrix) return null;
  const rows = window ? g.outputHeight : 1; // pairs of pixels do not go on from one row of a window to the next
  const pixels = rows * Math.ceil((g.outputHeight * g.outputWidth) / rows / 2) * 2;
  const run = Math.ceil((g.filterWidth * g.inputChannels) / 16);
  return {
    variant: window ? 'mve_window' : 'mve',
    instructions: Math.round(
      productInstructions(matrix, pixels) +
        pixels * g.filterHeight * (16 + run * 6) +
        (window ? g.outputHeight * window.rows * (10 + ((g.inputWidth * g.inputChannels) / 16) * 6) : 0),
    ),
    codeBytes: 900 + (window ? 240 : 0) + (g.outputWidth % 2 > 0 ? 240 : 0),
    weightBytes: 4 * matrix.stream.length,
    scratchBytes: Math.ceil((2 * matrix.depth + (window?.bytes ?? 0)) / 8) * 8,
    overwrites: window ? [0] : [],
    emitC: ({ symbol, inputs: [inputC], outputs: [outputC], scratch }) => ({
      kernels: ['thimble_base.h', 'thimble_mve.h', 'thimble_conv_2d_s8_mve.h'],
      qualifier: 'THIMBLE_MVE_FUNCTION',
      constants: matrixConstants(matrix, symbol),
      call: `thimble_conv_2d_s8_mve(
    ${inputC}, /* height, width, channels */ ${g.inputHeight}, ${g.inputWidth}, ${g.inputChannels},
    /* zero_point */ ${perTensorQuant(node.inputs[0]).zeroPoint},
    ${symbol}_stream, /* filter, depth */ ${g.filterHeight}, ${g.filterWidth}, ${matrix.depth},
    /* stride */ ${g.strideHeight}, ${g.strideWidth}, /* dilation */ ${g.dilationHeight}, ${g.dilationWidth},
    /* pad top, left */ ${g.padTop}, ${g.padLeft},
    /* clamps below zero */ ${clampsBelowZero(node)},
    ${outputC}, /* height, width, channels */ ${g.outputHeight}, ${g.outputWidth}, ${g.outputChannels}, ${outputBounds(node)},
    ${scratch}, /* rows of a window, backwards */ ${window?.rows ?? 0}, ${window?.backwards ? 1 : 0});`,
    }),
  };
}
