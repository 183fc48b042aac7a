/** mul: a · b with broadcasting and a fused activation. */
import { multiplyByQuantizedMultiplier, quantizeMultiplier } from '../../core/fixed-point.js';
import { perTensorQuant } from '../../core/tensor.js';
import { activationNumbered } from '../activation.js';
import { type BinaryNode, binaryOp } from '../binary.js';
import { INT16_REACH, isInt16, reachOf } from '../int8-operands.js';
import { activationField, versionOf } from '../tflite-options.js';

export const mul = binaryOp({
  name: 'mul',
  quantization: { kind: 'free', accumulatorStep: 'product' },
  float32: (a, b) => a * b,

  int8(node) {
    const [zeroA, zeroB] = node.inputs.map((tensor) => perTensorQuant(tensor).zeroPoint) as [number, number];
    const rescale = quantizeMultiplier(realMultiplier(node));
    return (a, b) => multiplyByQuantizedMultiplier((a - zeroA) * (b - zeroB), rescale);
  },

  scaleFaults(node) {
    const reach = ({ zeroPoint }: { zeroPoint: number }) => (isInt16(node) ? INT16_REACH : reachOf(zeroPoint));
    const [reachA, reachB] = node.inputs.map((tensor) => reach(perTensorQuant(tensor))) as [number, number];
    const fits = reachA * reachB * Math.max(1, 2 * realMultiplier(node)) < 2 ** 31 - 256; // 2^shift ≤ 2 · multiplier
    return fits ? [] : [`mul "${node.name}" can overflow int32: its input scales are too large for its output scale`];
  },

  kernels: ['thimble_mul_s8.h'],
  kernel: 'thimble_mul_s8',
  int16: { kernels: ['thimble_mul_s16.h'], kernel: 'thimble_mul_s16' },

  kernelArguments(node) {
    const { multiplier, shift } = quantizeMultiplier(realMultiplier(node));
    return `/* multiplier, shift */ ${multiplier}, ${shift}`;
  },

  tflite: {
    builtin: 18,
    options: 21,
    version: (node) => versionOf(node, 2, 4),
    read: (options) => ({ activation: activationNumbered(options.int8(0)) }),
    write: ({ activation }) => [activationField(0, activation)],
  },
});

/** In double and in this order, as TFLite computes it. */
function realMultiplier({ inputs: [a, b], outputs: [output] }: BinaryNode): number {
  return (perTensorQuant(a).scale * perTensorQuant(b).scale) / perTensorQuant(output!).scale;
}
