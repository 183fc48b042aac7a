/**
 * Graph: a model as plain immutable data. A pass returns a new one; nothing edits one in place.
 * The vocabulary is TFLite's (op names in snake_case, shapes and axes as there), so that a .tflite maps one to one.
 */
import { ThimbleError } from './errors.js';
import type { Tensor } from './tensor.js';

export interface Node {
  readonly name: string; // unique in its graph
  readonly op: string; // an OpDef's name
  readonly inputs: readonly (string | null)[]; // tensor names by position; null = optional and absent
  readonly outputs: readonly string[];
  readonly attrs: Readonly<Record<string, unknown>>; // the op's own; see its folder in src/ops
}

export interface Graph {
  readonly name: string;
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly nodes: readonly Node[]; // topological
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly metadata?: ModelMetadata;
  readonly remarks?: readonly string[]; // sentences that a person should read, such as how weights were stored
}

/** What travels with a model: in the .tflite as the metadata entry THIMBLE, in the C model as macros and labels. */
export interface ModelMetadata {
  readonly labels?: readonly string[]; // one per class, in output order
  readonly preprocessing?: Preprocessing;
  readonly recipe?: { readonly name: string; readonly sha256: string };
  readonly source?: { readonly modelSha256: string; readonly dataSha256?: string };
  readonly seed?: number;
}

/** From a raw sample (bytes 0–255 of an image, a sensor's counts) to the float model's units: raw · scale + offset. */
export interface Preprocessing {
  readonly scale: readonly number[]; // one, or one per channel (the last axis)
  readonly offset: readonly number[];
}

export function tensorOf(graph: Graph, name: string): Tensor {
  const tensor = graph.tensors.get(name);
  if (!tensor) throw new TypeError(`graph "${graph.name}" has no tensor "${name}"`);
  return tensor;
}

export const isConstant = (tensor: Tensor): boolean => tensor.data !== undefined;

/** Whether an inference depends on those before it. */
export const hasState = (graph: Graph): boolean => [...graph.tensors.values()].some(({ isVariable }) => isVariable);

/** The node that writes a tensor; undefined for inputs and constants. */
export const producerOf = (graph: Graph, name: string): Node | undefined =>
  graph.nodes.find((node) => node.outputs.includes(name));

export const consumersOf = (graph: Graph, name: string): readonly Node[] =>
  graph.nodes.filter((node) => node.inputs.includes(name));

/** Drops tensors that no node and no graph output mentions any more; inputs stay. */
export function withoutUnusedTensors(graph: Graph): Graph {
  const used = new Set<string | null>([...graph.inputs, ...graph.outputs]);
  for (const node of graph.nodes) for (const name of [...node.inputs, ...node.outputs]) used.add(name);
  return { ...graph, tensors: new Map([...graph.tensors].filter(([name]) => used.has(name))) };
}

/**
 * Checks what every later stage relies on: names resolve, nodes are in topological order, every tensor is written
 * once, outputs are written. Collects all faults first.
 * @throws ThimbleError E_MODEL_FORMAT
 */
export function checkGraph(graph: Graph): Graph {
  const faults: string[] = [];
  const written = new Set(graph.inputs);
  for (const [name, tensor] of graph.tensors) {
    if (name !== tensor.name) faults.push(`tensor "${tensor.name}" is filed under "${name}"`);
    if (isConstant(tensor) || tensor.isVariable) written.add(name);
  }
  for (const name of [...graph.inputs, ...graph.outputs])
    if (!graph.tensors.has(name)) faults.push(`"${name}" is an input or output but no tensor`);
  const names = new Set<string>();
  for (const node of graph.nodes) {
    if (names.has(node.name)) faults.push(`two nodes are called "${node.name}"`);
    names.add(node.name);
    for (const input of node.inputs)
      if (input !== null && !written.has(input))
        faults.push(`node "${node.name}" reads "${input}" before it is written`);
    for (const output of node.outputs) {
      if (!graph.tensors.has(output)) faults.push(`node "${node.name}" writes "${output}", which is no tensor`);
      if (written.has(output)) faults.push(`node "${node.name}" writes "${output}" a second time`);
      written.add(output);
    }
  }
  for (const output of graph.outputs) if (!written.has(output)) faults.push(`nothing writes the output "${output}"`);
  if (faults.length > 0)
    throw new ThimbleError(
      'E_MODEL_FORMAT',
      `the model is not a valid graph: ${faults.slice(0, 5).join('; ')}${faults.length > 5 ? `; and ${faults.length - 5} more` : ''}`,
      'Export the model again; if it came from an unusual converter, convert it with TensorFlow Lite once more.',
    );
  return graph;
}
