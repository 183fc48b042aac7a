/** add and sub: both operands are brought to one fine scale: 2^20 steps to twice the larger one, in 16 bits 2^15. */
import { type FixedPointScale, multiplyByQuantizedMultiplier, quantizeMultiplier } from '../core/fixed-point.js';
import { perTensorQuant } from '../core/tensor.js';
import type { BinaryNode, BinaryOp } from './binary.js';
import { additiveDsp } from './dsp/additive.js';
import { isInt16 } from './int8-operands.js';
import { additiveMve } from './mve/additive.js';

const LEFT_SHIFT = 2 ** 20;
/** As TFLite has them: both leave a sum room in int32. */
const leftShiftOf = (node: BinaryNode): number => (isInt16(node) ? 2 ** 15 : LEFT_SHIFT);

export interface AdditiveScales {
  readonly a: FixedPointScale;
  readonly b: FixedPointScale;
  readonly output: FixedPointScale;
}

/** @param rounding what TFLite does with each quotient: sub computes them in float32, add in double */
export function additiveArithmetic(
  sign: 1 | -1,
  rounding: (x: number) => number,
): Pick<
  BinaryOp,
  'quantization' | 'float32' | 'int8' | 'scaleFaults' | 'kernels' | 'kernel' | 'int16' | 'kernelArguments' | 'variants'
> {
  const realScales = (node: BinaryNode): [a: number, b: number, output: number] => {
    const { inputs, outputs } = node;
    const [a, b] = inputs.map((tensor) => perTensorQuant(tensor).scale) as [number, number];
    const twiceMax = rounding(2 * Math.max(a, b));
    const output = rounding(leftShiftOf(node) * perTensorQuant(outputs[0]!).scale);
    return [rounding(a / twiceMax), rounding(b / twiceMax), rounding(twiceMax / output)];
  };
  const scalesOf = (node: BinaryNode): AdditiveScales => {
    const [a, b, output] = realScales(node).map(quantizeMultiplier);
    return { a: a!, b: b!, output: output! };
  };
  return {
    quantization: { kind: 'free', accumulatorStep: 'largest' },
    float32: (a, b) => a + sign * b,

    int8(node) {
      const [zeroA, zeroB] = node.inputs.map((tensor) => perTensorQuant(tensor).zeroPoint) as [number, number];
      const scales = scalesOf(node);
      const leftShift = leftShiftOf(node);
      return (a, b) => {
        const x = multiplyByQuantizedMultiplier((a - zeroA) * leftShift, scales.a);
        const y = multiplyByQuantizedMultiplier((b - zeroB) * leftShift, scales.b);
        return multiplyByQuantizedMultiplier(x + sign * y, scales.output);
      };
    },

    scaleFaults(node) {
      const output = realScales(node)[2];
      // From 1 on TFLite's kernel would shift by a negative count.
      const fits = output < 1 && scalesOf(node).output.shift <= 0;
      const least = isInt16(node) ? '2^-14' : '2^-19';
      return fits ? [] : [`"${node.name}": the output scale is less than ${least} of the larger input scale`];
    },

    variants: [additiveDsp(sign, LEFT_SHIFT, scalesOf), additiveMve(sign, scalesOf)],
    kernels: ['thimble_add_s8.h'],
    kernel: 'thimble_add_s8',
    int16: { kernels: ['thimble_add_s16.h'], kernel: 'thimble_add_s16' },

    kernelArguments(node) {
      const { a, b, output } = scalesOf(node);
      return `/* sign of the second */ ${sign},
    /* multiplier, shift */ ${a.multiplier}, ${a.shift}, ${b.multiplier}, ${b.shift}, ${output.multiplier}, ${output.shift}`;
    },
  };
}
