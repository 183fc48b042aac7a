/**
 * Whatever moves no element (squeeze, expand_dims, a transpose of axes of size 1, a slice of everything) becomes a
 * reshape, so that the other passes need to know one operator only.
 */
import type { Graph } from '../core/graph.js';
import { opNamed } from '../ops/index.js';
import { operandsOf } from '../ops/op.js';
import { GraphEdit } from './graph-edit.js';
import { reshapeNode } from './merge-reshapes.js';
import type { PassResult } from './pass.js';

export function unifyReshapes(graph: Graph): PassResult {
  const edit = new GraphEdit(graph);
  for (const node of edit.nodes()) {
    const [input] = node.inputs;
    const [output] = node.outputs;
    if (node.op === 'reshape' || input == null || output === undefined) continue;
    if (!opNamed(node.op).isReshape?.(operandsOf(graph, node))) continue;
    edit.note(`${node.op} "${node.name}" moves nothing and becomes a reshape`);
    edit.replace(node, reshapeNode(node.name, input, output, edit.tensor(output).shape));
  }
  return edit.finish('unify-reshapes');
}
