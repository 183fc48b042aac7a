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

/** Moving axes of length 1 leaves every value in place; anything else would need a transpose. */
const permute: LayerKind = {
  convert(call) {
    const shape = call.shape();
    const order = [0, ...call.config.numbers('dims')];
    const axes = shape.map((_, axis) => axis);
    if (order.length !== shape.length || !axes.every((axis) => order.includes(axis)))
      throw call.mismatch(`its dims are [${order.slice(1)}]`);
    const longAxes = order.filter((axis) => shape[axis] !== 1);
    if (longAxes.some((axis, i) => i > 0 && axis < longAxes[i - 1]!))
      throw call.mismatch('it transposes its input, which Thimble has no kernel for; leave the layer out and train so');
    return call.reshape(
      call.input,
      order.map((axis) => shape[axis]!),
    ); // prettier-ignore
  },
};

const zeroPadding: LayerKind = {
  fault: channelsFault,
  convert(call) {
    const is1d = call.shape().length === 3;
    const [top, bottom, left, right] = is1d ? [0, 0, ...pair(call)] : quadruple(call);
    const paddings: HeightWidth[] = [
      [0, 0],
      [top!, bottom!],
      [left!, right!],
      [0, 0],
    ]; // prettier-ignore
    return call.through4d(call.input, (x) => call.pad(x, paddings));
  },
};

function counts(call: LayerCall): readonly number[] {
  const values = call.config.numbers('padding');
  if (!values.every((count) => Number.isInteger(count) && count >= 0 && count < 65536))
    throw call.mismatch(`its padding is [${values}]`);
  return values;
}

/** 1, or [before, after]. */
function pair(call: LayerCall): HeightWidth {
  const [before = 1, after = before] = counts(call);
  return [before, after];
}

/** 1, or [height, width], or [[top, bottom], [left, right]]. */
function quadruple(call: LayerCall): Shape {
  const [a = 1, b = a, c, d] = counts(call);
  return c === undefined ? [a, a, b, b] : [a, b, c, d ?? c];
}

const identity: LayerKind = { convert: (call) => call.input };

export const shapes: Readonly<Record<string, LayerKind>> = {
  Flatten: flatten,
  Reshape: reshape,
  Permute: permute,
  ZeroPadding1D: zeroPadding,
  ZeroPadding2D: zeroPadding,
  // These do something in training only.
  Dropout: identity,
  SpatialDropout1D: identity,
  SpatialDropout2D: identity,
  AlphaDropout: identity,
  GaussianDropout: identity,
  GaussianNoise: identity,
  ActivityRegularization: identity,
};
