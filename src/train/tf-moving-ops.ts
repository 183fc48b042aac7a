/**
 * The operators that only move elements, in TensorFlow.js. The first axis of every tensor is `batch` times as long as in
 * the graph: what reorders or cuts that axis would mix samples, and cannot be trained.
 */
import type * as tf from '@tensorflow/tfjs';
import type { Shape } from '../core/tensor.js';
import { nearest, type ResizeNearestNeighborAttrs } from '../ops/resize_nearest_neighbor/resize_nearest_neighbor.js';
import { type StridedSliceInputs, slicedAxes } from '../ops/strided_slice/strided_slice.js';
import { resizeNearestNeighbor } from './kernels/resize-nearest-neighbor.js';
import { reshaped, type TfCall, type TfOp } from './tf-call.js';

const MIXES = 'it mixes the samples of a batch';

const axisFrom = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

/** The axis along which an operator cuts or joins. */
function axisOf(op: string, { attrs, values, shapes }: Pick<TfCall, 'attrs' | 'values' | 'shapes'>): number {
  const axis = op === 'split' ? values[1]?.[0] : op === 'split_v' ? values[2]?.[0] : attrs['axis'];
  return axisFrom(axis as number, shapes[0]!.length + (op === 'pack' ? 1 : 0));
}

const cutting = (op: string, cut: (call: TfCall, axis: number) => tf.Tensor[]): TfOp => {
  return (call) => cut(call, axisOf(op, call));
};

/** The sizes of a slice: the first axis goes on to its end. */
const sliced = ({ lib, inputs }: TfCall, begin: readonly number[], size: Shape): tf.Tensor =>
  lib.slice(inputs[0]!, [...begin], [-1, ...size.slice(1)]);

export const movingTfOps: Readonly<Record<string, TfOp>> = {
  reshape: (call) => reshaped(call, call.inputs[0]!),
  squeeze: (call) => reshaped(call, call.inputs[0]!),
  expand_dims: (call) => reshaped(call, call.inputs[0]!),
  transpose: ({ lib, inputs, values }) => lib.transpose(inputs[0]!, [...values[1]!]),
  slice: (call) => sliced(call, [...call.values[1]!], call.outputShape),
  strided_slice(call) {
    const axes = stridedAxes(call)!;
    const [begin, size] = [axes.map(({ start }) => start), axes.map((axis) => axis.size)];
    return reshaped(call, sliced(call, begin, size));
  },
  split: cutting('split', ({ lib, inputs, attrs }, axis) => lib.split(inputs[0]!, attrs['count'] as number, axis)),
  split_v: cutting('split_v', ({ lib, inputs, outputShapes }, axis) =>
    lib.split(
      inputs[0]!,
      outputShapes.map((shape) => shape[axis]!),
      axis,
    ),
  ),
  unpack: cutting('unpack', ({ lib, inputs }, axis) => lib.unstack(inputs[0]!, axis)),
  pack: (call) => call.lib.stack(spread(call), axisOf('pack', call)),
  concatenation: (call) => call.lib.concat(spread(call), axisOf('concatenation', call)),
  resize_nearest_neighbor({ lib, inputs, shapes, outputShape, attrs }) {
    const along = (axis: number): number[] =>
      nearest(shapes[0]![axis]!, outputShape[axis]!, attrs as unknown as ResizeNearestNeighborAttrs);
    return resizeNearestNeighbor(lib, inputs[0] as tf.Tensor4D, { rows: along(1), columns: along(2) });
  },
};

/** Inputs with constants repeated for every sample. */
const spread = ({ lib, inputs, values, batch }: TfCall): tf.Tensor[] =>
  inputs.map((part, i) =>
    values[i] === undefined ? part : lib.tile(part, [batch, ...part.shape.slice(1).map(() => 1)]),
  );

function stridedAxes({ attrs, shapes, values }: Pick<TfCall, 'attrs' | 'shapes' | 'values'>) {
  const inputs = shapes.map((shape, i) => ({ name: '', shape, dtype: 'int32', data: values[i] }));
  return slicedAxes(inputs as unknown as StridedSliceInputs, attrs as unknown as Parameters<typeof slicedAxes>[1]);
}

/** Why a node of these cannot be trained; undefined = it can. */
export function untrainableMove(op: string, call: Pick<TfCall, 'attrs' | 'shapes' | 'values'>): string | undefined {
  const [shape = []] = call.shapes;
  if (['split', 'split_v', 'unpack', 'pack', 'concatenation'].includes(op))
    return axisOf(op, call) === 0 ? MIXES : undefined;
  if (op === 'transpose') return call.values[1]?.[0] === 0 ? undefined : MIXES;
  if (op === 'slice') {
    const [begin, size] = [call.values[1]?.[0], call.values[2]?.[0]];
    return begin === 0 && (size === -1 || size === shape[0]) ? undefined : MIXES;
  }
  if (op !== 'strided_slice') return undefined;
  const axes = stridedAxes(call);
  if (!axes || axes[0]?.shrinks || axes[0]?.start !== 0 || axes[0].size !== shape[0]) return MIXES;
  return axes.every(({ stride }) => stride === 1) ? undefined : 'a slice that skips or turns has no gradient';
}
