/** What each operator says about channels: which of its tensors' elements can only leave together, and which must stay. */
import { type Graph, isConstant, type Node, tensorOf } from '../../core/graph.js';
import type { Slice } from './dependency-groups.js';

export interface Ties {
  tie(a: Slice, b: Slice): void;
  /** All axes of a tensor stay as they are. */
  freeze(tensor: string, reason: string): void;
  freezeAxis(tensor: string, axis: number, reason: string): void;
}

export const lastAxis = (graph: Graph, name: string): number => tensorOf(graph, name).shape.length - 1;

/** Each output channel depends on the same channel of every input; constants of one value leave channels alone. */
const channelwise = new Set([
  'relu',
  'relu6',
  'leaky_relu',
  'hard_swish',
  'logistic',
  'tanh',
  'add',
  'sub',
  'mul',
  'maximum',
  'minimum',
  'prelu',
  'average_pool_2d',
  'max_pool_2d',
]);

export function tieNode(graph: Graph, node: Node, ties: Ties): void {
  const tied = channelwise.has(node.op)
    ? tieChannels(graph, node, ties)
    : (rules[node.op]?.(graph, node, ties) ?? false);
  if (tied) return;
  const reason =
    node.op === 'softmax' ? 'its channels are the classes' : `its channels meet others in "${node.name}" (${node.op})`;
  for (const name of [...node.inputs, ...node.outputs]) if (name !== null) ties.freeze(name, reason);
}

/** @returns false where nothing can be said: all channels that meet there stay */
type Rule = (graph: Graph, node: Node, ties: Ties) => boolean;

const convolution: Rule = (graph, node, ties) => {
  const [input, weights, bias] = node.inputs;
  const shape = tensorOf(graph, weights!).shape;
  if (!isConstant(tensorOf(graph, weights!)) || shape[3] !== sizeOf(graph, input!)) return false; // grouped
  tieAxes(graph, ties, [input!], [weights!, 3]);
  tieAxes(graph, ties, node.outputs, [weights!, 0]);
  return tieBias(graph, ties, bias, weights!, 0);
};

const rules: Readonly<Record<string, Rule>> = {
  conv_2d: convolution,
  transpose_conv: convolution,
  depthwise_conv_2d(graph, node, ties) {
    const [input, weights, bias] = node.inputs;
    const [output] = node.outputs;
    const [from, to] = [sizeOf(graph, input!), sizeOf(graph, output!)];
    if (!isConstant(tensorOf(graph, weights!)) || to % from !== 0) return false;
    tieAxes(graph, ties, [output!], [weights!, 3]);
    for (let i = 0; i < to; i++)
      ties.tie(channel(graph, input!, Math.floor(i / (to / from))), channel(graph, output!, i));
    return tieBias(graph, ties, bias, weights!, 3);
  },
  fully_connected(graph, node, ties) {
    const [input, weights, bias] = node.inputs;
    const { shape } = tensorOf(graph, weights!);
    const channels = sizeOf(graph, input!);
    if (!isConstant(tensorOf(graph, weights!)) || shape[1]! % channels !== 0) return false;
    // An image that was not flattened before: its channels repeat, pixel by pixel
    for (let i = 0; i < shape[1]!; i++)
      ties.tie(channel(graph, input!, i % channels), { tensor: weights!, axis: 1, index: i });
    tieAxes(graph, ties, node.outputs, [weights!, 0]);
    return tieBias(graph, ties, bias, weights!, 0);
  },
  mean(graph, node, ties) {
    const [input, axes] = node.inputs;
    const values = tensorOf(graph, axes!).data;
    const last = lastAxis(graph, input!);
    if (!values || [...values].some((axis) => axis === -1 || axis === last)) return false;
    return tieChannels(graph, { ...node, inputs: [input!] }, ties);
  },
  pad(graph, node, ties) {
    const paddings = tensorOf(graph, node.inputs[1]!).data;
    if (!paddings || paddings.at(-1) || paddings.at(-2)) return false;
    return tieChannels(graph, { ...node, inputs: [node.inputs[0]!] }, ties);
  },
  resize_nearest_neighbor: (graph, node, ties) => tieChannels(graph, { ...node, inputs: [node.inputs[0]!] }, ties),
  /** Memory keeps its order: a flattened image repeats its channels, pixel by pixel. */
  reshape(graph, node, ties) {
    const [input, output] = [node.inputs[0]!, node.outputs[0]!];
    const [from, to] = [sizeOf(graph, input), sizeOf(graph, output)];
    if (from % to !== 0 && to % from !== 0) return false;
    for (let i = 0; i < Math.max(from, to); i++)
      ties.tie(channel(graph, input, i % from), channel(graph, output, i % to));
    return true;
  },
  concatenation(graph, node, ties) {
    const output = node.outputs[0]!;
    const last = lastAxis(graph, output);
    const axis = node.attrs['axis'] as number;
    if (axis !== -1 && axis !== last) return tieChannels(graph, node, ties);
    let at = 0;
    for (const name of node.inputs)
      for (let i = 0; i < sizeOf(graph, name!); i++) ties.tie(channel(graph, name!, i), channel(graph, output, at++));
    return true;
  },
};

const sizeOf = (graph: Graph, name: string): number => tensorOf(graph, name).shape.at(-1) ?? 1;
const channel = (graph: Graph, tensor: string, index: number): Slice => ({
  tensor,
  axis: lastAxis(graph, tensor),
  index,
});

/** Channel i of every input to channel i of the output. A single channel that is spread over many must stay. */
function tieChannels(graph: Graph, node: Node, ties: Ties): boolean {
  const output = node.outputs[0]!;
  const size = sizeOf(graph, output);
  for (const name of node.inputs) {
    const own = sizeOf(graph, name!);
    if (own === size) for (let i = 0; i < size; i++) ties.tie(channel(graph, name!, i), channel(graph, output, i));
    else if (own !== 1) return false;
    else if (!isConstant(tensorOf(graph, name!))) return false;
  }
  return true;
}

function tieAxes(
  graph: Graph,
  ties: Ties,
  tensors: readonly string[],
  [weights, axis]: readonly [string, number],
): void {
  const size = tensorOf(graph, weights).shape[axis]!;
  for (const name of tensors)
    for (let index = 0; index < size; index++) ties.tie(channel(graph, name, index), { tensor: weights, axis, index });
}

function tieBias(graph: Graph, ties: Ties, bias: string | null | undefined, weights: string, axis: number): boolean {
  if (bias == null) return true;
  if (!isConstant(tensorOf(graph, bias)) || sizeOf(graph, bias) !== tensorOf(graph, weights).shape[axis]) return false;
  tieAxes(graph, ties, [bias], [weights, axis]);
  return true;
}
