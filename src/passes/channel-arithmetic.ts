/** Recognizes x + c, x − c and x · c with a constant c that is one number, or one per channel of the last axis. */
import type { Node } from '../core/graph.js';
import { elementCount, sameShape, type TypedArray } from '../core/tensor.js';
import type { GraphEdit } from './graph-edit.js';

export interface ChannelArithmetic {
  readonly op: 'add' | 'mul';
  readonly x: string;
  readonly constant: string;
  /** The constant at a channel; negated for x − c. */
  at(channel: number): number;
}

export const weightedOps: ReadonlySet<string> = new Set([
  'conv_2d',
  'depthwise_conv_2d',
  'transpose_conv',
  'fully_connected',
]);

/** Only float32: int8 arithmetic rounds at each step, so merging steps would change results. */
export function channelArithmetic(edit: GraphEdit, node: Node): ChannelArithmetic | undefined {
  const [a, b] = node.inputs;
  const [output] = node.outputs;
  if (!['add', 'sub', 'mul'].includes(node.op) || a == null || b == null || output === undefined) return undefined;
  const swapped = node.op !== 'sub' && edit.tensor(a).data !== undefined;
  const [x, constant] = swapped ? [b, a] : [a, b];
  const { data, shape, dtype } = edit.tensor(constant);
  const result = edit.tensor(output);
  if (!data || edit.tensor(x).data || dtype !== 'float32' || result.dtype !== 'float32') return undefined;
  const channels = result.shape.at(-1) ?? 1;
  const isPerChannel = elementCount(shape) === channels && shape.at(-1) === channels;
  if (!sameShape(edit.tensor(x).shape, result.shape) || !(elementCount(shape) === 1 || isPerChannel)) return undefined;
  return { op: node.op === 'mul' ? 'mul' : 'add', x, constant, at: valueAt(data, node.op === 'sub' ? -1 : 1) };
}

const valueAt = (data: TypedArray, sign: number) => (channel: number) => sign * data[data.length === 1 ? 0 : channel]!;
