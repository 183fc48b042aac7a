/** logistic: 1 / (1 + e^−x). int8 output has scale 1/256 and zero_point −128, as TFLite fixes it. */
import {
  clamp,
  multiplyByQuantizedMultiplier,
  quantizeMultiplier,
  roundingDivideByPowerOfTwo,
} from '../../core/fixed-point.js';
import { perTensorQuant } from '../../core/tensor.js';
import { inputRadius, logisticFixedPoint } from '../exponential.js';
import { lookupOp } from '../lookup.js';
import { probability } from '../op.js';
import { noOptions } from '../tflite-options.js';

const INTEGER_BITS = 4;

export const logistic = lookupOp<Record<string, never>>({
  name: 'logistic',
  quantization: probability,
  float32: (x) => 1 / (1 + Math.exp(-x)),

  int8({ inputs: [input] }) {
    const { scale, zeroPoint } = perTensorQuant(input);
    const toFixedPoint = quantizeMultiplier(scale * 2 ** (31 - INTEGER_BITS));
    const radius = inputRadius(INTEGER_BITS, toFixedPoint.shift);
    return (q) => {
      const x = q - zeroPoint;
      if (Math.abs(x) >= radius) return x < 0 ? -128 : 127;
      const y = logisticFixedPoint(multiplyByQuantizedMultiplier(x, toFixedPoint));
      return clamp(roundingDivideByPowerOfTwo(y, 31 - 8) - 128, -128, 127);
    };
  },

  scaleFaults({ name, inputs: [input], outputs: [output] }) {
    const faults: string[] = [];
    const { scale } = perTensorQuant(input);
    if (scale < 2 ** -27 || scale >= 8) faults.push(`logistic "${name}" cannot take an input scale of ${scale}`);
    const quant = perTensorQuant(output!);
    if (quant.scale !== 1 / 256 || quant.zeroPoint !== -128)
      faults.push(`the output of logistic "${name}" must have scale 1/256 and zero_point -128`);
    return faults;
  },

  tflite: noOptions(14, 2),
});
