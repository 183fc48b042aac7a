/** conv_2d for AVR, one output at a time: what thimble_conv_2d_s8_avr_rows.h is given. */
import { perTensorQuant } from '../../core/tensor.js';
import {
  filtersOf,
  type RowChannels,
  rowBytes,
  rowChannels,
  rowConstants,
  rowCycles,
  rowOutput,
} from '../avr/channels.js';
import { avrRows } from '../avr/rows.js';
import { noWindow } from '../in-place.js';
import type { Implementation, KernelVariant } from '../op.js';
import { type SlidingWindow, slidingWindow } from '../sliding-window.js';
import type { WeightedInputs } from '../weighted-op.js';
import type { Conv2dAttrs, Conv2dGeometry, Conv2dNode } from './conv_2d.js';

export const conv2dAvrRows = (
  geometryOf: (node: Conv2dNode) => Conv2dGeometry,
): KernelVariant<Conv2dAttrs, WeightedInputs> => ({
  name: 'avr_rows',
  cores: ['avr'],
  implement(node) {
    const g = geometryOf(node);
    if (g.groups !== 1) return [];
    const plain = g.filterHeight * g.filterWidth * g.strideHeight * g.strideWidth === 1;
    if (plain && g.padTop === 0 && g.padLeft === 0)
      return avrRows(node, g.inputHeight * g.inputWidth, g.outputChannels);
    const layer = rowChannels(node, filtersOf(node, g.outputChannels));
    if (!layer) return [];
    return [noWindow, slidingWindow(g, g.outputChannels)].map((window) => implementation(node, g, layer, window));
  },
});

function implementation(
  node: Conv2dNode,
  g: Conv2dGeometry,
  layer: RowChannels,
  window: SlidingWindow,
): Implementation {
  const { taps } = layer;
  const slides = window.rows > 0;
  const patchBytes = Math.ceil(taps / 8) * 8;
  const gathered = 9 * taps + 45 * g.filterHeight * g.filterWidth + 100;
  return {
    variant: slides ? 'avr_rows_window' : 'avr_rows',
    instructions:
      g.outputHeight * g.outputWidth * (rowCycles(g.outputChannels, taps) + gathered) +
      (slides ? 30 * g.inputHeight * g.inputWidth * g.inputChannels : 0),
    codeBytes: slides ? 820 : 540,
    weightBytes: rowBytes(layer),
    scratchBytes: patchBytes + Math.ceil(window.bytes / 8) * 8,
    overwrites: slides ? [0] : [],
    emitC: ({ symbol, inputs: [inputC], outputs: [outputC], scratch }) => ({
      kernels: ['thimble_base.h', 'thimble_sliding_window.h', 'thimble_avr_rows.h', 'thimble_conv_2d_s8_avr_rows.h'],
      constants: rowConstants(layer, symbol),
      call: `{
    ${rowOutput(node)}
    thimble_conv_2d_s8_avr_rows(
        ${inputC}, /* height, width, channels */ ${g.inputHeight}, ${g.inputWidth}, ${g.inputChannels}, /* zero_point */ ${perTensorQuant(node.inputs[0]).zeroPoint},
        ${symbol}_weights, /* filter */ ${g.filterHeight}, ${g.filterWidth}, /* stride */ ${g.strideHeight}, ${g.strideWidth},
        /* dilation */ ${g.dilationHeight}, ${g.dilationWidth}, /* pad top, left */ ${g.padTop}, ${g.padLeft}, ${symbol}_channels,
        ${outputC}, /* height, width, channels */ ${g.outputHeight}, ${g.outputWidth}, ${g.outputChannels}, &to, ${scratch},
        /* window, rows, backwards */ ${slides ? `${scratch} + ${patchBytes}` : '(int8_t *)0'}, ${window.rows}, ${window.backwards ? 1 : 0});
}`,
    }),
  };
}
