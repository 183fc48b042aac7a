/** A reshape of a reshape reads what the first one read; the first one goes when nobody else needs it. */
import type { Graph, Node } from '../core/graph.js';
import { sameQuant } from '../core/tensor.js';
import { GraphEdit } from './graph-edit.js';
import type { PassResult } from './pass.js';

export function mergeReshapes(graph: Graph): PassResult {
  const edit = new GraphEdit(graph);
  for (const node of edit.nodes()) {
    const before = node.op === 'reshape' && node.inputs[0] != null ? edit.producer(node.inputs[0]) : undefined;
    const [source] = before?.inputs ?? [];
    if (before?.op !== 'reshape' || source == null) continue;
    const output = edit.tensor(node.outputs[0]!);
    if (!sameQuant(edit.tensor(source).quant, output.quant)) continue;
    edit.note(`reshape "${before.name}" before "${node.name}" is skipped`);
    edit.replace(node, reshapeNode(node.name, source, node.outputs[0]!, output.shape));
  }
  return edit.finish('merge-reshapes');
}

export const reshapeNode = (name: string, input: string, output: string, newShape: readonly number[]): Node => ({
  name,
  op: 'reshape',
  inputs: [input],
  outputs: [output],
  attrs: { newShape },
});
