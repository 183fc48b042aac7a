/** pack: tensors of one shape become one with an axis more, along which they follow each other. */
import { ThimbleError } from '../../core/errors.js';
import { sameShape, shapeText } from '../../core/tensor.js';
import { axisIn } from '../axis.js';
import { joiningOp, MOST_PARTS } from '../parts.js';
import { versionOf } from '../tflite-options.js';

export interface PackAttrs {
  readonly axis: number; // of the output; negative counts from the end
  readonly count: number; // of the inputs, as TFLite writes it too
}

export const pack = joiningOp<PackAttrs>({
  name: 'pack',
  inputCount: [1, MOST_PARTS],

  inferShape(inputs, { axis, count }) {
    const [{ shape }] = inputs;
    const at = axisIn(axis, shape.length + 1);
    if (at === undefined || count !== inputs.length || !inputs.every((input) => sameShape(input.shape, shape)))
      throw new ThimbleError(
        'E_SHAPE',
        `pack of ${count} tensors on axis ${axis}: ${inputs.map((input) => shapeText(input.shape)).join(', ')} must be ` +
          'as many, and of one shape',
        'Check the branches of the model that meet here.',
      );
    return [shape.toSpliced(at, 0, count)];
  },

  axisOf: ([{ shape }], { axis }) => axisIn(axis, shape.length + 1)!,

  tflite: {
    builtin: 83,
    options: 59,
    version: (node) => versionOf(node, 2),
    read: (options) => ({ count: options.int32(0), axis: options.int32(1) }),
    write: ({ count, axis }) => [
      { id: 0, type: 'int32', value: count },
      { id: 1, type: 'int32', value: axis },
    ],
  },
});
