/** depthwise_conv_2d for AVR: packing, proof and cost of thimble_depthwise_conv_2d_s8_avr.h. */
import { dataOf, perTensorQuant } from '../../core/tensor.js';
import {
  type AvrMatrix,
  avrMatrix,
  boundArguments,
  flagArguments,
  matrixArguments,
  matrixBytes,
  matrixConstants,
} from '../avr/matrix.js';
import type { Implementation, KernelVariant } from '../op.js';
import { slidingWindow } from '../sliding-window.js';
import { effectiveScales, type WeightedInputs } from '../weighted-op.js';
import type { DepthwiseConv2dAttrs, DepthwiseConv2dNode, DepthwiseGeometry } from './depthwise_conv_2d.js';

const MOST_COLUMNS = 255; // a counter of 8 bits

export const depthwiseConv2dAvr = (
  geometryOf: (node: DepthwiseConv2dNode) => DepthwiseGeometry,
): KernelVariant<DepthwiseConv2dAttrs, WeightedInputs> => ({
  name: 'avr',
  cores: ['avr'],
  implement(node) {
    if (node.inputs[0].dtype !== 'int8' || node.outputs[0]!.dtype !== 'int8') return [];
    const g = geometryOf(node);
    if (g.depthMultiplier !== 1 || Math.max(g.filterHeight, g.filterWidth) > MOST_COLUMNS) return [];
    const weights = dataOf(node.inputs[1]);
    const taps = g.filterHeight * g.filterWidth;
    const filters = Array.from({ length: g.outputChannels }, (_, c) =>
      Int32Array.from({ length: taps }, (_, tap) => weights[tap * g.outputChannels + c]!),
    );
    const matrix = avrMatrix(node, filters, effectiveScales(node, g.outputChannels));
    if (!matrix) return [];
    const dead = matrix.scaling.channels.map(({ multiplier }) => multiplier === 0);
    const signed = byFours(filters.map((filter, c) => (dead[c] ? filter.map(() => 0) : filter)));
    return [null, slidingWindow(g, g.outputChannels)].map((window) => implementation(node, g, matrix, signed, window));
  },
});

/** [channels / 4, taps, 4], and what is left of the channels [taps] each. */
function byFours(filters: readonly Int32Array[]): Int8Array {
  const bytes: number[] = [];
  for (let c = 0; c < filters.length; ) {
    const together = filters.length - c >= 4 ? 4 : 1;
    for (let tap = 0; tap < filters[0]!.length; tap++)
      for (let i = 0; i < together; i++) bytes.push(filters[c + i]![tap]!);
    c += together;
  }
  return Int8Array.from(bytes);
}

function implementation(
  node: DepthwiseConv2dNode,
  g: DepthwiseGeometry,
  matrix: AvrMatrix,
  signed: Int8Array,
  window: ReturnType<typeof slidingWindow> | null,
): Implementation {
  const outputs = g.outputHeight * g.outputWidth * g.outputChannels;
  return {
    variant: window ? 'avr_window' : 'avr',
    instructions: Math.round(
      outputs * (matrix.taps * 14 + 480) +
        g.outputHeight * g.outputWidth * 220 +
        (window ? g.inputHeight * g.inputWidth * g.inputChannels * 58 : 0),
    ),
    codeBytes: 1400 + (window ? 400 : 0),
    weightBytes: matrixBytes({ ...matrix, weights: new Uint8Array(signed.length) }),
    scratchBytes: window ? Math.ceil(window.bytes / 8) * 8 : 0,
    overwrites: window ? [0] : [],
    emitC: ({ symbol, inputs: [inputC], outputs: [outputC], scratch }) => ({
      kernels: ['thimble_base.h', 'thimble_avr.h', 'thimble_depthwise_conv_2d_s8_avr.h'],
      constants: [
        { name: `${symbol}_weights`, type: 'int8_t', values: signed },
        ...matrixConstants(matrix, symbol).filter(({ name }) => name !== `${symbol}_weights`),
      ],
      call: `thimble_depthwise_conv_2d_s8_avr(
    ${inputC}, /* height, width, channels */ ${g.inputHeight}, ${g.inputWidth}, ${g.inputChannels},
    /* zero_point */ ${perTensorQuant(node.inputs[0]).zeroPoint},
    ${matrixArguments(symbol)}, /* filter */ ${g.filterHeight}, ${g.filterWidth},
    /* stride */ ${g.strideHeight}, ${g.strideWidth}, /* dilation */ ${g.dilationHeight}, ${g.dilationWidth},
    /* pad top, left */ ${g.padTop}, ${g.padLeft}, ${flagArguments(node, matrix)},
    ${outputC}, /* height, width */ ${g.outputHeight}, ${g.outputWidth}, ${boundArguments(node)},
    /* window, rows, backwards */ ${window ? scratch : '(int8_t *)0'}, ${window?.rows ?? 0}, ${window?.backwards ? 1 : 0});`,
    }),
  };
}
