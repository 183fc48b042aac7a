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
import { checkVariables } from './variables.js';

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
  return checkShapes(checkVariables(withFloatWeights(checkGraph(graph))));
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

  declaredShape(index: number): readonly number[] {
    return this.#tables[index]?.int32s(field.tensor.shape) ?? [];
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
  const all = subgraph.tables(field.subgraph.operators).map((operator, i) => {
    const index = operator.uint32(field.operator.opcodeIndex);
    const code = codes[index];
    const outputs = operator.int32s(field.operator.outputs).map((output) => tensors.nameOf(output));
    const [name] = outputs;
    if (!code || name === undefined)
      throw new ThimbleError('E_MODEL_FORMAT', `operator ${i} has no kind or no output`, 'Export the model again.');
    const inputs = readInputs(operator, tensors);
    const node = { name, outputs, inputs, shape: tensors.declaredShape(operator.int32s(field.operator.outputs)[0]!) };
    return { inputs, outputs, read: readOp(code, operator, node) };
  });
  const needed = withoutShapeArithmetic(all);
  const unsupported = needed.flatMap(({ read }) => ('unsupported' in read ? [read.unsupported] : []));
  if (unsupported.length > 0) throw unsupportedOps(unsupported);
  return needed.flatMap(({ read }) => ('node' in read ? [read.node] : []));
}

interface ReadOperator {
  readonly inputs: readonly (string | null)[]; // all of the file
  readonly outputs: readonly string[];
  readonly read: { readonly node: Node } | { readonly unsupported: UnsupportedNode };
}

/** Without operators that compute nothing but a shape which the node that reads it does not need (shapeInput). */
function withoutShapeArithmetic(operators: readonly ReadOperator[]): readonly ReadOperator[] {
  const [read, kept] = [new Set<string | null>(), new Set<string | null>()];
  const needed = operators.toReversed().filter(({ inputs, outputs, read: { ...found } }) => {
    const isDropped = outputs.some((name) => read.has(name)) && !outputs.some((name) => kept.has(name));
    for (const name of inputs) read.add(name);
    if (!isDropped) for (const name of 'node' in found ? found.node.inputs : inputs) kept.add(name);
    return !isDropped;
  });
  return needed.reverse();
}

const readInputs = (operator: FlatTable, tensors: SubgraphTensors): readonly (string | null)[] =>
  operator.int32s(field.operator.inputs).map((input) => (input === -1 ? null : tensors.nameOf(input)));

type NodeSoFar = Omit<Node, 'op' | 'attrs'> & { readonly shape: readonly number[] }; // of its first output

function readOp(
  code: FlatTable,
  operator: FlatTable,
  { shape, ...node }: NodeSoFar,
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
  const inputs = op.tflite.order ? op.tflite.order.map((at) => node.inputs[at] ?? null) : node.inputs;
  const present = node.inputs.length - (op.tflite.shapeInput === undefined ? 0 : 1);
  if (present < min || present > max || inputs.slice(0, min).includes(null))
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
  try {
    return { node: { ...node, inputs, op: op.name, attrs: op.tflite.read(options ?? absentOptions, shape) } };
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
