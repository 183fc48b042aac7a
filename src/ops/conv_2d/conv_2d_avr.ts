/** conv_2d and fully_connected for AVR: packing, proof and cost of thimble_conv_2d_s8_avr.h. */
import { dataOf, perTensorQuant } from '../../core/tensor.js';
import {
  type AvrMatrix,
  avrMatrix,
  boundArguments,
  flagArguments,
  matrixArguments,
  matrixBytes,
  matrixConstants,
  pixelInstructions,
} from '../avr/matrix.js';
import type { Implementation, KernelVariant } from '../op.js';
import { slidingWindow } from '../sliding-window.js';
import { effectiveScales, type WeightedInputs, type WeightedNode } from '../weighted-op.js';
import type { Conv2dAttrs, Conv2dGeometry, Conv2dNode } from './conv_2d.js';

/** A layer's part of the functions that all share. */
const SHARED_CODE_BYTES = 250;

export const conv2dAvr = (
  geometryOf: (node: Conv2dNode) => Conv2dGeometry,
): KernelVariant<Conv2dAttrs, WeightedInputs> => ({
  name: 'avr',
  cores: ['avr'],
  implement(node) {
    if (node.inputs[0].dtype !== 'int8' || node.outputs[0]!.dtype !== 'int8') return [];
    const g = geometryOf(node);
    if (g.groups !== 1) return [];
    const scales = effectiveScales(node, g.outputChannels);
    const plain = g.filterHeight * g.filterWidth * g.strideHeight * g.strideWidth === 1;
    if (plain && g.padTop === 0 && g.padLeft === 0) {
      const { inputHeight, inputWidth, inputChannels, outputChannels } = g;
      return pointwiseAvr(node, { pixels: inputHeight * inputWidth, inputChannels, outputChannels, scales });
    }
    const weights = dataOf(node.inputs[1]);
    const taps = g.filterHeight * g.filterWidth * g.inputChannels;
    const filters = scales.map((_, c) => Int32Array.from({ length: taps }, (_, k) => weights[c * taps + k]!));
    const matrix = avrMatrix(node, filters, scales);
    if (!matrix) return [];
    return [null, slidingWindow(g, g.outputChannels)].map((window) => implementation(node, g, matrix, window));
  },
});

function implementation(
  node: Conv2dNode,
  g: Conv2dGeometry,
  matrix: AvrMatrix,
  window: ReturnType<typeof slidingWindow> | null,
): Implementation {
  const pixels = g.outputHeight * g.outputWidth;
  const taps = roundUp8(matrix.taps);
  return {
    variant: window ? 'avr_window' : 'avr',
    instructions: Math.round(
      pixels * (pixelInstructions(matrix, g.outputChannels) + g.filterHeight * g.filterWidth * 90) +
        (window ? g.inputHeight * g.inputWidth * g.inputChannels * 58 : 0),
    ),
    codeBytes: SHARED_CODE_BYTES + 400 + (window ? 400 : 0),
    weightBytes: matrixBytes(matrix),
    scratchBytes: taps + roundUp8(window?.bytes ?? 0),
    overwrites: window ? [0] : [],
    emitC: ({ symbol, inputs: [inputC], outputs: [outputC], scratch }) => ({
      kernels: ['thimble_base.h', 'thimble_avr.h', 'thimble_conv_2d_s8_avr.h'],
      constants: matrixConstants(matrix, symbol),
      call: `thimble_conv_2d_s8_avr(
    ${inputC}, /* height, width, channels */ ${g.inputHeight}, ${g.inputWidth}, ${g.inputChannels},
    /* zero_point */ ${perTensorQuant(node.inputs[0]).zeroPoint},
    ${matrixArguments(symbol)}, /* filter */ ${g.filterHeight}, ${g.filterWidth},
    /* stride */ ${g.strideHeight}, ${g.strideWidth}, /* dilation */ ${g.dilationHeight}, ${g.dilationWidth},
    /* pad top, left */ ${g.padTop}, ${g.padLeft}, ${flagArguments(node, matrix)},
    ${outputC}, /* height, width, channels */ ${g.outputHeight}, ${g.outputWidth}, ${g.outputChannels}, ${boundArguments(node)},
    ${scratch}, /* window, rows, backwards */ ${window ? `${scratch} + ${taps}` : '(int8_t *)0'}, ${window?.rows ?? 0}, ${window?.backwards ? 1 : 0});`,
    }),
  };
}

export interface Pointwise {
  readonly pixels: number; // or rows
  readonly inputChannels: number;
  readonly outputChannels: number; // weights are [outputChannels, inputChannels]
  readonly scales: readonly number[];
}

/** 1x1 convolutions and fully_connected; none where the arithmetic cannot be proved exact. */
export function pointwiseAvr(node: WeightedNode, shape: Pointwise): readonly Implementation[] {
  const { pixels, inputChannels, outputChannels, scales } = shape;
  const weights = dataOf(node.inputs[1]);
  const filters = scales.map((_, c) =>
    Int32Array.from({ length: inputChannels }, (_, i) => weights[c * inputChannels + i]!),
  );
  const matrix = avrMatrix(node, filters, scales);
  if (!matrix) return [];
  return [
    {
      variant: 'avr',
      instructions: Math.round(pixels * (pixelInstructions(matrix, outputChannels) + 90)),
      codeBytes: SHARED_CODE_BYTES + 150,
      weightBytes: matrixBytes(matrix),
      scratchBytes: roundUp8(matrix.taps),
      overwrites: [0],
      emitC: ({ symbol, inputs: [inputC], outputs: [outputC], scratch }) => ({
        kernels: ['thimble_base.h', 'thimble_avr.h', 'thimble_conv_2d_s8_avr.h'],
        constants: matrixConstants(matrix, symbol),
        call: `thimble_conv_2d_s8_avr_pointwise(
    ${inputC}, /* pixels */ ${pixels}, ${matrixArguments(symbol)},
    /* taps */ ${matrix.taps}, ${flagArguments(node, matrix)},
    ${outputC}, /* channels */ ${outputChannels}, ${boundArguments(node)}, ${scratch});`,
      }),
    },
  ];
}

const roundUp8 = (bytes: number): number => Math.ceil(bytes / 8) * 8;
