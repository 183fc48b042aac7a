/** split_v: cuts a tensor along one axis into parts of given sizes, one of which may be −1: what is left. */
import { ThimbleError } from '../../core/errors.js';
import { shapeText, type Tensor } from '../../core/tensor.js';
import { axisIn, constantNumber } from '../axis.js';
import { splittingOp } from '../parts.js';
import { versionOf } from '../tflite-options.js';

export interface SplitVAttrs {
  readonly count: number; // of the parts, as TFLite writes it too
}
type Inputs = readonly [input: Tensor, sizes: Tensor, axis: Tensor];

export const splitV = splittingOp<SplitVAttrs, Inputs>({
  name: 'split_v',
  inputCount: [3, 3],
  int16: true,

  inferShape(inputs, { count }) {
    const [{ name, shape }, sizes, axis] = inputs;
    const at = axisIn(constantNumber(axis), shape.length);
    const parts = at === undefined ? undefined : partSizes(Array.from(sizes.data ?? []), shape[at]!);
    if (at === undefined || !parts || parts.length !== count)
      throw new ThimbleError(
        'E_SHAPE',
        `split_v of "${name}" ${shapeText(shape)} into ${count}: "${axis.name}" must be one constant axis, and ` +
          `"${sizes.name}" as many constant sizes, which add up to that axis`,
        'Export the model with a constant axis and constant sizes.',
      );
    return parts.map((size) => shape.with(at, size));
  },

  axisOf: ([{ shape }, , axis]) => axisIn(constantNumber(axis), shape.length)!,

  tflite: {
    builtin: 102,
    options: 79,
    version: (node) => versionOf(node, 2),
    read: (options) => ({ count: options.int32(0) }),
    write: ({ count }) => [{ id: 0, type: 'int32', value: count }],
  },
});

/** undefined where they do not make up the whole. */
function partSizes(sizes: readonly number[], whole: number): number[] | undefined {
  const given = sizes.reduce((sum, size) => (size === -1 ? sum : sum + size), 0);
  const open = sizes.filter((size) => size === -1).length;
  const parts = sizes.map((size) => (size === -1 ? whole - given : size));
  const fits = open <= 1 && parts.every((size) => size > 0) && parts.reduce((a, b) => a + b, 0) === whole;
  return fits ? parts : undefined;
}
