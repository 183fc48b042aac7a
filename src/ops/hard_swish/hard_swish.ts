/** hard_swish: x · relu6(x + 3) / 6. int8 in 16-bit fixed point, step by step as TFLite's reference kernel has it. */
import { clamp, quantizeMultiplier, roundingDivideByPowerOfTwo } from '../../core/fixed-point.js';
import { perTensorQuant } from '../../core/tensor.js';
import { lookupOp, type UnaryNode } from '../lookup.js';
import { noOptions } from '../tflite-options.js';

const INT16_MIN = -32768;
const INT16_MAX = 32767;
const saturate = (x: number): number => clamp(x, INT16_MIN, INT16_MAX);

export const hardSwish = lookupOp<Record<string, never>>({
  name: 'hard_swish',
  quantization: { kind: 'free', accumulatorStep: 'largest' },
  float32: (x) => (x * clamp(x + 3, 0, 6)) / 6,

  int8(node) {
    const [input, output] = [perTensorQuant(node.inputs[0]), perTensorQuant(node.outputs[0]!)];
    const { toOutput, toReluish } = scalesOf(node);
    return (q) => {
      const x = (q - input.zeroPoint) * 128; // 7 bits more resolution, still within int16
      const beforeShift = roundingHighMultiply(x, toOutput.multiplier);
      const reluish = Math.floor((rescaleToReluish(x, toReluish) + 32768) / 2); // (x + 3) / 6, Q15, in [0, 1)
      const product = truncatingHighMultiply(reluish, beforeShift);
      return clamp(roundingDivideByPowerOfTwo(product, -toOutput.shift) + output.zeroPoint, -128, 127);
    };
  },

  scaleFaults(node) {
    const { toOutput, toReluish } = scalesOf(node);
    const fits = toOutput.shift <= 0 && toOutput.shift >= -15 && toReluish.shift <= 15 && toReluish.shift >= -15;
    return fits ? [] : [`hard_swish "${node.name}": input and output scale are too far apart for 16-bit arithmetic`];
  },

  tflite: noOptions(117, 1, 91),
});

interface Scale16 {
  readonly multiplier: number; // Q15
  readonly shift: number;
}

/** TFLite computes both ratios in float32. */
function scalesOf({ inputs: [input], outputs: [output] }: UnaryNode<unknown>): {
  toOutput: Scale16;
  toReluish: Scale16;
} {
  const fineScale = Math.fround(perTensorQuant(input).scale / 128);
  const reluishScale = Math.fround(3 / 32768);
  return {
    toOutput: scale16(Math.fround(fineScale / perTensorQuant(output!).scale)),
    toReluish: scale16(Math.fround(fineScale / reluishScale)),
  };
}

function scale16(real: number): Scale16 {
  const { multiplier, shift } = quantizeMultiplier(clamp(real, 0, 2 ** 29)); // what lies beyond, scaleFaults refuses
  return { multiplier: Math.min((multiplier + 0x8000) >> 16, INT16_MAX), shift };
}

/** x to units of 3/32768, saturating where |x| passes 3. The last left shift comes after the multiply, as in TFLite. */
function rescaleToReluish(x: number, { multiplier, shift }: Scale16): number {
  if (shift > 0) return saturate(roundingHighMultiply(saturate(x * 2 ** (shift - 1)), multiplier) * 2);
  return roundingDivideByPowerOfTwo(roundingHighMultiply(x, multiplier), -shift);
}

/** a · b / 2^15, rounded to nearest with ties up: multipliers are never negative, so nothing saturates. */
const roundingHighMultiply = (a: number, b: number): number => Math.floor((a * b + 0x4000) / 0x8000);

/** The same without rounding, towards zero. */
const truncatingHighMultiply = (a: number, b: number): number => Math.trunc((a * b) / 0x8000);
