/**
 * Gradients of depthwise_conv_2d on the wasm backend, which has none of its own: plain loops over its heap.
 * x [batch, height, width, channels], weights [height, width, channels, multiplier],
 * dy [batch, height, width, channels · multiplier]. No dilation: TensorFlow.js refuses to differentiate it.
 */
import type * as tf from '@tensorflow/tfjs';
import { type KernelCall, type TF, viewOf, zeros } from './heap.js';

type Shape4 = [number, number, number, number];
type Geometry = tf.backend_util.Conv2DInfo;

/** dW, summed in doubles: one weight gathers a term from every pixel of every sample. */
export function depthwiseBackpropFilter(lib: TF, { inputs, backend, attrs }: KernelCall): tf.TensorInfo {
  const { x, dy } = inputs as { x: tf.TensorInfo; dy: tf.TensorInfo };
  const filterShape = attrs['filterShape'] as Shape4;
  const g = geometryOf(lib, x.shape as Shape4, filterShape, attrs);
  const [, , channels, multiplier] = filterShape;
  const dw = backend.makeOutput(filterShape, 'float32');
  const [xs, dys, sums] = [
    viewOf(backend, x),
    viewOf(backend, dy),
    new Float64Array(filterShape.reduce((a, b) => a * b)),
  ];
  forEachTap(g, (xAt, dyAt, wAt) => {
    if (multiplier === 1) for (let c = 0; c < channels; c++) sums[wAt + c]! += xs[xAt + c]! * dys[dyAt + c]!;
    else
      for (let c = 0, i = 0; c < channels; c++)
        for (let m = 0; m < multiplier; m++, i++) sums[wAt + i]! += xs[xAt + c]! * dys[dyAt + i]!;
  });
  viewOf(backend, dw).set(sums);
  return dw;
}

export function depthwiseBackpropInput(lib: TF, { inputs, backend, attrs }: KernelCall): tf.TensorInfo {
  const { dy, filter } = inputs as { dy: tf.TensorInfo; filter: tf.TensorInfo };
  const inputShape = attrs['inputShape'] as Shape4;
  const g = geometryOf(lib, inputShape, filter.shape as Shape4, attrs);
  const [, , channels, multiplier] = filter.shape as Shape4;
  const dx = zeros(backend, inputShape);
  const [ws, dys, dxs] = [viewOf(backend, filter), viewOf(backend, dy), viewOf(backend, dx)];
  forEachTap(g, (xAt, dyAt, wAt) => {
    if (multiplier === 1) for (let c = 0; c < channels; c++) dxs[xAt + c]! += ws[wAt + c]! * dys[dyAt + c]!;
    else
      for (let c = 0, i = 0; c < channels; c++)
        for (let m = 0; m < multiplier; m++, i++) dxs[xAt + c]! += ws[wAt + i]! * dys[dyAt + i]!;
  });
  return dx;
}

function geometryOf(lib: TF, inputShape: Shape4, filterShape: Shape4, attrs: KernelCall['attrs']): Geometry {
  const { strides, pad, dimRoundingMode } = attrs as {
    strides: [number, number];
    pad: 'same' | 'valid' | number;
    dimRoundingMode?: 'floor' | 'round' | 'ceil';
  };
  return lib.backend_util.computeConv2DInfo(
    inputShape,
    filterShape,
    strides,
    1,
    pad,
    dimRoundingMode,
    true, // depthwise
  );
}

/** Calls back with where a pixel's channels begin in x, dy and the weights, for every tap inside the input. */
function forEachTap(g: Geometry, visit: (xAt: number, dyAt: number, wAt: number) => void): void {
  const { inHeight, inWidth, inChannels, outHeight, outWidth, outChannels, filterHeight, filterWidth } = g;
  for (let b = 0; b < g.batchSize; b++)
    for (let y = 0; y < outHeight; y++)
      for (let fy = 0; fy < filterHeight; fy++) {
        const row = y * g.strideHeight - g.padInfo.top + fy;
        if (row < 0 || row >= inHeight) continue;
        for (let x = 0; x < outWidth; x++) {
          const dyAt = ((b * outHeight + y) * outWidth + x) * outChannels;
          for (let fx = 0; fx < filterWidth; fx++) {
            const column = x * g.strideWidth - g.padInfo.left + fx;
            if (column < 0 || column >= inWidth) continue;
            visit(((b * inHeight + row) * inWidth + column) * inChannels, dyAt, (fy * filterWidth + fx) * outChannels);
          }
        }
      }
}
