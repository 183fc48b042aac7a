/**
 * tanh. TFLite Micro's int8 kernel computes as if the output had scale 1/128 and zero_point 0, whatever it says, and so
 * does this one: the bytes are the same, and a model that says something else is wrong there too.
 */
import {
  clamp,
  multiplyByQuantizedMultiplier,
  quantizeMultiplier,
  roundingDivideByPowerOfTwo,
} from '../../core/fixed-point.js';
import { perTensorQuant } from '../../core/tensor.js';
import { inputRadius, tanhFixedPoint } from '../exponential.js';
import { lookupOp } from '../lookup.js';
import { noOptions } from '../tflite-options.js';

const INTEGER_BITS = 4;

export const tanh = lookupOp<Record<string, never>>({
  name: 'tanh',
  quantization: { kind: 'fixed', scale: 1 / 128, zeroPoint: 0 },
  float32: (x) => Math.tanh(x),

  int8({ inputs: [input] }) {
    const { scale, zeroPoint } = perTensorQuant(input);
    const toFixedPoint = quantizeMultiplier(scale * 2 ** (31 - INTEGER_BITS));
    const radius = inputRadius(INTEGER_BITS, toFixedPoint.shift);
    return (q) => {
      const x = q - zeroPoint;
      if (Math.abs(x) >= radius) return x < 0 ? -128 : 127;
      const y = tanhFixedPoint(multiplyByQuantizedMultiplier(x, toFixedPoint));
      return clamp(roundingDivideByPowerOfTwo(y, 31 - 7), -128, 127);
    };
  },

  scaleFaults({ name, inputs: [input] }) {
    const { scale } = perTensorQuant(input);
    return scale < 2 ** -27 || scale >= 8 ? [`tanh "${name}" cannot take an input scale of ${scale}`] : [];
  },

  tflite: noOptions(28, 2),
});
