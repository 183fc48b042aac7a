/** Drops nodes that no output depends on. */
import type { Graph } from '../core/graph.js';
import { GraphEdit } from './graph-edit.js';
import type { PassResult } from './pass.js';

export function dropDeadNodes(graph: Graph): PassResult {
  const edit = new GraphEdit(graph);
  for (const node of edit.nodes().toReversed()) {
    if (node.outputs.some((output) => edit.isRead(output))) continue;
    edit.remove(node);
    edit.note(`${node.op} "${node.name}" has no effect on the outputs and is dropped`);
  }
  return edit.finish('drop-dead-nodes');
}
