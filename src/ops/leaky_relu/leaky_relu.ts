/** leaky_relu: x where x ≥ 0, else alpha · x. */
import { clamp, multiplyByQuantizedMultiplier, quantizeMultiplier } from '../../core/fixed-point.js';
import { perTensorQuant } from '../../core/tensor.js';
import { lookupOp, type UnaryNode } from '../lookup.js';
import { versionOf } from '../tflite-options.js';

export interface LeakyReluAttrs {
  readonly alpha: number; // a float32 value
}

export const leakyRelu = lookupOp<LeakyReluAttrs>({
  name: 'leaky_relu',
  quantization: { kind: 'free', accumulatorStep: 'largest' },
  float32: (x, { alpha }) => (x >= 0 ? x : x * alpha),

  int8(node) {
    const [input, output] = [perTensorQuant(node.inputs[0]), perTensorQuant(node.outputs[0]!)];
    const multipliers = realMultipliers(node);
    const identity = quantizeMultiplier(multipliers.identity);
    const slope = quantizeMultiplier(Math.abs(multipliers.slope));
    const sign = Math.sign(multipliers.slope); // TFLite keeps it out of the multiplier: ties round the other way
    return (q) => {
      const x = q - input.zeroPoint;
      const y = x >= 0 ? multiplyByQuantizedMultiplier(x, identity) : sign * multiplyByQuantizedMultiplier(x, slope);
      return clamp(y + output.zeroPoint, -128, 127);
    };
  },

  scaleFaults(node) {
    const { identity, slope } = realMultipliers(node);
    return identity < 2 ** 22 && Math.abs(slope) < 2 ** 22 // 255 · 2^shift stays far below 2^31; refuses NaN, too
      ? []
      : [`leaky_relu "${node.name}": the input scale (times alpha) is more than 2^22 times the output scale`];
  },

  tflite: {
    builtin: 98,
    options: 75,
    version: (node) => versionOf(node, 2),
    read: (options) => ({ alpha: options.float32(0) }),
    write: ({ alpha }) => [{ id: 0, type: 'float32', value: alpha }],
  },
});

/** In float32 and in this order, as TFLite computes them. */
function realMultipliers({ inputs: [input], outputs: [output], attrs }: UnaryNode<LeakyReluAttrs>) {
  const [inputScale, outputScale] = [perTensorQuant(input).scale, perTensorQuant(output!).scale];
  const slope = Math.fround(Math.fround(inputScale * Math.fround(attrs.alpha)) / outputScale);
  return { identity: Math.fround(inputScale / outputScale), slope };
}
