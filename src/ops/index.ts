/** Every operator that Thimble knows, one line each; tests compare this list with the folders beside it. */
import { add } from './add/add.js';
import { averagePool2d } from './average_pool_2d/average_pool_2d.js';
import { batchMatmul } from './batch_matmul/batch_matmul.js';
import { concatenation } from './concatenation/concatenation.js';
import { conv2d } from './conv_2d/conv_2d.js';
import { depthwiseConv2d } from './depthwise_conv_2d/depthwise_conv_2d.js';
import { dequantize } from './dequantize/dequantize.js';
import { expandDims } from './expand_dims/expand_dims.js';
import { fullyConnected } from './fully_connected/fully_connected.js';
import { hardSwish } from './hard_swish/hard_swish.js';
import { leakyRelu } from './leaky_relu/leaky_relu.js';
import { logistic } from './logistic/logistic.js';
import { maxPool2d } from './max_pool_2d/max_pool_2d.js';
import { maximum } from './maximum/maximum.js';
import { mean } from './mean/mean.js';
import { minimum } from './minimum/minimum.js';
import { mul } from './mul/mul.js';
import type { OpDef } from './op.js';
import { pack } from './pack/pack.js';
import { pad } from './pad/pad.js';
import { prelu } from './prelu/prelu.js';
import { quantize } from './quantize/quantize.js';
import { relu } from './relu/relu.js';
import { relu6 } from './relu6/relu6.js';
import { reshape } from './reshape/reshape.js';
import { resizeNearestNeighbor } from './resize_nearest_neighbor/resize_nearest_neighbor.js';
import { slice } from './slice/slice.js';
import { softmax } from './softmax/softmax.js';
import { split } from './split/split.js';
import { splitV } from './split_v/split_v.js';
import { squeeze } from './squeeze/squeeze.js';
import { stridedSlice } from './strided_slice/strided_slice.js';
import { sub } from './sub/sub.js';
import { svdf } from './svdf/svdf.js';
import { tanh } from './tanh/tanh.js';
import { transpose } from './transpose/transpose.js';
import { transposeConv } from './transpose_conv/transpose_conv.js';
import { unpack } from './unpack/unpack.js';

// An OpDef is typed by its own attributes and operands. The registry forgets them: `inputCount`, checked when a graph
// is built, and `inferShape` make the operands true again.
// biome-ignore lint/suspicious/noExplicitAny: see above
type AnyOp = OpDef<any, any>;

export const ops: readonly AnyOp[] = [
  add,
  averagePool2d,
  batchMatmul,
  concatenation,
  conv2d,
  depthwiseConv2d,
  dequantize,
  expandDims,
  fullyConnected,
  hardSwish,
  leakyRelu,
  logistic,
  maxPool2d,
  maximum,
  mean,
  minimum,
  mul,
  pack,
  pad,
  prelu,
  quantize,
  relu,
  relu6,
  reshape,
  resizeNearestNeighbor,
  slice,
  softmax,
  split,
  splitV,
  squeeze,
  stridedSlice,
  sub,
  svdf,
  tanh,
  transpose,
  transposeConv,
  unpack,
];

const byName = new Map(ops.map((op) => [op.name, op]));
const byBuiltin = new Map(ops.map((op) => [op.tflite.builtin, op]));

export const findOp = (name: string): AnyOp | undefined => byName.get(name);
export const findOpByBuiltin = (builtin: number): AnyOp | undefined => byBuiltin.get(builtin);

/** The definition of an op that a checked graph holds. */
export function opNamed(name: string): AnyOp {
  const op = byName.get(name);
  if (!op) throw new TypeError(`no op "${name}"`);
  return op;
}
