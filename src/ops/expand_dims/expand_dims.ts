/** expand_dims: an axis of size 1 more. Which one is a constant; negative ones count from the end of the new shape. */
import { ThimbleError } from '../../core/errors.js';
import { shapeText, type Tensor } from '../../core/tensor.js';
import { axisIn, constantNumber } from '../axis.js';
import { reshapingOp } from '../reshaping.js';

type Attrs = Readonly<Record<string, never>>;

export const expandDims = reshapingOp<Attrs, readonly [input: Tensor, axis: Tensor]>({
  name: 'expand_dims',
  inputCount: [2, 2],

  inferShape([{ name, shape }, axis]) {
    const at = axisIn(constantNumber(axis), shape.length + 1);
    if (at === undefined)
      throw new ThimbleError(
        'E_SHAPE',
        `expand_dims of "${name}" ${shapeText(shape)}: "${axis.name}" must be one constant axis of the result`,
        'Export the model with a constant axis.',
      );
    return [shape.toSpliced(at, 0, 1)];
  },

  tflite: { builtin: 70, options: 52, version: () => 1, read: () => ({}), write: () => [] },
});
