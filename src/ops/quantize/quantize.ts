/** quantize: float32 → int8, or int8 → int8 with another scale and zero_point. */
import { clamp, multiplyByQuantizedMultiplier, quantizeMultiplier } from '../../core/fixed-point.js';
import { quantizeValue } from '../../core/real-to-int8.js';
import { dataOf, elementCount, perTensorQuant } from '../../core/tensor.js';
import { int8Faults } from '../int8-operands.js';
import { emitLookup, tableOf, type UnaryInputs, type UnaryNode } from '../lookup.js';
import type { OpDef } from '../op.js';
import { noOptions } from '../tflite-options.js';

type Attrs = Readonly<Record<string, never>>;

export const quantize: OpDef<Attrs, UnaryInputs> = {
  name: 'quantize',
  inputCount: [1, 1],
  quantization: null, // made by quantization itself, between two int8 tensors
  inferShape: ([input]) => [input.shape],

  checkQuant(node) {
    const {
      inputs: [input],
      outputs: [output],
    } = node;
    if (input.dtype === 'float32') return int8Faults(output!);
    const faults = int8Faults(input, output!);
    if (faults.length > 0 || realMultiplier(node) < 2 ** 22) return faults; // 255 · 2^shift stays far below 2^31
    return [`quantize "${node.name}": the input scale is more than 2^22 times the output scale`];
  },

  /** In real numbers there is nothing to do. */
  runFloat32: ({ inputs: [input] }) => [Float32Array.from(dataOf(input))],

  runInt8(node) {
    const {
      inputs: [input],
      outputs: [output],
    } = node;
    const { scale, zeroPoint } = perTensorQuant(output!);
    if (input.dtype === 'float32') return [Int8Array.from(dataOf(input), (x) => quantizeValue(x, scale, zeroPoint))];
    const table = tableOf(requantizer(node));
    return [Int8Array.from(dataOf(input), (q) => table[q + 128]!)];
  },

  cost: ({ inputs: [input] }) => ({ macs: 0, weightBytes: input.dtype === 'float32' ? 4 : 256, scratchBytes: 0 }),

  emitC(node, { symbol, inputs: [inputC], outputs: [outputC] }) {
    const {
      inputs: [input],
      outputs: [output],
    } = node;
    const count = elementCount(input.shape);
    if (input.dtype !== 'float32') return emitLookup(tableOf(requantizer(node)), count, symbol, inputC!, outputC!);
    const { scale, zeroPoint } = perTensorQuant(output!);
    return {
      kernels: ['thimble_base.h', 'thimble_quantize.h'],
      constants: [{ name: `${symbol}_scale`, type: 'float', values: [scale] }],
      call: `thimble_quantize_f32_s8(
    ${inputC}, /* elements */ ${count},
    ${symbol}_scale, /* zero_point */ ${zeroPoint}, ${outputC});`,
    };
  },

  overwrites: ({ inputs: [input] }) => (input.dtype === 'int8' ? [0] : []),
  tflite: noOptions(114, 1, 89),
};

const realMultiplier = ({ inputs: [input], outputs: [output] }: UnaryNode<Attrs>): number =>
  perTensorQuant(input).scale / perTensorQuant(output!).scale;

function requantizer(node: UnaryNode<Attrs>): (q: number) => number {
  const [input, output] = [perTensorQuant(node.inputs[0]), perTensorQuant(node.outputs[0]!)];
  const rescale = quantizeMultiplier(realMultiplier(node));
  return (q) => clamp(multiplyByQuantizedMultiplier(q - input.zeroPoint, rescale) + output.zeroPoint, -128, 127);
}
