/** Takes channel classes out of a graph: every tensor that has elements of theirs gets shorter along that axis. */
import { type Graph, isConstant, type Node, tensorOf, withoutUnusedTensors } from '../../core/graph.js';
import { elementCount, type Tensor } from '../../core/tensor.js';
import type { DependencyGroups } from './dependency-groups.js';

/**
 * @param leaving ids of classes
 * @param how shapes: constants have the right number of values, but not the right ones, which is quick
 */
export function withoutClasses(
  graph: Graph,
  { classes }: DependencyGroups,
  leaving: ReadonlySet<number>,
  how: 'whole' | 'shapes' = 'whole',
): Graph {
  if (leaving.size === 0) return graph;
  const cuts = new Map<string, Map<number, Set<number>>>(); // tensor → axis → indices that leave
  for (const id of leaving)
    for (const { tensor, axis, index } of classes[id]!.elements) {
      const axes = cuts.get(tensor) ?? new Map<number, Set<number>>();
      cuts.set(tensor, axes.set(axis, (axes.get(axis) ?? new Set()).add(index)));
    }
  const tensors = new Map(graph.tensors);
  for (const [name, axes] of cuts)
    tensors.set(
      name,
      [...axes].reduce((tensor, [axis, indices]) => without(tensor, axis, indices, how), tensorOf(graph, name)),
    );
  const nodes = graph.nodes.map((node) =>
    node.op === 'reshape' && cuts.has(node.outputs[0]!) ? reshapeTo(node, tensors) : node,
  );
  return withoutUnusedTensors({ ...graph, tensors, nodes });
}

/** A tensor, and the values of a constant, without these positions along one axis. */
function without(tensor: Tensor, axis: number, indices: ReadonlySet<number>, how: string): Tensor {
  const { shape, data } = tensor;
  const size = shape[axis]!;
  const smaller = { ...tensor, shape: shape.with(axis, size - indices.size) };
  if (!isConstant(tensor)) return smaller;
  if (how === 'shapes') return { ...smaller, data: data!.subarray(0, elementCount(smaller.shape)) };
  const inner = elementCount(shape.slice(axis + 1));
  const result = new Float32Array(elementCount(smaller.shape));
  let at = 0;
  for (let begin = 0, run = 0; begin < data!.length; begin += inner, run++) {
    if (indices.has(run % size)) continue;
    result.set((data as Float32Array).subarray(begin, begin + inner), at);
    at += inner;
  }
  return { ...smaller, data: result };
}

/** The target shape stands in the attribute, in a constant that other reshapes may share, or in both. */
function reshapeTo(node: Node, tensors: Map<string, Tensor>): Node {
  const { shape } = tensors.get(node.outputs[0]!)!;
  const attrs = node.attrs['newShape'] ? { ...node.attrs, newShape: shape } : node.attrs;
  const [input, target] = node.inputs;
  if (!target) return { ...node, attrs };
  let name = `${node.name}/shape`;
  while (tensors.has(name)) name = `${name}_pruned`;
  tensors.set(name, { name, shape: [shape.length], dtype: 'int32', data: Int32Array.from(shape) });
  return { ...node, attrs, inputs: [input!, name] };
}
