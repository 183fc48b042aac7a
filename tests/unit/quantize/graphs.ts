/** Small float graphs with given weights, to quantize. */
import type { Graph, Node } from '../../../src/core/graph.js';
import { elementCount, type Shape, type Tensor } from '../../../src/core/tensor.js';
import { opNamed } from '../../../src/ops/index.js';
import { operandsOf } from '../../../src/ops/op.js';

export const constant = (name: string, shape: Shape, values: readonly number[]): Tensor => ({
  name,
  shape,
  dtype: 'float32',
  data: Float32Array.from(values),
});

/** Nodes are called after their outputs; shapes come from the operators. */
export function graphOf(
  inputs: Readonly<Record<string, Shape>>,
  constants: readonly Tensor[],
  nodes: readonly (readonly [output: string, op: string, inputs: readonly (string | null)[], attrs?: Node['attrs']])[],
  outputs: readonly string[] = [nodes.at(-1)![0]],
): Graph {
  let graph: Graph = {
    name: 'small',
    tensors: new Map([
      ...Object.entries(inputs).map(([name, shape]): [string, Tensor] => [name, { name, shape, dtype: 'float32' }]),
      ...constants.map((tensor): [string, Tensor] => [tensor.name, tensor]),
    ]),
    nodes: [],
    inputs: Object.keys(inputs),
    outputs,
  };
  for (const [name, op, operands, attrs = {}] of nodes) {
    const node: Node = { name, op, inputs: operands, outputs: [], attrs };
    const [shape] = opNamed(op).inferShape(operandsOf(graph, node).inputs, attrs);
    const tensors = new Map(graph.tensors).set(name, { name, shape: shape!, dtype: 'float32' });
    graph = { ...graph, tensors, nodes: [...graph.nodes, { ...node, outputs: [name] }] };
  }
  return graph;
}

/** Values spread evenly over [min, max], the ends included. */
export const ramp = (shape: Shape, min: number, max: number): Float32Array =>
  Float32Array.from(
    { length: elementCount(shape) },
    (_, i, n = elementCount(shape) - 1) => min + ((max - min) * i) / n,
  );
