/**
 * strided_slice: every stride-th element of each axis from begin to before end, as NumPy's a[begin:end:stride]. All three
 * are constants; a bit of a mask says that an axis begins or ends where it does, or that it is read at begin and goes.
 */
import { ThimbleError } from '../../core/errors.js';
import { clamp } from '../../core/fixed-point.js';
import { dataOf, type Shape, shapeText, type Tensor } from '../../core/tensor.js';
import { MOVE_LOOPS, moves, stepsOf } from '../moves.js';
import { movingOp } from '../moving.js';
import { versionOf } from '../tflite-options.js';

/** Bit i speaks of axis i. */
export interface StridedSliceAttrs {
  readonly beginMask: number;
  readonly endMask: number;
  readonly shrinkAxisMask: number;
}
export type StridedSliceInputs = readonly [input: Tensor, begin: Tensor, end: Tensor, strides: Tensor];

export const stridedSlice = movingOp<StridedSliceAttrs, StridedSliceInputs>({
  name: 'strided_slice',
  inputCount: [4, 4],

  inferShape(inputs, attrs) {
    const axes = slicedAxes(inputs, attrs);
    if (!axes)
      throw new ThimbleError(
        'E_SHAPE',
        `strided_slice of "${inputs[0].name}" ${shapeText(inputs[0].shape)}: begin, end and strides must be constants of ` +
          `one number per axis (at most ${MOVE_LOOPS}), with no stride of 0, that leave at least one element`,
        'Export the model with constant slices.',
      );
    return [axes.filter(({ shrinks }) => !shrinks).map(({ size }) => size)];
  },

  movesOf(inputs, attrs) {
    const axes = slicedAxes(inputs, attrs)!;
    const from = stepsOf(inputs[0].shape);
    const to = stepsOf(axes.map(({ size }) => size));
    return moves(
      axes.map(({ size, stride }, axis) => ({ size, from: stride * from[axis]!, to: to[axis]! })),
      axes.reduce((first, { start }, axis) => first + start * from[axis]!, 0),
    );
  },

  tflite: {
    builtin: 45,
    options: 32,
    version: (node) => versionOf(node, 2),
    read(options) {
      if (options.int32(2) !== 0 || options.int32(3) !== 0 || options.bool(5))
        throw new ThimbleError(
          'E_UNSUPPORTED_OP',
          'strided_slice with an ellipsis, a new axis or ends relative to begins is not supported',
          'Write the slice with one begin and end for each axis, and add axes by a reshape.',
        );
      return { beginMask: options.int32(0), endMask: options.int32(1), shrinkAxisMask: options.int32(4) };
    },
    write: ({ beginMask, endMask, shrinkAxisMask }) => [
      { id: 0, type: 'int32', value: beginMask },
      { id: 1, type: 'int32', value: endMask },
      { id: 4, type: 'int32', value: shrinkAxisMask },
    ],
  },
});

export interface SlicedAxis {
  readonly start: number;
  readonly stride: number;
  readonly size: number; // of the output
  readonly shrinks: boolean; // size 1, and not an axis of the output
}

/** Every axis of the input; undefined where the constants do not describe a slice. */
export function slicedAxes(
  [input, ...constants]: StridedSliceInputs,
  attrs: StridedSliceAttrs,
): SlicedAxis[] | undefined {
  const { shape } = input;
  if (shape.length > MOVE_LOOPS || constants.some(({ data }) => data?.length !== shape.length)) return undefined;
  const [begin, end, strides] = [dataOf(constants[0]), dataOf(constants[1]), dataOf(constants[2])];
  const axes = shape.map((_, axis) => slicedAxis(shape, axis, begin[axis]!, end[axis]!, strides[axis]!, attrs));
  return axes.every(({ size }) => size > 0) ? axes : undefined;
}

function slicedAxis(
  shape: Shape,
  axis: number,
  begin: number,
  end: number,
  stride: number,
  { beginMask, endMask, shrinkAxisMask }: StridedSliceAttrs,
): SlicedAxis {
  const size = shape[axis]!;
  const isSet = (mask: number): boolean => ((mask >> axis) & 1) === 1;
  // Walking backwards, the place before the first element is a place to stop at.
  const [lowest, highest] = stride > 0 ? [0, size] : [-1, size - 1];
  const placed = (index: number): number => clamp(index < 0 ? index + size : index, lowest, highest);
  if (isSet(shrinkAxisMask)) {
    const start = begin < 0 ? begin + size : begin;
    return { start, stride: 1, size: start >= 0 && start < size ? 1 : 0, shrinks: true };
  }
  const [first, last] = stride > 0 ? [lowest, highest] : [highest, lowest];
  const start = isSet(beginMask) ? first : placed(begin);
  const stop = isSet(endMask) ? last : placed(end);
  const count = stride === 0 ? 0 : Math.max(0, Math.ceil((stop - start) / stride));
  return { start, stride, size: count, shrinks: false };
}
