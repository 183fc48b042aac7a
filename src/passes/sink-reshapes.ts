/**
 * Moves a reshape behind arithmetic with constants and behind an activation, so that these stand directly after the
 * convolution that can take them in. Conv1D layers come with such a reshape.
 */
import type { Graph, Node } from '../core/graph.js';
import { elementCount } from '../core/tensor.js';
import { channelArithmetic, weightedOps } from './channel-arithmetic.js';
import { GraphEdit } from './graph-edit.js';
import { reshapeNode } from './merge-reshapes.js';
import type { PassResult } from './pass.js';

export function sinkReshapes(graph: Graph): PassResult {
  const edit = new GraphEdit(graph);
  for (const reshape of edit.nodes()) {
    const [source] = reshape.inputs;
    const [shaped] = reshape.outputs;
    if (reshape.op !== 'reshape' || !edit.has(reshape) || source == null || shaped === undefined) continue;
    const next = edit.onlyReader(shaped);
    const isAfterWeights = weightedOps.has(edit.producer(source)?.op ?? '') && edit.isReadOnlyBy(source, reshape);
    if (!next || !isAfterWeights) continue;
    const inputs = inputsBefore(edit, next, source, shaped);
    if (inputs) swap(edit, reshape, next, inputs);
  }
  return edit.finish('sink-reshapes');
}

/** What `next` would read in front of the reshape; undefined where it cannot move there. */
function inputsBefore(edit: GraphEdit, next: Node, source: string, shaped: string): Node['inputs'] | undefined {
  if (edit.tensor(source).dtype !== 'float32') return undefined;
  if (next.op === 'relu' || next.op === 'relu6') return [source];
  const arithmetic = channelArithmetic(edit, next);
  if (arithmetic?.x !== shaped) return undefined;
  const { data, shape } = edit.tensor(arithmetic.constant);
  const channels = elementCount(shape);
  if (channels !== 1 && edit.tensor(source).shape.at(-1) !== channels) return undefined;
  // One axis broadcasts the same under every rank; [1, 1, 1, channels] would not fit [1, channels].
  const constant =
    shape.length === 1
      ? arithmetic.constant
      : edit.constant(arithmetic.constant, { shape: [channels], dtype: 'float32', data: data! }, next);
  return next.inputs.map((input) => (input === shaped ? source : constant));
}

function swap(edit: GraphEdit, reshape: Node, next: Node, inputs: Node['inputs']): void {
  const [shaped, result] = [reshape.outputs[0]!, next.outputs[0]!];
  const source = edit.tensor(reshape.inputs[0]!);
  edit.note(`reshape "${reshape.name}" moves behind "${next.name}"`);
  edit.setTensor({ ...edit.tensor(shaped), shape: source.shape });
  const shape = edit.tensor(result).shape;
  edit.replace(reshape, { ...next, inputs, outputs: [shaped] });
  edit.replace(next, reshapeNode(reshape.name, shaped, result, shape));
}
