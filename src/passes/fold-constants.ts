/** Computes nodes whose inputs are all constants, once and here. */
import type { Graph, Node } from '../core/graph.js';
import { opNamed } from '../ops/index.js';
import { operandsOf } from '../ops/op.js';
import { GraphEdit } from './graph-edit.js';
import type { PassResult } from './pass.js';

/** Only nodes that compute in float32; int8 constants are what a quantizer wanted them to be. */
export function foldConstants(graph: Graph): PassResult {
  const edit = new GraphEdit(graph);
  for (const node of edit.nodes()) {
    if (!isConstantFloat32(edit, node)) continue;
    const tensors = new Map(
      [...node.inputs, ...node.outputs].flatMap((name) => (name === null ? [] : [entry(edit, name)])),
    );
    const results = opNamed(node.op).runFloat32(operandsOf({ ...graph, tensors }, node));
    edit.remove(node);
    node.outputs.forEach((output, i) => {
      edit.setTensor({ ...edit.tensor(output), data: results[i]! });
    });
    edit.note(`${node.op} "${node.name}" has constant inputs and is computed in advance`);
  }
  return edit.finish('fold-constants');
}

const entry = (edit: GraphEdit, name: string) => [name, edit.tensor(name)] as const;

function isConstantFloat32(edit: GraphEdit, node: Node): boolean {
  const inputs = node.inputs.flatMap((name) => (name === null ? [] : [edit.tensor(name)]));
  return (
    inputs.length > 0 &&
    inputs.every(({ data, dtype }) => data !== undefined && (dtype === 'float32' || dtype === 'int32')) &&
    node.outputs.every((output) => edit.tensor(output).dtype === 'float32' && !edit.isOutput(output))
  );
}
