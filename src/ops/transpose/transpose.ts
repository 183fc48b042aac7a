/** transpose: the axes in another order. Axis i of the output is axis permutation[i] of the input; it is a constant. */
import { ThimbleError } from '../../core/errors.js';
import { dataOf, shapeText, type Tensor } from '../../core/tensor.js';
import { MOVE_LOOPS, moves, stepsOf } from '../moves.js';
import { movingOp } from '../moving.js';
import { noOptions } from '../tflite-options.js';

type Attrs = Readonly<Record<string, never>>;
type Inputs = readonly [input: Tensor, permutation: Tensor];

export const transpose = movingOp<Attrs, Inputs>({
  name: 'transpose',
  inputCount: [2, 2],

  inferShape([{ name, shape }, permutation]) {
    const order = Array.from(permutation.data ?? []);
    const rank = shape.length;
    if (order.length !== rank || rank > MOVE_LOOPS || !shape.every((_, axis) => order.includes(axis)))
      throw new ThimbleError(
        'E_SHAPE',
        `transpose of "${name}" ${shapeText(shape)}: "${permutation.name}" must be a constant that names each of its ` +
          `axes once, at most ${MOVE_LOOPS}`,
        'Export the model with a constant permutation.',
      );
    return [order.map((axis) => shape[axis]!)];
  },

  movesOf([{ shape }, permutation]) {
    const order = Array.from(dataOf(permutation));
    const [from, to] = [stepsOf(shape), stepsOf(order.map((axis) => shape[axis]!))];
    return moves(order.map((axis, i) => ({ size: shape[axis]!, from: from[axis]!, to: to[i]! })));
  },

  tflite: noOptions(39, 2, 26),
});
