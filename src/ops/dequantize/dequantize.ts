/** dequantize: int8 or int16 → float32, scale · (q − zero_point). */
import { dataOf, elementCount, perTensorQuant } from '../../core/tensor.js';
import { activationFaults } from '../int8-operands.js';
import type { UnaryInputs } from '../lookup.js';
import type { OpDef } from '../op.js';
import { noOptions } from '../tflite-options.js';

export const dequantize: OpDef<Readonly<Record<string, never>>, UnaryInputs> = {
  name: 'dequantize',
  inputCount: [1, 1],
  int16: true,
  quantization: null, // not in a graph that is float32 throughout
  inferShape: ([input]) => [input.shape],

  checkQuant({ inputs: [input], outputs: [output] }) {
    const faults = activationFaults(input);
    if (output!.dtype !== 'float32') faults.push(`"${output!.name}" must be float32, but is ${output!.dtype}`);
    return faults;
  },

  /** In real numbers there is nothing to do. */
  runFloat32: ({ inputs: [input] }) => [Float32Array.from(dataOf(input))],

  /** The product is exact in a double, so that storing it rounds once, as the C's float product does. */
  runInt8({ inputs: [input] }) {
    const { scale, zeroPoint } = perTensorQuant(input);
    return [Float32Array.from(dataOf(input), (q) => scale * (q - zeroPoint))];
  },

  cost: ({ inputs: [input] }) => ({ macs: 0, weightBytes: input.dtype === 'float32' ? 0 : 4, scratchBytes: 0 }),

  emitC({ inputs: [input] }, { symbol, inputs: [inputC], outputs: [outputC] }) {
    const { scale, zeroPoint } = perTensorQuant(input);
    return {
      kernels: ['thimble_base.h', 'thimble_dequantize.h'],
      constants: [{ name: `${symbol}_scale`, type: 'float', values: [scale] }],
      call: `thimble_dequantize_${input.dtype === 'int16' ? 's16' : 's8'}_f32(
    ${inputC}, /* elements */ ${elementCount(input.shape)},
    ${symbol}_scale, /* zero_point */ ${zeroPoint}, ${outputC});`,
    };
  },

  tflite: noOptions(6, 2, 38),
};
