/** fully_connected and 1x1 convolutions on AVR: a row of inputs at a time. */
import type { Implementation } from '../op.js';
import type { WeightedNode } from '../weighted-op.js';
import { filtersOf, rowBytes, rowChannels, rowConstants, rowCycles, rowOutput } from './channels.js';

/** @param rows of inputs, or pixels @param outputs of each: the weights are [outputs, inputs] */
export function avrRows(node: WeightedNode, rows: number, outputs: number): readonly Implementation[] {
  const layer = rowChannels(node, filtersOf(node, outputs));
  if (!layer) return [];
  const { taps } = layer;
  const shape = {
    variant: 'avr_rows',
    weightBytes: rowBytes(layer),
    codeBytes: 190, // of the call; the kernels' own are shared by all layers
  };
  const output = rowOutput(node);
  return [
    {
      ...shape,
      instructions: rows * (rowCycles(outputs, taps) + 60),
      scratchBytes: 0,
      overwrites: [],
      emitC: ({ symbol, inputs: [inputC], outputs: [outputC] }) => ({
        kernels: ['thimble_base.h', 'thimble_avr_rows.h'],
        constants: rowConstants(layer, symbol),
        call: `{
    ${output}
    for (int16_t row = 0; row < ${rows}; row++)
        thimble_row_matrix(${inputC} + row * ${taps}, ${taps}, ${symbol}_weights, ${symbol}_channels, ${outputC} + row * ${outputs}, ${outputs}, &to);
}`,
      }),
    },
    {
      ...shape,
      variant: 'avr_rows_in_place',
      instructions: rows * (rowCycles(outputs, taps) + 60 + 9 * taps),
      scratchBytes: Math.ceil(taps / 8) * 8,
      overwrites: outputs <= taps || rows === 1 ? [0] : [],
      emitC: ({ symbol, inputs: [inputC], outputs: [outputC], scratch }) => ({
        kernels: ['thimble_base.h', 'thimble_avr_rows.h'],
        constants: rowConstants(layer, symbol),
        call: `{
    ${output}
    thimble_row_rows(${inputC}, /* rows, depth */ ${rows}, ${taps}, ${symbol}_weights, ${symbol}_channels, ${outputC}, /* units */ ${outputs}, &to, ${scratch});
}`,
      }),
    },
  ];
}
