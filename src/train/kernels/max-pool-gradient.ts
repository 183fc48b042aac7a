/**
 * The gradient of max_pool_2d. The wasm backend's own starts its search at the smallest POSITIVE float, so that a
 * window whose values are all negative has no maximum and loses its gradient; this one replaces it.
 */
import type * as tf from '@tensorflow/tfjs';
import { type KernelCall, type TF, viewOf, zeros } from './heap.js';

type Shape4 = [number, number, number, number];

/** Each dy goes to its window's maximum; among equals to the first, as on the cpu backend. */
export function maxPoolGradient(lib: TF, { inputs, backend, attrs }: KernelCall): tf.TensorInfo {
  const { dy, input } = inputs as { dy: tf.TensorInfo; input: tf.TensorInfo };
  const { filterSize, strides, pad, dimRoundingMode } = attrs as {
    filterSize: [number, number];
    strides: [number, number];
    pad: 'same' | 'valid' | number;
    dimRoundingMode?: 'floor' | 'round' | 'ceil';
  };
  const g = lib.backend_util.computePool2DInfo(input.shape as Shape4, filterSize, strides, 1, pad, dimRoundingMode);
  const { inHeight, inWidth, inChannels } = g;
  const dx = zeros(backend, input.shape);
  const [xs, dys, dxs] = [viewOf(backend, input), viewOf(backend, dy), viewOf(backend, dx)];
  let at = 0;
  for (let b = 0; b < g.batchSize; b++)
    for (let y = 0; y < g.outHeight; y++) {
      const top = y * g.strideHeight - g.padInfo.top;
      const [rowBegin, rowEnd] = [Math.max(0, top), Math.min(inHeight, top + g.filterHeight)];
      for (let x = 0; x < g.outWidth; x++) {
        const left = x * g.strideWidth - g.padInfo.left;
        const [columnBegin, columnEnd] = [Math.max(0, left), Math.min(inWidth, left + g.filterWidth)];
        for (let c = 0; c < inChannels; c++, at++) {
          let best = ((b * inHeight + rowBegin) * inWidth + columnBegin) * inChannels + c;
          for (let row = rowBegin; row < rowEnd; row++)
            for (let column = columnBegin; column < columnEnd; column++) {
              const candidate = ((b * inHeight + row) * inWidth + column) * inChannels + c;
              if (xs[candidate]! > xs[best]!) best = candidate;
            }
          dxs[best]! += dys[at]!;
        }
      }
    }
  return dx;
}
