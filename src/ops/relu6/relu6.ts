/**
 * relu6: min(max(x, 0), 6). TFLite Micro's int8 kernel clamps the bytes in the INPUT's quantization and hands them on,
 * whatever the output's says; this one gives the same bytes. Converters write equal quantization, where it is right.
 */
import { clamp, roundHalfAway } from '../../core/fixed-point.js';
import { perTensorQuant } from '../../core/tensor.js';
import { lookupOp } from '../lookup.js';
import { noOptions } from '../tflite-options.js';

export const relu6 = lookupOp<Record<string, never>>({
  name: 'relu6',
  quantization: { kind: 'same' }, // clamps raw bytes by the input's quantization
  float32: (x) => clamp(x, 0, 6),

  int8({ inputs: [input] }) {
    const { scale, zeroPoint } = perTensorQuant(input);
    const six = clamp(zeroPoint + roundHalfAway(Math.fround(6 / scale)), -128, 127);
    return (q) => clamp(q, zeroPoint, six);
  },

  tflite: noOptions(21, 2),
});
