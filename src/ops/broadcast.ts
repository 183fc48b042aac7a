/** Broadcasting as in TFLite and NumPy: shapes are aligned at the last axis, and a 1 repeats. */
import { ThimbleError } from '../core/errors.js';
import { type Shape, shapeText, type TensorSpec } from '../core/tensor.js';

/** Nested loops over the output, outermost first; a step of 0 repeats an operand's elements. */
export interface BroadcastLoops {
  readonly size: readonly number[]; // LOOPS entries
  readonly aStep: readonly number[];
  readonly bStep: readonly number[];
}

const LOOPS = 5; // thimble_broadcast.h has as many

/** @throws ThimbleError E_SHAPE where an axis has two different sizes, or there are more than 5 axes */
export function broadcastShape(op: string, a: TensorSpec, b: TensorSpec): Shape {
  const rank = Math.max(a.shape.length, b.shape.length);
  const sizes = axesOf(a.shape, rank).map((size, axis): [number, number] => [size, axesOf(b.shape, rank)[axis]!]);
  if (rank > LOOPS || sizes.some(([x, y]) => x !== y && x !== 1 && y !== 1))
    throw new ThimbleError(
      'E_SHAPE',
      `${op}: "${a.name}" ${shapeText(a.shape)} and "${b.name}" ${shapeText(b.shape)} cannot be broadcast to one shape`,
      `Make every axis equal or 1, with at most ${LOOPS} axes, and export the model again.`,
    );
  return sizes.map(([x, y]) => (x === 1 ? y : x));
}

/** Neighbouring axes that both operands walk alike are merged: equal shapes become one loop. */
export function broadcastLoops(a: Shape, b: Shape): BroadcastLoops {
  const rank = Math.max(a.length, b.length);
  const [aAxes, bAxes] = [axesOf(a, rank), axesOf(b, rank)];
  const loops: { size: number; aStep: number; bStep: number }[] = [];
  let [aStride, bStride] = [1, 1];
  for (let axis = rank - 1; axis >= 0; axis--) {
    const [aSize, bSize] = [aAxes[axis]!, bAxes[axis]!];
    const size = aSize === 1 ? bSize : aSize;
    if (size === 1) continue;
    const loop = { size, aStep: aSize === 1 ? 0 : aStride, bStep: bSize === 1 ? 0 : bStride };
    const inner = loops[0];
    if (inner && loop.aStep === inner.aStep * inner.size && loop.bStep === inner.bStep * inner.size)
      loops[0] = { ...inner, size: inner.size * size };
    else loops.unshift(loop);
    aStride *= aSize;
    bStride *= bSize;
  }
  while (loops.length < LOOPS) loops.unshift({ size: 1, aStep: 0, bStep: 0 });
  return {
    size: loops.map(({ size }) => size),
    aStep: loops.map(({ aStep }) => aStep),
    bStep: loops.map(({ bStep }) => bStep),
  };
}

/** Calls `visit` once per output element, in order, with the indices of its operands. */
export function forEachPair(
  { size, aStep, bStep }: BroadcastLoops,
  visit: (out: number, a: number, b: number) => void,
): void {
  let out = 0;
  const walk = (loop: number, a: number, b: number): void => {
    const [count, aBy, bBy] = [size[loop]!, aStep[loop]!, bStep[loop]!];
    if (loop === LOOPS - 1) for (let i = 0; i < count; i++) visit(out++, a + i * aBy, b + i * bBy);
    else for (let i = 0; i < count; i++) walk(loop + 1, a + i * aBy, b + i * bBy);
  };
  walk(0, 0, 0);
}

/** The loops as the initializer of a thimble_broadcast. */
export const loopsText = ({ size, aStep, bStep }: BroadcastLoops): string =>
  `{ /* sizes */ { ${size.join(', ')} }, /* steps */ { ${aStep.join(', ')} }, { ${bStep.join(', ')} } }`;

/** A shape with ones in front, up to `rank` axes. */
const axesOf = (shape: Shape, rank: number): number[] => [...Array<number>(rank - shape.length).fill(1), ...shape];
