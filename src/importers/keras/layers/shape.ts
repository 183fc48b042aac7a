/** Layers that move values without computing on them. */
import { elementCount, type HeightWidth, type Shape } from '../../../core/tensor.js';
import type { LayerCall, LayerKind } from '../layer-call.js';
import { channelsFault } from './convolution.js';

const flatten: LayerKind = {
  fault: channelsFault,
  convert: (call) => call.reshape(call.input, [1, elementCount(call.shape())]),
};

const reshape: LayerKind = {
  convert(call) {
    const target = targetShape(call);
    const total = elementCount(call.shape());
    const known = target.reduce((product, size) => (size === -1 ? product : product * size), 1);
    const sizes = target.map((size) => (size === -1 ? total / known : size));
    if (!sizes.every((size) => Number.isInteger(size) && size > 0)) throw call.mismatch(`its shape is [${target}]`);
    return call.reshape(call.input, [1, ...sizes]);
  },
};

/** TensorFlow.js writes null for the open size, Keras −1. */
function targetShape(call: LayerCall): readonly number[] {
  const shape = call.config.value('target_shape');
  const sizes: readonly unknown[] = Array.isArray(shape) ? shape : [];
  return sizes.map((size) => (typeof size === 'number' && size >= 0 ? size : -1));
}

const permute: LayerKind = {
  convert(call) {
    const shape = call.shape();
    const order = [0, ...call.config.numbers('dims')];
    if (order.length !== shape.length || !shape.every((_, axis) => order.includes(axis)))
      throw call.mismatch(`its dims are [${order.slice(1)}]`);
    return call.node('transpose', [call.input, call.constant('dims', [order.length], () => Int32Array.from(order))]);
  },
};

const zeroPadding: LayerKind = {
  fault: channelsFault,
  convert(call) {
    const is1d = call.shape().length === 3;
    const [top, bottom, left, right] = is1d ? [0, 0, ...pair(call, 'padding')] : quadruple(call, 'padding');
    const paddings: HeightWidth[] = [
      [0, 0],
      [top!, bottom!],
      [left!, right!],
      [0, 0],
    ]; // prettier-ignore
    return call.through4d(call.input, (x) => call.pad(x, paddings));
  },
};

const cropping: LayerKind = {
  fault: channelsFault,
  convert(call) {
    const is1d = call.shape().length === 3;
    const [top, bottom, left, right] = is1d ? [0, 0, ...pair(call, 'cropping')] : quadruple(call, 'cropping');
    return call.through4d(call.input, (x) => {
      const [batch, height, width, channels] = call.shape(x);
      const size = [batch!, height! - top! - bottom!, width! - left! - right!, channels!];
      const begin = call.constant('begin', [4], () => Int32Array.of(0, top!, left!, 0));
      return call.node('slice', [x, begin, call.constant('size', [4], () => Int32Array.from(size))]);
    });
  },
};

/** Repeats every row and column; a sequence is one row. */
const upSampling = (dimensions: 1 | 2): LayerKind => ({
  fault(config) {
    const how = config.string('interpolation', 'nearest');
    return how === 'nearest'
      ? channelsFault(config)
      : { what: `UpSampling2D with interpolation "${how}"`, wayOut: 'use interpolation="nearest"' };
  },
  convert(call) {
    const [down, along] = call.config.window('size', dimensions, [dimensions, 2]);
    return call.through4d(call.input, (x) => {
      const [, height = 1, width = 1] = call.shape(x);
      const size = call.constant('size', [2], () => Int32Array.of(height * down, width * along));
      return call.node('resize_nearest_neighbor', [x, size], { alignCorners: false, halfPixelCenters: false });
    });
  },
});

function counts(call: LayerCall, key: string): readonly number[] {
  const values = call.config.numbers(key);
  if (!values.every((count) => Number.isInteger(count) && count >= 0 && count < 65536))
    throw call.mismatch(`its ${key} is [${values}]`);
  return values;
}

/** 1, or [before, after]. */
function pair(call: LayerCall, key: string): HeightWidth {
  const [before = 1, after = before] = counts(call, key);
  return [before, after];
}

/** 1, or [height, width], or [[top, bottom], [left, right]]. */
function quadruple(call: LayerCall, key: string): Shape {
  const [a = 1, b = a, c, d] = counts(call, key);
  return c === undefined ? [a, a, b, b] : [a, b, c, d ?? c];
}

const identity: LayerKind = { convert: (call) => call.input };

export const shapes: Readonly<Record<string, LayerKind>> = {
  Flatten: flatten,
  Reshape: reshape,
  Permute: permute,
  ZeroPadding1D: zeroPadding,
  ZeroPadding2D: zeroPadding,
  Cropping1D: cropping,
  Cropping2D: cropping,
  UpSampling1D: upSampling(1),
  UpSampling2D: upSampling(2),
  // These do something in training only.
  Dropout: identity,
  SpatialDropout1D: identity,
  SpatialDropout2D: identity,
  AlphaDropout: identity,
  GaussianDropout: identity,
  GaussianNoise: identity,
  ActivityRegularization: identity,
};
