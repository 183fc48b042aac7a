/**
 * Values moved to the grid of an integer type, with the straight-through estimator as their gradient: rounding counts as
 * if it did nothing, clamping lets nothing through. The same arithmetic as `snapped` in src/quantize/fake-quant.ts.
 */
import type * as tf from '@tensorflow/tfjs';
import type { TF } from './heap.js';
import { onValues, type Values, withGradient } from './on-values.js';

export interface Grid {
  readonly scale: readonly number[]; // one, or one per channel
  readonly zeroPoint: readonly number[];
  readonly inner: number; // values in a row that share a channel; channels repeat after scale.length · inner
  readonly min: number; // of the integers
  readonly max: number;
}

export interface Seen {
  readonly min: number;
  readonly max: number;
}

/** @param seen called with the ends of the values before they are moved, while the forward pass runs */
export function fakeQuantized(lib: TF, x: tf.Tensor, grid: Grid, seen?: (range: Seen) => void): tf.Tensor {
  return withGradient(
    lib,
    [x],
    (operands) =>
      onValues(lib, operands, [x.shape], ([xs], [ys]) => {
        moveToGrid(xs!, ys!, grid);
        seen?.(endsOf(xs!));
      })[0]!,
    (dy, [input]) => onValues(lib, [dy, input!], [x.shape], ([dys, xs], [dxs]) => passThrough(dys!, xs!, dxs!, grid)),
  );
}

function moveToGrid(xs: Values, ys: Values, { scale, zeroPoint, inner, min, max }: Grid): void {
  forEachRun(xs.length, scale.length, inner, (begin, end, channel) => {
    const [step, zero] = [scale[channel]!, zeroPoint[channel]!];
    for (let i = begin; i < end; i++) {
      const quotient = xs[i]! / step;
      const rounded = (quotient < 0 ? -Math.round(-quotient) : Math.round(quotient)) + zero;
      ys[i] = step * ((rounded < min ? min : rounded > max ? max : rounded) - zero);
    }
  });
}

function passThrough(dys: Values, xs: Values, dxs: Values, { scale, zeroPoint, inner, min, max }: Grid): void {
  forEachRun(xs.length, scale.length, inner, (begin, end, channel) => {
    const [low, high] = [min, max].map((limit, i) => (limit - zeroPoint[channel]! + (i - 0.5)) * scale[channel]!);
    for (let i = begin; i < end; i++) dxs[i] = xs[i]! > low! && xs[i]! < high! ? dys[i]! : 0;
  });
}

/** Calls back with ranges of indices that share a channel. */
function forEachRun(
  length: number,
  channels: number,
  inner: number,
  visit: (begin: number, end: number, channel: number) => void,
): void {
  const run = channels === 1 ? length : inner;
  for (let begin = 0, channel = 0; begin < length; begin += run, channel = (channel + 1) % channels)
    visit(begin, begin + run, channel);
}

function endsOf(values: Values): Seen {
  let [min, max] = [Infinity, -Infinity];
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return { min, max };
}
