/** prelu: x where x ≥ 0, else alpha · x, with an alpha for each channel or element, which broadcasts over the input. */
import { ThimbleError } from '../../core/errors.js';
import { multiplyByQuantizedMultiplier, quantizeMultiplier } from '../../core/fixed-point.js';
import { perTensorQuant, sameShape, shapeText } from '../../core/tensor.js';
import { type BinaryNode, binaryOp } from '../binary.js';
import { reachOf } from '../int8-operands.js';

const twoOperands = binaryOp({
  name: 'prelu',
  quantization: { kind: 'free', accumulatorStep: 'first' },
  float32: (x, alpha) => (x >= 0 ? x : x * alpha),

  int8(node) {
    const [zeroX, zeroAlpha] = zeroPointsOf(node);
    const { identity, slope } = realMultipliers(node);
    const [positive, negative] = [quantizeMultiplier(identity), quantizeMultiplier(slope)];
    return (q, alpha) => {
      const x = q - zeroX;
      return x >= 0
        ? multiplyByQuantizedMultiplier(x, positive)
        : multiplyByQuantizedMultiplier(x * (alpha - zeroAlpha), negative);
    };
  },

  scaleFaults(node) {
    const { identity, slope } = realMultipliers(node);
    const [reachX, reachAlpha] = zeroPointsOf(node).map(reachOf) as [number, number];
    const fits = (reach: number, scale: number): boolean => reach * Math.max(1, 2 * scale) < 2 ** 31 - 256;
    return fits(reachX, identity) && fits(reachX * reachAlpha, slope) // 2^shift ≤ 2 · scale
      ? []
      : [`prelu "${node.name}" can overflow int32: its input scales are too large for its output scale`];
  },

  kernels: ['thimble_prelu_s8.h'],
  kernel: 'thimble_prelu_s8',

  kernelArguments(node) {
    const { identity, slope } = realMultipliers(node);
    const [positive, negative] = [quantizeMultiplier(identity), quantizeMultiplier(slope)];
    return `/* multiplier, shift: from 0 up, below */ ${positive.multiplier}, ${positive.shift}, ${negative.multiplier}, ${negative.shift}`;
  },

  tflite: { builtin: 54, options: 0, version: () => 1, read: () => ({ activation: 'none' }), write: () => [] },
});

export const prelu: typeof twoOperands = {
  ...twoOperands,
  inferShape([input, alpha], attrs) {
    const [shape] = twoOperands.inferShape([input, alpha], attrs);
    if (!sameShape(shape!, input.shape))
      throw new ThimbleError(
        'E_SHAPE',
        `prelu of "${input.name}" ${shapeText(input.shape)}: its alpha "${alpha.name}" ${shapeText(alpha.shape)} is larger`,
        'Give the layer one alpha for each channel (shared_axes=[1, 2]) and export the model again.',
      );
    return [input.shape];
  },
};

const zeroPointsOf = ({ inputs: [input, alpha] }: BinaryNode): [input: number, alpha: number] => [
  perTensorQuant(input).zeroPoint,
  perTensorQuant(alpha).zeroPoint,
];

/** In double and in this order, as TFLite computes them. */
function realMultipliers({ inputs: [input, alpha], outputs: [output] }: BinaryNode) {
  const [inputScale, outputScale] = [perTensorQuant(input).scale, perTensorQuant(output!).scale];
  return { identity: inputScale / outputScale, slope: (inputScale * perTensorQuant(alpha).scale) / outputScale };
}
