/** .tflite (flatbuffer, schema version 3) → Graph. One subgraph, batch 1, float32 or full-integer. */
import { ThimbleError } from '../../core/errors.js';
import { checkGraph, type Graph, type Node } from '../../core/graph.js';
import type { Tensor } from '../../core/tensor.js';
import { findOpByBuiltin } from '../../ops/index.js';
import type { Importer } from '../model-file.js';
import { FlatTable } from './flat-table.js';
import { withFloatWeights } from './float-weights.js';
import { readMetadata } from './metadata.js';
import { builtinCustom, field, fileIdentifier } from './schema.js';
import { checkShapes } from './shapes.js';
import { badTensor, TensorReader } from './tensors.js';
import { opLabel, refuseModel, type UnsupportedNode, unsupportedOps } from './unsupported.js';

export const tfliteImporter: Importer = {
  name: 'tflite',
  reads: 'TensorFlow Lite (.tflite)',
  matches: ({ bytes }) => hasIdentifier(bytes),
  read: ({ bytes, name }) => importTflite(bytes, name.replace(/\.[^.]*$/, '')),
};

const hasIdentifier = (bytes: Uint8Array): boolean =>
  bytes.length >= 8 && String.fromCharCode(...bytes.subarray(4, 8)) === fileIdentifier;

/**
 * Reads a .tflite whole. Tensors and nodes keep the file's order; names are made unique, and a node is called after
 * its first output.
 * @throws ThimbleError E_MODEL_FORMAT for damage, E_UNSUPPORTED_OP with every such node, E_UNSUPPORTED_MODEL,
 *   E_NOT_FINITE for NaN or Infinity in weights or scales, E_SHAPE
 */
export function importTflite(bytes: Uint8Array, name = 'model'): Graph {
  if (!hasIdentifier(bytes))
    throw new ThimbleError(
      'E_MODEL_FORMAT',
      `"${name}" is no .tflite: "${fileIdentifier}" is missing`,
      'Export again.',
    );
  const model = FlatTable.root(bytes);
  const subgraphs = model.tables(field.model.subgraphs);
  const [subgraph] = subgraphs;
  if (!subgraph) throw new ThimbleError('E_MODEL_FORMAT', 'the .tflite holds no graph', 'Export the model again.');
  if (subgraphs.length > 1) throw refuseModel('subgraphs', undefined, `${subgraphs.length}`);

  const buffers = model.tables(field.model.buffers);
  const tensors = new SubgraphTensors(subgraph, buffers);
  const nodes = readNodes(model.tables(field.model.operatorCodes), subgraph, tensors);
  const inputs = subgraph.int32s(field.subgraph.inputs).map((index) => tensors.nameOf(index));
  const outputs = subgraph.int32s(field.subgraph.outputs).map((index) => tensors.nameOf(index));
  const metadata = readMetadata(model.tables(field.model.metadata), buffers);
  const used = tensors.readUsed([...inputs, ...outputs, ...nodes.flatMap((node) => [...node.inputs, ...node.outputs])]);
  const graph = { name, tensors: used, nodes, inputs, outputs, ...(metadata && { metadata }) };
  return checkShapes(withFloatWeights(checkGraph(graph)));
}

/** Tensors by index, under unique names; their values are read once it is known which are used. */
class SubgraphTensors {
  readonly #tables: readonly FlatTable[];
  readonly #names: readonly string[];
  readonly #reader: TensorReader;

  constructor(subgraph: FlatTable, buffers: readonly FlatTable[]) {
    this.#tables = subgraph.tables(field.subgraph.tensors);
    this.#names = uniqueNames(this.#tables.map((table) => table.string(field.tensor.name)));
    this.#reader = new TensorReader(buffers);
  }

  nameOf(index: number): string {
    const name = this.#names[index];
    if (name === undefined) throw badTensor(`#${index}`, `does not exist; the graph has ${this.#names.length}`);
    return name;
  }

  readUsed(names: readonly (string | null)[]): ReadonlyMap<string, Tensor> {
    const used = new Set(names);
    const tensors = new Map<string, Tensor>();
    this.#names.forEach((name, i) => {
      if (used.has(name)) tensors.set(name, this.#reader.read(this.#tables[i]!, name));
    });
    return tensors;
  }
}

function uniqueNames(names: readonly string[]): readonly string[] {
  const taken = new Set<string>();
  const next = new Map<string, number>(); // where to go on counting, so that equal names do not cost a search each
  return names.map((name, i) => {
    const base = name === '' ? `tensor_${i}` : name;
    let unique = base;
    let count = next.get(base) ?? 2;
    while (taken.has(unique)) unique = `${base}_${count++}`;
    next.set(base, count);
    taken.add(unique);
    return unique;
  });
}

function readNodes(codes: readonly FlatTable[], subgraph: FlatTable, tensors: SubgraphTensors): readonly Node[] {
  const unsupported: UnsupportedNode[] = [];
  const nodes: Node[] = [];
  subgraph.tables(field.subgraph.operators).forEach((operator, i) => {
    const index = operator.uint32(field.operator.opcodeIndex);
    const code = codes[index];
    const outputs = operator.int32s(field.operator.outputs).map((output) => tensors.nameOf(output));
    const [name] = outputs;
    if (!code || name === undefined)
      throw new ThimbleError('E_MODEL_FORMAT', `operator ${i} has no kind or no output`, 'Export the model again.');
    const node = { name, outputs, inputs: readInputs(operator, tensors) };
    const read = readOp(code, operator, node);
    if ('unsupported' in read) unsupported.push(read.unsupported);
    else nodes.push(read.node);
  });
  if (unsupported.length > 0) throw unsupportedOps(unsupported);
  return nodes;
}

const readInputs = (operator: FlatTable, tensors: SubgraphTensors): readonly (string | null)[] =>
  operator.int32s(field.operator.inputs).map((input) => (input === -1 ? null : tensors.nameOf(input)));

type NodeSoFar = Omit<Node, 'op' | 'attrs'>;

function readOp(
  code: FlatTable,
  operator: FlatTable,
  node: NodeSoFar,
): { readonly node: Node } | { readonly unsupported: UnsupportedNode } {
  // Old files hold the code in one byte, new ones in both fields: the larger is meant.
  const builtin = Math.max(
    code.int8(field.operatorCode.deprecatedBuiltinCode),
    code.int32(field.operatorCode.builtinCode),
  );
  const custom = builtin === builtinCustom ? code.string(field.operatorCode.customCode) || 'of no name' : '';
  const op = findOpByBuiltin(builtin);
  if (!op || custom) return { unsupported: { node: node.name, op: opLabel(builtin, custom) } };
  const [min, max] = op.inputCount;
  if (node.inputs.length < min || node.inputs.length > max || node.inputs.slice(0, min).includes(null))
    throw new ThimbleError(
      'E_MODEL_FORMAT',
      `node "${node.name}" (${op.name}) has ${node.inputs.length} inputs; the op takes ${min} to ${max}`,
      'Export the model again.',
      { where: `at node "${node.name}" (${op.name})` },
    );
  const type = operator.uint8(field.operator.optionsType);
  const options = operator.table(field.operator.options);
  if (type !== 0 && type !== op.tflite.options)
    throw new ThimbleError(
      'E_MODEL_FORMAT',
      `node "${node.name}" (${op.name}) has options of another op`,
      'Export the model again.',
      {
        where: `at node "${node.name}" (${op.name})`,
      },
    );
  const inputs = op.tflite.order ? op.tflite.order.map((at) => node.inputs[at] ?? null) : node.inputs;
  try {
    return { node: { ...node, inputs, op: op.name, attrs: op.tflite.read(options ?? absentOptions) } };
  } catch (error) {
    if (!(error instanceof ThimbleError) || error.code !== 'E_UNSUPPORTED_OP') throw error;
    return { unsupported: { node: node.name, op: op.name, reason: [error.message, ...error.hints].join(' ') } };
  }
}

/** A table that is not there reads as all defaults. */
const absentOptions = {
  int8: (_id: number, fallback = 0) => fallback,
  int32: (_id: number, fallback = 0) => fallback,
  float32: (_id: number, fallback = 0) => fallback,
  bool: (_id: number, fallback = false) => fallback,
  int32s: () => [],
};
