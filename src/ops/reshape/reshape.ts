/**
 * reshape: the same elements under another shape, one size of which may be −1. The shape is the attribute, or where
 * that is absent the constant second input, as TFLite writes it.
 */
import { ThimbleError } from '../../core/errors.js';
import { elementCount, type Shape, shapeText, type Tensor } from '../../core/tensor.js';
import { reshapingOp } from '../reshaping.js';

export interface ReshapeAttrs {
  readonly newShape: Shape | null; // null = the second input says
}
type Inputs = readonly [input: Tensor, shape?: Tensor | undefined];

export const reshape = reshapingOp<ReshapeAttrs, Inputs>({
  name: 'reshape',
  inputCount: [1, 2],
  int16: true,

  inferShape([input, shape], { newShape }) {
    const wanted = shape?.data ? Array.from(shape.data) : newShape;
    const result = wanted && fillIn(wanted, elementCount(input.shape));
    if (!result)
      throw new ThimbleError(
        'E_SHAPE',
        `reshape of "${input.name}" ${shapeText(input.shape)} to ${wanted ? shapeText(wanted) : 'a shape that is computed'} is not possible`,
        'Export the model with fixed shapes and batch size 1.',
      );
    return [result];
  },

  tflite: {
    builtin: 22,
    options: 17,
    version: () => 1,
    read(options) {
      const newShape = options.int32s(0);
      return { newShape: newShape.length > 0 ? newShape : null };
    },
    write: ({ newShape }) => (newShape ? [{ id: 0, type: 'int32s', value: newShape }] : []),
  },
});

/** Replaces one −1 by what is left of `count`; undefined where the sizes do not multiply to it. */
function fillIn(sizes: readonly number[], count: number): Shape | undefined {
  const known = elementCount(sizes.filter((size) => size !== -1));
  const unknown = sizes.filter((size) => size === -1).length;
  const filled = sizes.map((size) => (size === -1 ? count / known : size));
  const valid = unknown <= 1 && filled.every((size) => Number.isInteger(size) && size >= 0);
  return valid && elementCount(filled) === count ? filled : undefined;
}
