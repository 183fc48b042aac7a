/**
 * Gradients of conv_2d on the wasm backend, both computed by its fast forward convolution.
 * Shapes as TensorFlow.js has them: x [batch, height, width, in], weights [height, width, in, out]. No dilation:
 * TensorFlow.js refuses to differentiate a dilated convolution before it gets here.
 */
import type * as tf from '@tensorflow/tfjs';
import { type KernelCall, runKernel, type TF, viewOf, type WasmHeap, zeros } from './heap.js';

type Shape4 = [number, number, number, number];

/**
 * dW[fy, fx, in, out] = Σ x[b, y·stride + fy, x·stride + fx, in] · dy[b, y, x, out]: a convolution of x with dy, in
 * which batch and channels change places and the stride becomes a dilation.
 */
export function conv2dBackpropFilter(lib: TF, { inputs, backend, attrs }: KernelCall): tf.TensorInfo {
  const { x, dy } = inputs as { x: tf.TensorInfo; dy: tf.TensorInfo };
  const filterShape = attrs['filterShape'] as Shape4;
  const g = geometryOf(lib, x.shape as Shape4, filterShape, attrs);
  const [filterHeight, filterWidth, depth, outputChannels] = filterShape;
  const [swappedX, swappedDy] = [channelsFirst(backend, x), batchInside(backend, dy)];
  // Rows that the stride never reached give surplus rows of dW, cut off below; too few are padding.
  const extra = (filter: number, out: number, stride: number, size: number, before: number): number =>
    Math.max(0, filter + (out - 1) * stride - size - before);
  const bottom = extra(filterHeight, g.outHeight, g.strideHeight, g.inHeight, g.padInfo.top);
  const right = extra(filterWidth, g.outWidth, g.strideWidth, g.inWidth, g.padInfo.left);
  const wide = runKernel(lib, lib.Conv2D, {
    inputs: { x: swappedX, filter: swappedDy },
    backend,
    attrs: {
      strides: 1,
      dilations: [g.strideHeight, g.strideWidth],
      pad: [[0, 0], [g.padInfo.top, bottom], [g.padInfo.left, right], [0, 0]], // biome-ignore format: one line
      dataFormat: 'NHWC',
    },
  });
  const dw = backend.makeOutput(filterShape, 'float32');
  const [, wideHeight, wideWidth] = wide.shape as Shape4;
  const [from, to] = [viewOf(backend, wide), viewOf(backend, dw)];
  let at = 0;
  for (let fy = 0; fy < filterHeight; fy++)
    for (let fx = 0; fx < filterWidth; fx++)
      for (let c = 0; c < depth; c++) {
        const begin = ((c * wideHeight + fy) * wideWidth + fx) * outputChannels;
        for (let o = 0; o < outputChannels; o++) to[at++] = from[begin + o]!;
      }
  for (const tensor of [swappedX, swappedDy, wide]) backend.disposeData(tensor.dataId);
  return dw;
}

/** dx: dy, spread out by the stride, convolved with the weights turned by 180° and in, out exchanged. */
export function conv2dBackpropInput(lib: TF, { inputs, backend, attrs }: KernelCall): tf.TensorInfo {
  const { dy, filter } = inputs as { dy: tf.TensorInfo; filter: tf.TensorInfo };
  const inputShape = attrs['inputShape'] as Shape4;
  const g = geometryOf(lib, inputShape, filter.shape as Shape4, attrs);
  const [top, left] = [g.filterHeight - 1 - g.padInfo.top, g.filterWidth - 1 - g.padInfo.left];
  if (top < 0 || left < 0) throw new TypeError('conv_2d pads by more than its window');
  const [height, width] = [inputShape[1] + g.filterHeight - 1, inputShape[2] + g.filterWidth - 1];
  const spread = spreadOut(backend, dy, [height, width], [top, left], [g.strideHeight, g.strideWidth]);
  const turned = turnedWeights(backend, filter);
  const dx = runKernel(lib, lib.Conv2D, {
    inputs: { x: spread, filter: turned },
    backend,
    attrs: { strides: 1, dilations: 1, pad: 'valid', dataFormat: 'NHWC' },
  });
  for (const tensor of [spread, turned]) backend.disposeData(tensor.dataId);
  return dx;
}

function geometryOf(lib: TF, inputShape: Shape4, filterShape: Shape4, attrs: KernelCall['attrs']) {
  const { strides, pad, dimRoundingMode } = attrs as {
    strides: [number, number];
    pad: 'same' | 'valid' | number;
    dimRoundingMode?: 'floor' | 'round' | 'ceil';
  };
  return lib.backend_util.computeConv2DInfo(inputShape, filterShape, strides, 1, pad, dimRoundingMode);
}

/** [batch, height, width, channels] → [channels, height, width, batch] */
function channelsFirst(backend: WasmHeap, tensor: tf.TensorInfo): tf.TensorInfo {
  const [batch, height, width, channels] = tensor.shape as Shape4;
  const result = backend.makeOutput([channels, height, width, batch], 'float32');
  const [from, to] = [viewOf(backend, tensor), viewOf(backend, result)];
  const area = height * width;
  for (let b = 0, at = 0; b < batch; b++)
    for (let pixel = 0; pixel < area; pixel++)
      for (let c = 0; c < channels; c++) to[(c * area + pixel) * batch + b] = from[at++]!;
  return result;
}

/** [batch, height, width, channels] → [height, width, batch, channels] */
function batchInside(backend: WasmHeap, tensor: tf.TensorInfo): tf.TensorInfo {
  const [batch, height, width, channels] = tensor.shape as Shape4;
  const result = backend.makeOutput([height, width, batch, channels], 'float32');
  const [from, to] = [viewOf(backend, tensor), viewOf(backend, result)];
  const area = height * width;
  for (let b = 0, at = 0; b < batch; b++)
    for (let pixel = 0; pixel < area; pixel++) {
      const begin = (pixel * batch + b) * channels;
      for (let c = 0; c < channels; c++) to[begin + c] = from[at++]!;
    }
  return result;
}

/** dy placed into a canvas of zeros, `stride` apart, from `offset` on; what hangs over the canvas is padding's. */
function spreadOut(
  backend: WasmHeap,
  dy: tf.TensorInfo,
  [height, width]: readonly [number, number],
  [top, left]: readonly [number, number],
  [strideHeight, strideWidth]: readonly [number, number],
): tf.TensorInfo {
  const [batch, rows, columns, channels] = dy.shape as Shape4;
  const result = zeros(backend, [batch, height, width, channels]);
  const [from, to] = [viewOf(backend, dy), viewOf(backend, result)];
  for (let b = 0; b < batch; b++)
    for (let y = 0; y < rows; y++)
      for (let x = 0; x < columns; x++) {
        const begin = ((b * rows + y) * columns + x) * channels;
        const target = ((b * height + top + y * strideHeight) * width + left + x * strideWidth) * channels;
        for (let c = 0; c < channels; c++) to[target + c] = from[begin + c]!;
      }
  return result;
}

/** [height, width, in, out] → [height, width, out, in], turned by 180° */
function turnedWeights(backend: WasmHeap, filter: tf.TensorInfo): tf.TensorInfo {
  const [height, width, depth, outputChannels] = filter.shape as Shape4;
  const result = backend.makeOutput([height, width, outputChannels, depth], 'float32');
  const [from, to] = [viewOf(backend, filter), viewOf(backend, result)];
  for (let tap = 0, at = 0; tap < height * width; tap++) {
    const begin = (height * width - 1 - tap) * depth * outputChannels;
    for (let c = 0; c < depth; c++) for (let o = 0; o < outputChannels; o++) to[begin + o * depth + c] = from[at++]!;
  }
  return result;
}
