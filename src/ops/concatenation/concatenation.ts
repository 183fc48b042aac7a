/** concatenation along any axis. int8 copies bytes, so all tensors must have equal quantization. */
import { ThimbleError } from '../../core/errors.js';
import { shapeText } from '../../core/tensor.js';
import { axisIn } from '../axis.js';
import { joiningOp, MOST_PARTS } from '../parts.js';
import { refuseActivation, versionOf } from '../tflite-options.js';

export interface ConcatenationAttrs {
  readonly axis: number; // negative counts from the end
}

export const concatenation = joiningOp<ConcatenationAttrs>({
  name: 'concatenation',
  inputCount: [1, MOST_PARTS],
  int16: true,

  inferShape(inputs, { axis }) {
    const [first] = inputs;
    const at = axisIn(axis, first.shape.length);
    const fits = inputs.every(
      ({ shape }) =>
        shape.length === first.shape.length && shape.every((size, i) => i === at || size === first.shape[i]),
    );
    if (!fits || at === undefined)
      throw new ThimbleError(
        'E_SHAPE',
        `concatenation on axis ${axis} of ${inputs.map(({ shape }) => shapeText(shape)).join(', ')}: ` +
          'shapes must be equal on every other axis',
        'Check the branches of the model that meet here.',
      );
    return [first.shape.map((size, i) => (i === at ? inputs.reduce((sum, { shape }) => sum + shape[i]!, 0) : size))];
  },

  axisOf: ([{ shape }], { axis }) => axisIn(axis, shape.length)!,

  tflite: {
    builtin: 2,
    options: 10,
    version: (node) => versionOf(node, 2, 3),
    read(options) {
      refuseActivation(options, 1, 'concatenation');
      return { axis: options.int32(0) };
    },
    write: ({ axis }) => [{ id: 0, type: 'int32', value: axis }],
  },
});
