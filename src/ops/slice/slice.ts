/** slice: a box of the input, from `begin` on, `size` long on each axis; a size of −1 reaches to the end. */
import { ThimbleError } from '../../core/errors.js';
import { dataOf, shapeText, type Tensor } from '../../core/tensor.js';
import { MOVE_LOOPS, moves, stepsOf } from '../moves.js';
import { movingOp } from '../moving.js';
import { noOptions } from '../tflite-options.js';

type Attrs = Readonly<Record<string, never>>;
type Inputs = readonly [input: Tensor, begin: Tensor, size: Tensor];

export const slice = movingOp<Attrs, Inputs>({
  name: 'slice',
  inputCount: [3, 3],

  inferShape(inputs) {
    const [{ name, shape }, begin, size] = inputs;
    const sizes = sizesOf(inputs);
    if (!sizes)
      throw new ThimbleError(
        'E_SHAPE',
        `slice of "${name}" ${shapeText(shape)}: "${begin.name}" and "${size.name}" must be constants of one number per ` +
          `axis (at most ${MOVE_LOOPS}) that stay within it and leave at least one element`,
        'Export the model with constant slices.',
      );
    return [sizes];
  },

  movesOf(inputs) {
    const [{ shape }, begin] = inputs;
    const sizes = sizesOf(inputs)!;
    const [from, to] = [stepsOf(shape), stepsOf(sizes)];
    return moves(
      sizes.map((size, axis) => ({ size, from: from[axis]!, to: to[axis]! })),
      from.reduce((first, step, axis) => first + step * dataOf(begin)[axis]!, 0),
    );
  },

  tflite: noOptions(65, 2, 48),
});

/** undefined where the constants do not describe a box. */
function sizesOf([{ shape }, begin, size]: Inputs): number[] | undefined {
  const [starts, sizes] = [begin.data, size.data];
  if (shape.length > MOVE_LOOPS || starts?.length !== shape.length || sizes?.length !== shape.length) return undefined;
  const ends = Array.from(sizes, (count, axis) => (count === -1 ? shape[axis]! : starts[axis]! + count));
  const fits = ends.every((end, axis) => starts[axis]! >= 0 && starts[axis]! < end && end <= shape[axis]!);
  return fits ? ends.map((end, axis) => end - starts[axis]!) : undefined;
}
