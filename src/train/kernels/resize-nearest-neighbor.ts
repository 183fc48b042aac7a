/**
 * resize_nearest_neighbor by the operator's own tables, with its gradient: TensorFlow.js' differs by backend, and rounds
 * in double where TFLite rounds in float32.
 */
import type * as tf from '@tensorflow/tfjs';
import type { TF } from './heap.js';
import { onValues, type Values, withGradient } from './on-values.js';

/** The input's row and column of each row and column of the output. */
export interface Sources {
  readonly rows: readonly number[];
  readonly columns: readonly number[];
}

export function resizeNearestNeighbor(lib: TF, x: tf.Tensor4D, sources: Sources): tf.Tensor {
  const resized = [x.shape[0], sources.rows.length, sources.columns.length, x.shape[3]];
  const forward = (input: tf.Tensor): tf.Tensor =>
    onValues(lib, [input], [resized], ([from], [to]) =>
      forEachPixel(x.shape, sources, (source, target, channels) => {
        for (let c = 0; c < channels; c++) to![target + c] = from![source + c]!;
      }),
    )[0]!;
  const backward = (dy: tf.Tensor): tf.Tensor =>
    onValues(lib, [dy], [x.shape], ([from], [to]: readonly Values[]) => {
      to!.fill(0);
      forEachPixel(x.shape, sources, (source, target, channels) => {
        for (let c = 0; c < channels; c++) to![source + c]! += from![target + c]!;
      });
    })[0]!;
  return withGradient(
    lib,
    [x],
    ([input]) => forward(input!),
    (dy) => [backward(dy)],
  );
}

/** Where each pixel of the input and of the output begins. */
function forEachPixel(
  [batch, height, width, channels]: readonly [number, number, number, number],
  { rows, columns }: Sources,
  visit: (source: number, target: number, channels: number) => void,
): void {
  let target = 0;
  for (let n = 0; n < batch; n++)
    for (const row of rows)
      for (const column of columns) {
        visit(((n * height + row) * width + column) * channels, target, channels);
        target += channels;
      }
}
