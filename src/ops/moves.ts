/**
 * Moving elements without looking at them: nested loops with a step through the source and one through the target.
 * Transposing, slicing, joining and splitting differ in the loops alone; one kernel serves them all.
 */
import type { Shape, TypedArray } from '../core/tensor.js';
import type { MoveWork } from './op.js';

/** In elements. Outermost first, the target's order: the kernel writes front to back. */
export interface MoveLoop {
  readonly size: number;
  readonly from: number; // step through the source; 0 repeats, below 0 walks backwards
  readonly to: number; // step through the target
}

export interface Moves {
  readonly first: number; // where the source is read first
  readonly loops: readonly MoveLoop[]; // at most LOOPS once they are merged
  readonly into: number; // where the target is written first
}

/** thimble_move_s8.h has as many loops; TFLite Micro moves no more axes either. */
export const MOVE_LOOPS = 5;

export const moves = (loops: readonly MoveLoop[], first = 0, into = 0): Moves => ({
  first,
  loops: mergeLoops(loops),
  into,
});

/** Without loops of size 1, and with neighbours merged where both sides walk on as if they were one. */
function mergeLoops(loops: readonly MoveLoop[]): MoveLoop[] {
  const merged: MoveLoop[] = [];
  for (const loop of loops.toReversed()) {
    if (loop.size === 1) continue;
    const inner = merged[0];
    if (inner && loop.from === inner.from * inner.size && loop.to === inner.to * inner.size)
      merged[0] = { ...inner, size: inner.size * loop.size };
    else merged.unshift(loop);
  }
  return merged;
}

/** The step of each axis of a tensor that lies row by row. */
export const stepsOf = (shape: Shape): number[] => {
  const steps = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) steps[axis] = steps[axis + 1]! * shape[axis + 1]!;
  return steps;
};

/** Whether every element stays at its place, so that only the shape differs. */
export const staysInPlace = ({ first, into, loops }: Moves): boolean =>
  first === into && loops.every(({ from, to }) => from === 1 && to === 1) && loops.length <= 1;

/**
 * Whether the target may lie on the source's first bytes: it is written front to back, and each element is read from
 * where it will lie or from behind.
 */
export const mayOverwrite = ({ first, into, loops }: Moves): boolean =>
  first >= into && loops.every(({ from, to }) => from >= to && to > 0);

export function moveElements(source: TypedArray, { first, loops, into }: Moves, target: TypedArray): void {
  const walk = (depth: number, from: number, to: number): void => {
    const loop = loops[depth];
    if (!loop) target[to] = source[from]!;
    else for (let i = 0; i < loop.size; i++) walk(depth + 1, from + i * loop.from, to + i * loop.to);
  };
  walk(0, first, into);
}

const SHORTEST_RUN = 4; // elements; as in thimble_move_s8.h

/** What the kernel does for these moves. Tensors begin where words do. */
export function moveWork(each: readonly Moves[], wide: boolean): MoveWork {
  let [words, single, runs] = [0, 0, 0];
  for (const { first, into, loops } of each) {
    const inner = loops.at(-1) ?? { size: 1, from: 1, to: 1 };
    const count = loops.slice(0, -1).reduce((product, { size }) => product * size, 1);
    const steps = [first, into, ...loops.slice(0, -1).flatMap(({ from, to }) => [from, to])];
    const inARow = inner.from === 1 && inner.to === 1 && inner.size >= SHORTEST_RUN;
    const byWords = !wide && inARow && steps.every((step) => step % 4 === 0);
    runs += count;
    words += byWords ? count * Math.floor(inner.size / 4) : 0;
    single += count * (byWords ? inner.size % 4 : inner.size);
  }
  return { words, single, runs };
}

export const moveKernels = (wide: boolean): readonly string[] => [
  'thimble_base.h',
  ...['operand', 'move'].map((kernel) => `thimble_${kernel}_${wide ? 's16' : 's8'}.h`),
];

/**
 * The call of the kernel, with its loops under a name of their own.
 * @param wide whether the elements are int16
 * @param source pointer of the source; in program memory where `inFlash`
 */
export function moveCall(
  name: string,
  wide: boolean,
  each: Moves,
  source: string,
  inFlash: boolean,
  target: string,
): string {
  const type = wide ? 's16' : 's8';
  const loops = [...each.loops];
  while (loops.length < MOVE_LOOPS) loops.unshift({ size: 1, from: 0, to: 0 });
  const column = (key: keyof MoveLoop): string => `{ ${loops.map((loop) => loop[key]).join(', ')} }`;
  return `const thimble_moves_${type} ${name} =
    { /* sizes */ ${column('size')}, /* steps from, to */ ${column('from')}, ${column('to')} };
thimble_move_${type}(&${name}, ${offsetBy(source, each.first)}, /* in flash */ ${inFlash ? 1 : 0}, ${offsetBy(target, each.into)});`;
}

const offsetBy = (pointer: string, elements: number): string => (elements === 0 ? pointer : `${pointer} + ${elements}`);
