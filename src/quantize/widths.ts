/**
 * Which activations are 16 bits wide, and which nodes therefore compute in TFLite's 16x8. Width belongs to tensors: a
 * layer whose result is 16 bits wide gains nothing if the layer that reads it narrows it again first.
 */
import { ThimbleError } from '../core/errors.js';
import { type Graph, isConstant, type Node, tensorOf } from '../core/graph.js';
import { opNamed } from '../ops/index.js';
import type { Recipe } from './recipe.js';

export type Width = 'int8' | 'int16';

export interface Widths {
  /** Of a tensor between nodes. The model's own inputs and outputs are int8: firmware and host speak in bytes. */
  of(tensor: string): Width;
  /** In which a node computes: 16 bits where its result is so wide, or anything that it reads. */
  computed(node: Node): Width;
}

/**
 * By the recipe: every result that has a 16-bit kernel, or those of the layers that it names, and what merely moves
 * them on. Results of other operators (softmax and the like) stay int8.
 * @param graph float32
 * @throws ThimbleError E_RECIPE for a layer that the model does not have, or whose operator has no such kernel
 */
export function widthsOf(graph: Graph, { activations }: Pick<Recipe, 'activations'>): Widths {
  const { bits = 8, layers } = activations;
  const wide = new Set<string>();
  if (bits === 16) {
    checkLayers(graph, layers ?? []);
    for (const node of graph.nodes)
      if (isWidened(node, layers, wide))
        for (const name of node.outputs) if (!graph.outputs.includes(name)) wide.add(name);
  }
  const of = (tensor: string): Width => (wide.has(tensor) ? 'int16' : 'int8');
  return {
    of,
    computed(node) {
      const { int16, quantization } = opNamed(node.op);
      const read = quantization?.kind === 'same' ? [] : node.inputs; // its output's width is that of the whole node
      const touches = [...read, ...node.outputs].some((name) => name !== null && wide.has(name));
      return int16 && touches ? 'int16' : 'int8';
    },
  };
}

function isWidened(node: Node, layers: readonly string[] | undefined, wide: ReadonlySet<string>): boolean {
  const { int16, quantization } = opNamed(node.op);
  if (!int16) return false;
  // What moves values cannot make more of them than it reads.
  if (quantization?.kind === 'same') return node.inputs.some((name) => name !== null && wide.has(name));
  return layers === undefined || layers.includes(node.name);
}

function checkLayers(graph: Graph, layers: readonly string[]): void {
  const known = new Map(graph.nodes.map((node) => [node.name, node]));
  const faults = layers.flatMap((layer) => {
    const node = known.get(layer);
    if (!node) return [`the model has no layer "${layer}"`];
    const { int16, quantization } = opNamed(node.op);
    return int16 && quantization?.kind !== 'same' ? [] : [`"${layer}" (${node.op}) cannot widen its result`];
  });
  if (faults.length === 0) return;
  const able = graph.nodes.filter(({ op }) => opNamed(op).int16 && opNamed(op).quantization?.kind !== 'same');
  throw new ThimbleError('E_RECIPE', `activations.layers: ${faults.join('; ')}`, [
    `Layers of this model that can: ${able.map(({ name }) => `"${name}"`).join(', ') || 'none'}.`,
    'Leave "layers" out to widen all of them.',
  ]);
}

/** The layers with weights or arithmetic of their own whose results a recipe may widen. */
export const canWiden = (graph: Graph, { op, outputs }: Node): boolean =>
  opNamed(op).int16 === true &&
  opNamed(op).quantization?.kind !== 'same' &&
  outputs.every((name) => !graph.outputs.includes(name) && !isConstant(tensorOf(graph, name)));
