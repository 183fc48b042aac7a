/** relu: max(x, 0), with an output quantization of its own. */
import { clamp, multiplyByQuantizedMultiplier, quantizeMultiplier } from '../../core/fixed-point.js';
import { perTensorQuant } from '../../core/tensor.js';
import { lookupOp, type UnaryNode } from '../lookup.js';
import { noOptions } from '../tflite-options.js';

export const relu = lookupOp<Record<string, never>>({
  name: 'relu',
  quantization: { kind: 'free', accumulatorStep: 'largest' },
  float32: (x) => Math.max(x, 0),

  int8(node) {
    const [input, output] = [perTensorQuant(node.inputs[0]), perTensorQuant(node.outputs[0]!)];
    const rescale = quantizeMultiplier(realMultiplier(node));
    return (q) =>
      clamp(multiplyByQuantizedMultiplier(q - input.zeroPoint, rescale) + output.zeroPoint, output.zeroPoint, 127);
  },

  scaleFaults: (node) =>
    realMultiplier(node) < 2 ** 22 // 255 · 2^shift stays far below 2^31
      ? []
      : [`relu "${node.name}": the input scale is more than 2^22 times the output scale`],

  tflite: noOptions(19, 2),
});

/** TFLite divides in float32 here. */
const realMultiplier = ({ inputs: [input], outputs: [output] }: UnaryNode<unknown>): number =>
  Math.fround(perTensorQuant(input).scale / perTensorQuant(output!).scale);
