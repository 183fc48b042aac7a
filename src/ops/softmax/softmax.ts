/**
 * softmax over the last axis, e^(beta · x) / Σ e^(beta · x). int8 output has scale 1/256 and zero_point −128, as TFLite
 * fixes it. The exponential of an int8 difference takes at most 256 values, so the host makes a table of them.
 */
import { ThimbleError } from '../../core/errors.js';
import {
  clamp,
  multiplyByQuantizedMultiplier,
  quantizeMultiplier,
  roundingDivideByPowerOfTwo,
  roundingDoublingHighMultiply,
} from '../../core/fixed-point.js';
import { dataOf, elementCount, perTensorQuant } from '../../core/tensor.js';
import { expOnNegativeValues, inputRadius, reciprocalOfOnePlus } from '../exponential.js';
import { int8Faults } from '../int8-operands.js';
import type { UnaryInputs, UnaryNode } from '../lookup.js';
import { type OpDef, probability } from '../op.js';
import { versionOf } from '../tflite-options.js';

export interface SoftmaxAttrs {
  readonly beta: number; // a float32 value, positive
}

const INTEGER_BITS = 5; // of beta · scale · (x − max)
const SUM_BITS = 12; // integer bits of Σ e^…, so that up to 4095 terms of at most 1 fit

export const softmax: OpDef<SoftmaxAttrs, UnaryInputs> = {
  name: 'softmax',
  inputCount: [1, 1],
  quantization: probability,

  inferShape([input]) {
    if (input.shape.length === 0 || elementCount(input.shape) === 0)
      throw new ThimbleError(
        'E_SHAPE',
        `softmax needs at least one value on its last axis, but "${input.name}" has shape [${input.shape.join(', ')}]`,
        'Export the model again with a fixed number of classes.',
      );
    return [input.shape];
  },

  checkQuant({ name, inputs: [input], outputs: [output], attrs }) {
    const faults = int8Faults(input, output!);
    if (faults.length > 0) return faults;
    const quant = perTensorQuant(output!);
    if (quant.scale !== 1 / 256 || quant.zeroPoint !== -128)
      faults.push(`the output of softmax "${name}" must have scale 1/256 and zero_point -128`);
    const real = attrs.beta * perTensorQuant(input).scale;
    if (!(real >= 2 ** -26)) faults.push(`softmax "${name}": beta · input scale must be at least 2^-26, not ${real}`);
    if (depthOf(input.shape) >= 2 ** SUM_BITS)
      faults.push(`softmax "${name}" takes at most ${2 ** SUM_BITS - 1} classes, not ${depthOf(input.shape)}`);
    return faults;
  },

  runFloat32({ inputs: [input], attrs }) {
    const x = Float64Array.from(dataOf(input));
    const depth = depthOf(input.shape);
    const result = new Float32Array(x.length);
    for (let begin = 0; begin < x.length; begin += depth) {
      const row = x.subarray(begin, begin + depth);
      const max = row.reduce((a, b) => Math.max(a, b)); // keeps every power at most 1
      const powers = Float64Array.from(row, (value) => Math.exp((value - max) * attrs.beta));
      const sum = powers.reduce((a, b) => a + b, 0);
      for (let i = 0; i < depth; i++) result[begin + i] = powers[i]! / sum;
    }
    return [result];
  },

  runInt8(node) {
    const x = dataOf(node.inputs[0]);
    const depth = depthOf(node.inputs[0].shape);
    const exp = expTable(node);
    const result = new Int8Array(x.length);
    for (let begin = 0; begin < x.length; begin += depth) {
      const end = begin + depth;
      let max = -128;
      for (let i = begin; i < end; i++) max = Math.max(max, x[i]!);
      let sum = 0; // Q12
      for (let i = begin; i < end; i++) sum += roundingDivideByPowerOfTwo(exp[max - x[i]!] ?? 0, SUM_BITS);
      const leadingZeros = Math.clz32(sum);
      const reciprocal = reciprocalOfOnePlus(sum * 2 ** leadingZeros - 2 ** 31);
      const shift = SUM_BITS - leadingZeros + 31 - 8;
      for (let i = begin; i < end; i++) {
        const product = roundingDoublingHighMultiply(reciprocal, exp[max - x[i]!] ?? 0);
        const q = shift > 31 ? 0 : roundingDivideByPowerOfTwo(product, shift); // beyond 31 it is below one half
        result[i] = clamp(q - 128, -128, 127);
      }
    }
    return [result];
  },

  cost: (node) => ({
    macs: 0,
    weightBytes: softmax.checkQuant(node).length === 0 ? 4 * expTable(node).length : 0,
    scratchBytes: 0,
  }),

  emitC(node, { symbol, inputs: [inputC], outputs: [outputC] }) {
    const { shape } = node.inputs[0];
    const exp = expTable(node);
    return {
      kernels: ['thimble_base.h', 'thimble_fixed_point.h', 'thimble_softmax_s8.h'],
      constants: [{ name: `${symbol}_exp`, type: 'int32_t', values: exp }],
      call: `thimble_softmax_s8(
    ${inputC}, /* rows, classes */ ${elementCount(shape) / depthOf(shape)}, ${depthOf(shape)},
    ${symbol}_exp, /* its length */ ${exp.length}, ${outputC});`,
    };
  },

  overwrites: () => [0],

  tflite: {
    builtin: 25,
    options: 9,
    version: (node) => versionOf(node, 2),
    read: (options) => ({ beta: options.float32(0) }),
    write: ({ beta }) => [{ id: 0, type: 'float32', value: beta }],
  },
};

const depthOf = (shape: readonly number[]): number => shape.at(-1) ?? 0;

/** e^(−beta · scale · d) in Q0 for d = 0, 1, …; what lies beyond the table counts as 0, as in TFLite. */
function expTable({ inputs: [input], attrs }: UnaryNode<SoftmaxAttrs>): Int32Array {
  // TFLite caps the scale below 2^31; quantizeMultiplier takes none from 2^30, where only d = 0 is left in either case.
  const real = attrs.beta * perTensorQuant(input).scale * 2 ** (31 - INTEGER_BITS);
  if (real >= 2 ** 30) return Int32Array.of(expOnNegativeValues(0, INTEGER_BITS));
  const toFixedPoint = quantizeMultiplier(real);
  const length = Math.min(inputRadius(INTEGER_BITS, toFixedPoint.shift), 255) + 1;
  return Int32Array.from({ length }, (_, d) =>
    expOnNegativeValues(multiplyByQuantizedMultiplier(-d, toFixedPoint), INTEGER_BITS),
  );
}
