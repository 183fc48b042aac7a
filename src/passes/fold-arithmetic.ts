/**
 * Folds x · c and x + c (batch normalization, rescaling, a bias added by hand) into the convolution or dense layer
 * before: its weights and bias take the constants in, and the node is gone.
 */
import type { Graph, Node } from '../core/graph.js';
import { elementCount, type Tensor } from '../core/tensor.js';
import { type ChannelArithmetic, channelArithmetic, weightedOps } from './channel-arithmetic.js';
import { GraphEdit } from './graph-edit.js';
import type { PassResult } from './pass.js';

export function foldArithmetic(graph: Graph): PassResult {
  const edit = new GraphEdit(graph);
  for (const node of edit.nodes()) {
    const arithmetic = channelArithmetic(edit, node);
    const producer = arithmetic && edit.producer(arithmetic.x);
    if (!producer || !edit.isReadOnlyBy(arithmetic.x, node)) continue;
    const folded = fold(edit, producer, arithmetic);
    if (!folded) continue;
    edit.note(`${node.op} "${node.name}" is folded into "${producer.name}"`);
    edit.remove(node);
    edit.replace(producer, {
      ...producer,
      inputs: folded,
      outputs: node.outputs,
      attrs: { ...producer.attrs, activation: node.attrs['activation'] ?? 'none' },
    });
  }
  return edit.finish('fold-arithmetic');
}

/** The producer's new inputs; undefined where it cannot take the constants in. */
function fold(edit: GraphEdit, producer: Node, { op, at, x }: ChannelArithmetic) {
  const [input, weightsName, biasName] = producer.inputs;
  if (!weightedOps.has(producer.op) || (producer.attrs['activation'] ?? 'none') !== 'none') return undefined;
  if (input == null || weightsName == null) return undefined;
  const weights = edit.tensor(weightsName);
  const bias = biasName == null ? undefined : edit.tensor(biasName);
  if (!weights.data || weights.dtype !== 'float32' || (bias && (!bias.data || bias.dtype !== 'float32')))
    return undefined;
  const channels = edit.tensor(x).shape.at(-1) ?? 0;
  if ((producer.op === 'depthwise_conv_2d' ? weights.shape.at(-1) : weights.shape[0]) !== channels) return undefined;
  const newBias = Float32Array.from({ length: channels }, (_, c) => {
    const old = bias?.data?.[c] ?? 0;
    return op === 'mul' ? old * at(c) : old + at(c);
  });
  const scaled =
    op === 'add' ? weightsName : edit.constant(weightsName, scaledWeights(weights, producer, at), producer);
  if (op === 'mul' && !bias) return [input, scaled, ...producer.inputs.slice(2)];
  const wanted = biasName ?? `${producer.name}/bias`;
  return [input, scaled, edit.constant(wanted, { shape: [channels], dtype: 'float32', data: newBias }, producer)];
}

function scaledWeights(weights: Tensor, producer: Node, at: (channel: number) => number): Omit<Tensor, 'name'> {
  const last = weights.shape.at(-1)!;
  const taps = elementCount(weights.shape) / weights.shape[0]!;
  const channelOf = producer.op === 'depthwise_conv_2d' ? (i: number) => i % last : (i: number) => Math.floor(i / taps);
  const data = Float32Array.from(weights.data!, (value, i) => value * at(channelOf(i)));
  return { shape: weights.shape, dtype: 'float32', data };
}
