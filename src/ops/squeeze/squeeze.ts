/** squeeze: drops axes of size 1, those of the attribute or, where it names none, all. */
import { ThimbleError } from '../../core/errors.js';
import { shapeText, type Tensor } from '../../core/tensor.js';
import { axisIn } from '../axis.js';
import { reshapingOp } from '../reshaping.js';

export interface SqueezeAttrs {
  readonly axes: readonly number[]; // negative ones count from the end; none = every axis of size 1
}

export const squeeze = reshapingOp<SqueezeAttrs, readonly [input: Tensor]>({
  name: 'squeeze',
  inputCount: [1, 1],
  int16: true,

  inferShape([{ name, shape }], { axes }) {
    const dropped = axes.map((axis) => axisIn(axis, shape.length));
    if (dropped.some((axis) => axis === undefined || shape[axis] !== 1))
      throw new ThimbleError(
        'E_SHAPE',
        `squeeze of the axes ${axes.join(', ')} of "${name}" ${shapeText(shape)}: only axes of size 1 can go`,
        'Export the model with fixed shapes and batch size 1.',
      );
    return [shape.filter((size, axis) => (axes.length === 0 ? size !== 1 : !dropped.includes(axis)))];
  },

  tflite: {
    builtin: 43,
    options: 30,
    version: () => 1,
    read: (options) => ({ axes: options.int32s(0) }),
    write: ({ axes }) => (axes.length > 0 ? [{ id: 0, type: 'int32s', value: axes }] : []),
  },
});
