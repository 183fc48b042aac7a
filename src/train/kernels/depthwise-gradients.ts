/**
 * Gradients of depthwise_conv_2d on the wasm backend, which has none of its own.
 * x [batch, height, width, channels], weights [height, width, channels, multiplier],
 * dy [batch, height, width, channels · multiplier]. No dilation: TensorFlow.js refuses to differentiate it.
 */
import type * as tf from '@tensorflow/tfjs';
import { type KernelCall, runKernel, type TF, viewOf, type WasmHeap, zeros } from './heap.js';

type Shape4 = [number, number, number, number];
type Geometry = tf.backend_util.Conv2DInfo;

/** dW, a row of dy at a time in float32, rows summed in doubles: one weight gathers a term from every pixel of every sample. */
export function depthwiseBackpropFilter(lib: TF, { inputs, backend, attrs }: KernelCall): tf.TensorInfo {
  const { x, dy } = inputs as { x: tf.TensorInfo; dy: tf.TensorInfo };
  const filterShape = attrs['filterShape'] as Shape4;
  const g = geometryOf(lib, x.shape as Shape4, filterShape, attrs);
  const [, , channels, multiplier] = filterShape;
  const dw = backend.makeOutput(filterShape, 'float32');
  const [xs, dys] = [viewOf(backend, x), viewOf(backend, dy)];
  const sums = new Float64Array(filterShape.reduce((a, b) => a * b));
  const gather = multiplier === 1 ? gatherSingle : gatherMultiple;
  forEachSpan(g, (xAt, dyAt, wAt, pixels) =>
    gather(sums, xs, dys, { g, channels, multiplier, xAt, dyAt, wAt, pixels }),
  );
  viewOf(backend, dw).set(sums);
  return dw;
}

/** dx: at stride 1 and one filter a channel a depthwise convolution of dy with the weights turned by 180°. */
export function depthwiseBackpropInput(lib: TF, { inputs, backend, attrs }: KernelCall): tf.TensorInfo {
  const { dy, filter } = inputs as { dy: tf.TensorInfo; filter: tf.TensorInfo };
  const inputShape = attrs['inputShape'] as Shape4;
  const g = geometryOf(lib, inputShape, filter.shape as Shape4, attrs);
  if (g.strideHeight === 1 && g.strideWidth === 1 && (filter.shape as Shape4)[3] === 1)
    return byForwardConvolution(lib, g, backend, dy, filter);
  const [, , channels, multiplier] = filter.shape as Shape4;
  const dx = zeros(backend, inputShape);
  const [ws, dys, dxs] = [viewOf(backend, filter), viewOf(backend, dy), viewOf(backend, dx)];
  forEachSpan(g, (xAt, dyAt, wAt, pixels) => {
    for (let pixel = 0; pixel < pixels; pixel++) {
      const to = xAt + pixel * g.strideWidth * channels;
      let from = dyAt + pixel * channels * multiplier;
      for (let c = 0, w = wAt; c < channels; c++)
        for (let m = 0; m < multiplier; m++) dxs[to + c]! += ws[w++]! * dys[from++]!;
    }
  });
  return dx;
}

function byForwardConvolution(
  lib: TF,
  g: Geometry,
  backend: WasmHeap,
  dy: tf.TensorInfo,
  filter: tf.TensorInfo,
): tf.TensorInfo {
  const { filterHeight, filterWidth, padInfo } = g;
  const turned = backend.makeOutput([...filter.shape], 'float32');
  const [from, to] = [viewOf(backend, filter), viewOf(backend, turned)];
  const [taps, channels] = [filterHeight * filterWidth, g.inChannels];
  for (let tap = 0; tap < taps; tap++)
    to.set(from.subarray(tap * channels, (tap + 1) * channels), (taps - 1 - tap) * channels);
  const [top, left] = [filterHeight - 1 - padInfo.top, filterWidth - 1 - padInfo.left];
  const dx = runKernel(lib, lib.DepthwiseConv2dNative, {
    inputs: { x: dy, filter: turned },
    backend,
    attrs: {
      strides: 1,
      dilations: 1,
      pad: [
        [0, 0],
        [top, g.inHeight + filterHeight - 1 - g.outHeight - top],
        [left, g.inWidth + filterWidth - 1 - g.outWidth - left],
        [0, 0],
      ],
    },
  });
  backend.disposeData(turned.dataId);
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

interface Span {
  readonly g: Geometry;
  readonly channels: number;
  readonly multiplier: number;
  readonly xAt: number;
  readonly dyAt: number;
  readonly wAt: number;
  readonly pixels: number;
}

function gatherSingle(sums: Float64Array, xs: Float32Array, dys: Float32Array, span: Span): void {
  const { channels, xAt, dyAt, wAt, pixels } = span;
  const step = span.g.strideWidth * channels;
  for (let c = 0; c < channels; c++) {
    let sum = 0;
    for (let pixel = 0, i = xAt + c, j = dyAt + c; pixel < pixels; pixel++, i += step, j += channels)
      sum += xs[i]! * dys[j]!;
    sums[wAt + c]! += sum;
  }
}

function gatherMultiple(sums: Float64Array, xs: Float32Array, dys: Float32Array, span: Span): void {
  const { channels, multiplier, xAt, dyAt, wAt, pixels } = span;
  const step = span.g.strideWidth * channels;
  for (let c = 0, o = 0; c < channels; c++)
    for (let m = 0; m < multiplier; m++, o++) {
      let sum = 0;
      for (let pixel = 0, i = xAt + c, j = dyAt + o; pixel < pixels; pixel++, i += step, j += channels * multiplier)
        sum += xs[i]! * dys[j]!;
      sums[wAt + o]! += sum;
    }
}

/**
 * Calls back for every tap and row of the output with the pixels whose tap lies inside the input: where the first
 * one's channels begin in x, dy and the weights, and how many follow, `strideWidth` apart in x.
 */
function forEachSpan(g: Geometry, visit: (xAt: number, dyAt: number, wAt: number, pixels: number) => void): void {
  const { inHeight, inWidth, inChannels, outHeight, outWidth, outChannels, filterHeight, filterWidth } = g;
  for (let fx = 0; fx < filterWidth; fx++) {
    const offset = fx - g.padInfo.left; // column = x · stride + offset
    const first = Math.max(0, Math.ceil(-offset / g.strideWidth));
    const end = Math.min(outWidth, Math.floor((inWidth - 1 - offset) / g.strideWidth) + 1);
    if (end <= first) continue;
    for (let b = 0; b < g.batchSize; b++)
      for (let y = 0; y < outHeight; y++)
        for (let fy = 0; fy < filterHeight; fy++) {
          const row = y * g.strideHeight - g.padInfo.top + fy;
          if (row < 0 || row >= inHeight) continue;
          visit(
            ((b * inHeight + row) * inWidth + first * g.strideWidth + offset) * inChannels,
            ((b * outHeight + y) * outWidth + first) * outChannels,
            (fy * filterWidth + fx) * outChannels,
            end - first,
          );
        }
  }
}
