/**
 * relu6: min(max(x, 0), 6). TFLite Micro's int8 kernel clamps the bytes in the INPUT's quantization and hands them on,
 * whatever the output's says; this one gives the same bytes. Converters write equal quantization, where it is right.
 */
import { clamp, type FixedPointScale, roundHalfAway } from '../../core/fixed-point.js';
import { integerRange, perTensorQuant } from '../../core/tensor.js';
import { isInt16 } from '../int8-operands.js';
import { emitRescale16, lookupOp, type UnaryNode } from '../lookup.js';
import { noOptions, versionOf } from '../tflite-options.js';

export const relu6 = lookupOp<Record<string, never>>({
  name: 'relu6',
  quantization: { kind: 'same' }, // clamps raw bytes by the input's quantization
  float32: (x) => clamp(x, 0, 6),

  int8(node) {
    const [zero, six] = clampOf(node);
    return (q) => clamp(q, zero, six);
  },
  int16: (node, names) => emitRescale16(node, names, ONE, clampOf(node)),

  tflite: { ...noOptions(21, 2), version: (node) => versionOf(node, 2, 3) },
});

/** Multiplies by exactly 1. */
const ONE: FixedPointScale = { multiplier: 2 ** 30, shift: 1 };

/** Zero and six in the input's integers. */
function clampOf(node: UnaryNode<unknown>): readonly [number, number] {
  const { scale, zeroPoint } = perTensorQuant(node.inputs[0]);
  const [lowest, highest] = integerRange[isInt16(node) ? 'int16' : 'int8'];
  return [zeroPoint, clamp(zeroPoint + roundHalfAway(Math.fround(6 / scale)), lowest, highest)];
}
