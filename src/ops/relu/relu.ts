/** relu: max(x, 0), with an output quantization of its own. */
import { clamp, multiplyByQuantizedMultiplier, quantizeMultiplier } from '../../core/fixed-point.js';
import { perTensorQuant } from '../../core/tensor.js';
import { isInt16 } from '../int8-operands.js';
import { emitRescale16, lookupOp, type UnaryNode } from '../lookup.js';
import { noOptions, versionOf } from '../tflite-options.js';

export const relu = lookupOp<Record<string, never>>({
  name: 'relu',
  quantization: { kind: 'free', accumulatorStep: 'largest' },
  float32: (x) => Math.max(x, 0),

  int8(node) {
    const [input, output] = [perTensorQuant(node.inputs[0]), perTensorQuant(node.outputs[0]!)];
    const rescale = quantizeMultiplier(realMultiplier(node));
    const max = isInt16(node) ? 32767 : 127;
    return (q) =>
      clamp(multiplyByQuantizedMultiplier(q - input.zeroPoint, rescale) + output.zeroPoint, output.zeroPoint, max);
  },

  int16: (node, names) => emitRescale16(node, names, quantizeMultiplier(realMultiplier(node)), [0, 32767]),

  scaleFaults(node) {
    const bits = isInt16(node) ? 14 : 22; // 2^15 · 2^shift, or 255 · 2^shift, stays below 2^31
    if (realMultiplier(node) < 2 ** bits) return [];
    return [`relu "${node.name}": the input scale is more than 2^${bits} times the output scale`];
  },

  tflite: { ...noOptions(19, 2), version: (node) => versionOf(node, 2, 3) },
});

/** TFLite divides in float32 here. */
const realMultiplier = ({ inputs: [input], outputs: [output] }: UnaryNode<unknown>): number =>
  Math.fround(perTensorQuant(input).scale / perTensorQuant(output!).scale);
