/**
 * quantize: float32 → int8 or int16, or from one integer quantization to another: the door between 8-bit and 16-bit
 * activations. Between two int8 tensors it is a table.
 */
import {
  clamp,
  type FixedPointScale,
  multiplyByQuantizedMultiplier,
  quantizeMultiplier,
} from '../../core/fixed-point.js';
import { quantizeValue } from '../../core/real-to-int8.js';
import {
  type Dtype,
  dataOf,
  elementCount,
  integerRange,
  isInteger,
  isPerTensor,
  perTensorQuant,
  type TensorSpec,
} from '../../core/tensor.js';
import { int8Faults, isInt16 } from '../int8-operands.js';
import { emitLookup, tableOf, type UnaryInputs, type UnaryNode } from '../lookup.js';
import type { OpDef } from '../op.js';
import { noOptions } from '../tflite-options.js';

type Attrs = Readonly<Record<string, never>>;
type QuantizeNode = UnaryNode<Attrs>;

export const quantize: OpDef<Attrs, UnaryInputs> = {
  name: 'quantize',
  inputCount: [1, 1],
  int16: true,
  quantization: null, // made by quantization itself, between two integer tensors
  inferShape: ([input]) => [input.shape],

  checkQuant(node) {
    const {
      inputs: [input],
      outputs: [output],
    } = node;
    const faults = [input, output!].flatMap((tensor) => (tensor.dtype === 'float32' ? [] : integerFaults(tensor)));
    if (output!.dtype === 'float32') faults.push(`"${output!.name}" must be int8 or int16, but is float32`);
    if (faults.length > 0 || input.dtype === 'float32') return faults;
    // |q − zero_point| < 2^16 in 16 bits and 2^8 in 8: multiplied by 2^shift ≤ 2 · multiplier that stays below 2^31.
    const bits = input.dtype === 'int16' ? 14 : 22;
    if (realMultiplier(node) < 2 ** bits) return [];
    return [`quantize "${node.name}": the input scale is more than 2^${bits} times the output scale`];
  },

  /** In real numbers there is nothing to do. */
  runFloat32: ({ inputs: [input] }) => [Float32Array.from(dataOf(input))],

  runInt8(node) {
    const {
      inputs: [input],
      outputs: [output],
    } = node;
    const { scale, zeroPoint } = perTensorQuant(output!);
    const range = rangeOf(output!);
    const quantized =
      input.dtype === 'float32'
        ? (x: number) => quantizeValue(x, scale, zeroPoint, [range[0], range[1]])
        : requantizer(node);
    const values = dataOf(input);
    return [output!.dtype === 'int16' ? Int16Array.from(values, quantized) : Int8Array.from(values, quantized)];
  },

  cost: (node) => ({
    macs: 0,
    weightBytes: node.inputs[0].dtype === 'float32' ? 4 : isTable(node) ? 256 : 0,
    scratchBytes: 0,
  }),

  emitC(node, { symbol, inputs: [inputC], outputs: [outputC] }) {
    const {
      inputs: [input],
      outputs: [output],
    } = node;
    const count = elementCount(input.shape);
    if (isTable(node)) return emitLookup(tableOf(requantizer(node)), count, symbol, inputC!, outputC!);
    const [from, to] = [input, output!].map(({ dtype }) => suffixOf[dtype]);
    const { scale, zeroPoint } = perTensorQuant(output!);
    if (input.dtype === 'float32')
      return {
        kernels: ['thimble_base.h', 'thimble_quantize.h'],
        constants: [{ name: `${symbol}_scale`, type: 'float', values: [scale] }],
        call: `thimble_quantize_f32_${to}(
    ${inputC}, /* elements */ ${count},
    ${symbol}_scale, /* zero_point */ ${zeroPoint}, ${outputC});`,
      };
    const { multiplier, shift } = rescaleOf(node);
    return {
      kernels: ['thimble_base.h', 'thimble_fixed_point.h', 'thimble_quantize_s16.h'],
      constants: [],
      call: `thimble_quantize_${from}_${to}(
    ${inputC}, /* elements */ ${count}, /* zero_point */ ${perTensorQuant(input).zeroPoint},
    /* multiplier, shift */ ${multiplier}, ${shift}, ${outputC}, /* zero_point */ ${zeroPoint});`,
    };
  },

  overwrites: ({ inputs: [input] }) => (input.dtype === 'float32' ? [] : [0]),
  tflite: { ...noOptions(114, 1, 89), version: (node) => (isInt16(node) ? 2 : 1) },
};

const suffixOf: Readonly<Partial<Record<Dtype, string>>> = { int8: 's8', int16: 's16' };

/** One sentence for a tensor that is not int8 or int16 as this operator takes it; here int16 may have a zero_point. */
function integerFaults(tensor: TensorSpec): string[] {
  const { name, dtype, quant } = tensor;
  if (dtype !== 'int16') return int8Faults(tensor);
  if (!isPerTensor(quant)) return [`"${name}" must have one scale and zero_point`];
  const [scale, zeroPoint] = [quant.scale[0]!, quant.zeroPoint[0]!];
  if (!(scale > 0 && scale < Infinity)) return [`the scale of "${name}" must be positive and finite, not ${scale}`];
  const fits = Number.isInteger(zeroPoint) && zeroPoint >= -32768 && zeroPoint <= 32767;
  return fits ? [] : [`the zero_point of "${name}" must be an integer from -32768 to 32767, not ${zeroPoint}`];
}

const rangeOf = ({ dtype }: TensorSpec): readonly [number, number] => integerRange[isInteger(dtype) ? dtype : 'int8'];

const isTable = ({ inputs: [input], outputs: [output] }: QuantizeNode): boolean =>
  input.dtype === 'int8' && output!.dtype === 'int8';

const realMultiplier = ({ inputs: [input], outputs: [output] }: QuantizeNode): number =>
  perTensorQuant(input).scale / perTensorQuant(output!).scale;

const rescaleOf = (node: QuantizeNode): FixedPointScale => quantizeMultiplier(realMultiplier(node));

function requantizer(node: QuantizeNode): (q: number) => number {
  const [input, output] = [perTensorQuant(node.inputs[0]), perTensorQuant(node.outputs[0]!)];
  const rescale = rescaleOf(node);
  const [min, max] = rangeOf(node.outputs[0]!);
  return (q) => clamp(multiplyByQuantizedMultiplier(q - input.zeroPoint, rescale) + output.zeroPoint, min, max);
}
