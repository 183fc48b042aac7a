/** split: cuts a tensor into equal parts along one axis, which is a constant. */
import { ThimbleError } from '../../core/errors.js';
import { shapeText, type Tensor } from '../../core/tensor.js';
import { axisIn, constantNumber } from '../axis.js';
import { MOST_PARTS, splittingOp } from '../parts.js';
import { versionOf } from '../tflite-options.js';

export interface SplitAttrs {
  readonly count: number; // of the parts
}
type Inputs = readonly [input: Tensor, axis: Tensor];

export const split = splittingOp<SplitAttrs, Inputs>({
  name: 'split',
  inputCount: [2, 2],
  int16: true,

  inferShape([{ name, shape }, axis], { count }) {
    const at = axisIn(constantNumber(axis), shape.length);
    if (at === undefined || !(count > 0 && count <= MOST_PARTS) || shape[at]! % count !== 0)
      throw new ThimbleError(
        'E_SHAPE',
        `split of "${name}" ${shapeText(shape)} into ${count}: "${axis.name}" must be one constant axis that is a ` +
          `multiple of ${count}; at most ${MOST_PARTS} parts`,
        'Export the model with a constant axis and equal parts.',
      );
    return new Array<readonly number[]>(count).fill(shape.with(at, shape[at]! / count));
  },

  axisOf: ([{ shape }, axis]) => axisIn(constantNumber(axis), shape.length)!,

  tflite: {
    builtin: 49,
    options: 35,
    order: [1, 0],
    version: (node) => versionOf(node, 2),
    read: (options) => ({ count: options.int32(0) }),
    write: ({ count }) => [{ id: 0, type: 'int32', value: count }],
  },
});
