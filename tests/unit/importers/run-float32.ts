/** Runs a float32 graph and compares its results. */
import type { Graph } from '../../../src/core/graph.js';
import { createInterpreter } from '../../../src/interpret/interpreter.js';

export const runFloat32 = (graph: Graph, inputs: readonly Float32Array[]): readonly Float32Array[] =>
  createInterpreter(graph)
    .run(inputs)
    .map((output) => Float32Array.from(output));

/** Reproducible values in −1 … 1 (mulberry32). */
export function randomValues(count: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1;
  });
}

/** The largest |a − b|, as a part of the largest |b| (at least 1): float32 sums that cancel keep no relative precision. */
export function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let [largest, magnitude] = [0, 1];
  for (let i = 0; i < a.length; i++) {
    largest = Math.max(largest, Math.abs(a[i]! - b[i]!));
    magnitude = Math.max(magnitude, Math.abs(b[i]!));
  }
  return Number.isNaN(largest) ? Infinity : largest / magnitude;
}
