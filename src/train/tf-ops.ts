/**
 * The operators that can be trained, in TensorFlow.js. A Graph has batch 1; here the first axis is `batch` times as
 * long, which works for every reshape, because the batch is the slowest axis of the memory.
 */
import type * as tf from '@tensorflow/tfjs';
import type { Activation } from '../ops/activation.js';
import { reshaped, type TfCall, type TfOp } from './tf-call.js';
import { movingTfOps, untrainableMove } from './tf-moving-ops.js';

/** By op name. What is missing here can be run and quantized, but not trained. */
export const tfOps: Readonly<Record<string, TfOp>> = {
  ...movingTfOps,

  conv_2d(call) {
    const { lib, inputs, attrs } = call;
    const [x, weights, bias] = inputs as [tf.Tensor4D, tf.Tensor4D, tf.Tensor | undefined];
    const { stride, padding } = windowAttrs(attrs);
    return activated(call, settled(call, lib.conv2d(x, weights, stride, padding), bias));
  },

  depthwise_conv_2d(call) {
    const { lib, inputs, attrs } = call;
    const [x, weights, bias] = inputs as [tf.Tensor4D, tf.Tensor4D, tf.Tensor | undefined];
    const { stride, padding } = windowAttrs(attrs);
    return activated(call, settled(call, lib.depthwiseConv2d(x, weights, stride, padding), bias));
  },

  fully_connected(call) {
    const { lib, inputs } = call;
    const [x, weights, bias] = inputs as [tf.Tensor, tf.Tensor2D, tf.Tensor | undefined];
    const rows = lib.reshape(x, [-1, weights.shape[1]]) as tf.Tensor2D;
    return activated(call, reshaped(call, settled(call, lib.matMul(rows, weights, false, true), bias)));
  },

  transpose_conv(call) {
    const { lib, inputs, attrs, outputShape, batch } = call;
    const [x, weights, bias] = inputs as [tf.Tensor4D, tf.Tensor4D, tf.Tensor | undefined];
    const { stride, padding } = windowAttrs(attrs);
    const [, height = 0, width = 0, channels = 0] = outputShape;
    const sums = lib.conv2dTranspose(x, weights, [batch, height, width, channels], stride, padding);
    return activated(call, settled(call, sums, bias));
  },

  batch_matmul({ lib, inputs, attrs }) {
    const { transposeA, transposeB } = attrs as { transposeA: boolean; transposeB: boolean };
    return lib.matMul(inputs[0]!, inputs[1]!, transposeA, transposeB);
  },

  average_pool_2d(call) {
    const { filter, stride, padding } = windowAttrs(call.attrs);
    return activated(call, call.lib.avgPool(call.inputs[0] as tf.Tensor4D, filter, stride, padding));
  },

  max_pool_2d(call) {
    const { filter, stride, padding } = windowAttrs(call.attrs);
    return activated(call, call.lib.maxPool(call.inputs[0] as tf.Tensor4D, filter, stride, padding));
  },

  mean(call) {
    const rank = call.shapes[0]!.length;
    const axes = [...(call.values[1] ?? [])].map((axis) => (axis < 0 ? axis + rank : axis));
    return reshaped(call, call.lib.mean(call.inputs[0]!, axes));
  },

  pad(call) {
    const flat = [...(call.values[1] ?? [])];
    const paddings = call.shapes[0]!.map((_, axis): [number, number] => [flat[2 * axis]!, flat[2 * axis + 1]!]);
    return call.lib.pad(call.inputs[0]!, paddings);
  },

  add: (call) => activated(call, call.lib.add(call.inputs[0]!, call.inputs[1]!)),
  sub: (call) => activated(call, call.lib.sub(call.inputs[0]!, call.inputs[1]!)),
  mul: (call) => activated(call, call.lib.mul(call.inputs[0]!, call.inputs[1]!)),
  maximum: (call) => call.lib.maximum(...alike(call)),
  minimum: (call) => call.lib.minimum(...alike(call)),
  prelu: ({ lib, inputs }) => lib.prelu(inputs[0]!, inputs[1]!),
  relu: ({ lib, inputs }) => lib.relu(inputs[0]!),
  relu6: ({ lib, inputs }) => lib.relu6(inputs[0]!),
  leaky_relu: ({ lib, inputs, attrs }) => lib.leakyRelu(inputs[0]!, attrs['alpha'] as number),
  hard_swish: ({ lib, inputs }) => lib.mul(inputs[0]!, lib.div(lib.relu6(lib.add(inputs[0]!, 3)), 6)),
  logistic: ({ lib, inputs }) => lib.sigmoid(inputs[0]!),
  tanh: ({ lib, inputs }) => lib.tanh(inputs[0]!),
  softmax: ({ lib, inputs, attrs }) => lib.softmax(lib.mul(inputs[0]!, attrs['beta'] as number)),
};

/** Why a node of a known op cannot be trained; undefined = it can. */
export function untrainable(op: string, call: Pick<TfCall, 'attrs' | 'shapes' | 'values'>): string | undefined {
  const [input = [], weights = []] = call.shapes;
  const dilation = call.attrs['dilation'] as readonly number[] | undefined;
  const stride = call.attrs['stride'] as readonly number[] | undefined;
  if (dilation?.some((distance) => distance !== 1)) return 'dilated convolutions have no gradient';
  if (op === 'conv_2d' && weights[3] !== input[3]) return 'grouped convolutions have no gradient';
  if (op === 'depthwise_conv_2d' && stride && stride[0] !== stride[1])
    return 'a depthwise convolution must stride alike in height and width';
  if (op === 'batch_matmul' && !isBatched(call)) return 'its matrices are those of one sample';
  if (op === 'mean' && call.values[1]?.some((a) => a === 0 || a === -input.length))
    return 'it mixes the samples of a batch';
  if (op === 'pad' && (call.values[1]?.[0] || call.values[1]?.[1])) return 'it pads the batch';
  if (['mean', 'pad'].includes(op) && !call.values[1]) return 'its second input must be constant';
  return untrainableMove(op, call);
}

/** Whether the first axis is that of the batch on both sides, or the other side is a constant that serves all. */
function isBatched({ shapes: [a = [], b = []], values }: Pick<TfCall, 'shapes' | 'values'>): boolean {
  if (a.length !== b.length || a.length < 3) return false;
  const whole = (shape: readonly number[], i: number): boolean => shape[0] === 1 || values[i] === undefined;
  return a[0] === b[0] && whole(a, 0) && whole(b, 1);
}

function windowAttrs(attrs: TfCall['attrs']) {
  const { filter, stride, padding } = attrs as {
    filter: [number, number];
    stride: [number, number];
    padding: 'SAME' | 'VALID';
  };
  return { filter, stride, padding: padding === 'SAME' ? ('same' as const) : ('valid' as const) };
}

/** Both operands in the shape of the result: the gradients of maximum and minimum know of no broadcasting. */
function alike({ lib, inputs, outputShape, batch }: TfCall): [tf.Tensor, tf.Tensor] {
  const [first = 1, ...rest] = outputShape;
  const shape = [first * batch, ...rest];
  return [lib.broadcastTo(inputs[0]!, shape), lib.broadcastTo(inputs[1]!, shape)];
}

/** Sums with their bias, or normalized. */
const settled = ({ lib, normalize }: TfCall, sums: tf.Tensor, bias: tf.Tensor | undefined): tf.Tensor =>
  normalize?.(sums) ?? (bias ? lib.add(sums, bias) : sums);

function activated({ lib, attrs }: TfCall, x: tf.Tensor): tf.Tensor {
  switch (attrs['activation'] as Activation | undefined) {
    case 'relu':
      return lib.relu(x);
    case 'relu6':
      return lib.relu6(x);
    case 'relu_n1_to_1':
      return lib.clipByValue(x, -1, 1);
    default:
      return x;
  }
}
