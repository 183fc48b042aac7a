/**
 * Graph → .tflite. The same graph gives the same bytes, and reading them back gives an equal graph.
 *
 * Flatbuffers are written back to front: what a table points to comes before the table. A vector that a graph does
 * not have stays absent: TFLite's runtime refuses empty ones.
 */
import { Builder } from 'flatbuffers';
import { type Graph, type ModelMetadata, type Node, tensorOf } from '../core/graph.js';
import type { QuantParams, Tensor, TypedArray } from '../core/tensor.js';
import { field, fileIdentifier, metadataName, schemaVersion, tensorTypeOf } from '../importers/tflite/schema.js';
import { opNamed } from '../ops/index.js';
import { type OptionField, operandsOf } from '../ops/op.js';

const bufferAlignment = 16; // bytes; kernels read weights in place
const largestOldCode = 127; // the one-byte code field; larger operator numbers are only in the new field

type Offset = number;

/** The bytes of a .tflite that TensorFlow Lite, TFLite Micro and importTflite read. */
export function emitTflite(given: Graph): Uint8Array {
  const graph = withShapeInputs(given);
  const builder = new Builder(64 * 1024);
  const buffers = new BufferTable(builder);
  const codes = new OperatorCodes();
  const subgraph = writeSubgraph(builder, graph, buffers, codes);
  const metadata = graph.metadata && writeMetadata(builder, graph.metadata, buffers);
  const offsets = {
    description: builder.createString('Thimble'),
    buffers: tableVector(builder, buffers.write()),
    subgraphs: tableVector(builder, [subgraph]),
    operatorCodes: tableVector(builder, codes.write(builder)),
    metadata: metadata === undefined ? 0 : tableVector(builder, [metadata]),
  };
  builder.startObject(7);
  builder.addFieldInt32(field.model.version, schemaVersion, 0);
  builder.addFieldOffset(field.model.operatorCodes, offsets.operatorCodes, 0);
  builder.addFieldOffset(field.model.subgraphs, offsets.subgraphs, 0);
  builder.addFieldOffset(field.model.description, offsets.description, 0);
  builder.addFieldOffset(field.model.buffers, offsets.buffers, 0);
  builder.addFieldOffset(field.model.metadata, offsets.metadata, 0);
  builder.finish(builder.endObject(), fileIdentifier);
  return builder.asUint8Array().slice();
}

/** With a constant for every shape that TFLite wants as an input, as one input more of its node. */
function withShapeInputs(graph: Graph): Graph {
  const tensors = new Map(graph.tensors);
  const nodes = graph.nodes.map((node) => {
    const { inputCount, tflite } = opNamed(node.op);
    if (tflite.shapeInput === undefined) return node;
    const { shape } = tensorOf(graph, node.outputs[0]!);
    let name = `${node.name}/output_shape`;
    while (tensors.has(name)) name = `${name}_`;
    tensors.set(name, { name, shape: [shape.length], dtype: 'int32', data: Int32Array.from(shape) });
    const absent = new Array<null>(inputCount[1] - node.inputs.length).fill(null);
    return { ...node, inputs: [...node.inputs, ...absent, name] };
  });
  return { ...graph, tensors, nodes };
}

/** Constants by number; buffer 0 is the empty one, which every activation names. Shared values are written once. */
class BufferTable {
  readonly #builder: Builder;
  readonly #indexOf = new Map<TypedArray, number>();
  readonly #contents: Offset[] = [];

  constructor(builder: Builder) {
    this.#builder = builder;
  }

  indexOf(values: TypedArray, dtype: Tensor['dtype']): number {
    const known = this.#indexOf.get(values);
    if (known !== undefined) return known;
    const written = dtype === 'int64' ? BigInt64Array.from(values, BigInt) : values;
    const index = this.add(new Uint8Array(written.buffer, written.byteOffset, written.byteLength));
    this.#indexOf.set(values, index);
    return index;
  }

  add(bytes: Uint8Array): number {
    this.#builder.prep(bufferAlignment, bytes.length); // so that the first byte lands on the boundary
    return this.#contents.push(this.#builder.createByteVector(bytes));
  }

  write(): readonly Offset[] {
    return [0, ...this.#contents].map((content) => {
      this.#builder.startObject(1);
      this.#builder.addFieldOffset(field.buffer.bytes, content, 0);
      return this.#builder.endObject();
    });
  }
}

/** Kinds of operator by number, in order of first use. */
class OperatorCodes {
  readonly #codes: { readonly builtin: number; readonly version: number }[] = [];

  indexOf(builtin: number, version: number): number {
    const known = this.#codes.findIndex((code) => code.builtin === builtin && code.version === version);
    return known >= 0 ? known : this.#codes.push({ builtin, version }) - 1;
  }

  write(builder: Builder): readonly Offset[] {
    return this.#codes.map(({ builtin, version }) => {
      builder.startObject(4);
      builder.addFieldInt8(field.operatorCode.deprecatedBuiltinCode, Math.min(builtin, largestOldCode), 0);
      builder.addFieldInt32(field.operatorCode.version, version, 1);
      builder.addFieldInt32(field.operatorCode.builtinCode, builtin, 0);
      return builder.endObject();
    });
  }
}

function writeSubgraph(builder: Builder, graph: Graph, buffers: BufferTable, codes: OperatorCodes): Offset {
  const indexOf = new Map([...graph.tensors.keys()].map((name, i) => [name, i]));
  const indices = (names: readonly (string | null)[]): Offset =>
    int32Vector(
      builder,
      names.map((name) => (name === null ? -1 : (indexOf.get(name) ?? missing(name)))),
    );
  const tensors = tableVector(
    builder,
    [...graph.tensors.values()].map((tensor) => writeTensor(builder, tensor, buffers)),
  );
  const operators = tableVector(
    builder,
    graph.nodes.map((node) => writeOperator(builder, graph, node, codes, indices)),
  );
  const [inputs, outputs, name] = [indices(graph.inputs), indices(graph.outputs), builder.createString('main')];
  builder.startObject(5);
  builder.addFieldOffset(field.subgraph.tensors, tensors, 0);
  builder.addFieldOffset(field.subgraph.inputs, inputs, 0);
  builder.addFieldOffset(field.subgraph.outputs, outputs, 0);
  builder.addFieldOffset(field.subgraph.operators, operators, 0);
  builder.addFieldOffset(field.subgraph.name, name, 0);
  return builder.endObject();
}

function missing(name: string): never {
  throw new TypeError(`no tensor "${name}"`); // checkGraph has refused such a graph
}

function writeTensor(builder: Builder, tensor: Tensor, buffers: BufferTable): Offset {
  const buffer = tensor.data ? buffers.indexOf(tensor.data, tensor.dtype) : 0;
  const shape = int32Vector(builder, tensor.shape);
  const name = builder.createString(tensor.name);
  const quantization = tensor.quant ? writeQuantization(builder, tensor.quant) : 0;
  builder.startObject(6);
  builder.addFieldOffset(field.tensor.shape, shape, 0);
  builder.addFieldInt8(field.tensor.type, tensorTypeOf[tensor.dtype], 0);
  builder.addFieldInt32(field.tensor.buffer, buffer, 0);
  builder.addFieldOffset(field.tensor.name, name, 0);
  builder.addFieldOffset(field.tensor.quantization, quantization, 0);
  builder.addFieldInt8(field.tensor.isVariable, tensor.isVariable ? 1 : 0, 0);
  return builder.endObject();
}

function writeQuantization(builder: Builder, { scale, zeroPoint, axis }: QuantParams): Offset {
  const scales = vector(builder, 4, scale, (value) => builder.addFloat32(value));
  const zeroPoints = vector(builder, 8, zeroPoint, (value) => builder.addInt64(BigInt(value)));
  builder.startObject(7);
  builder.addFieldOffset(field.quantization.scale, scales, 0);
  builder.addFieldOffset(field.quantization.zeroPoint, zeroPoints, 0);
  builder.addFieldInt32(field.quantization.quantizedDimension, axis ?? 0, 0);
  return builder.endObject();
}

function writeOperator(
  builder: Builder,
  graph: Graph,
  node: Node,
  codes: OperatorCodes,
  indices: (names: readonly (string | null)[]) => Offset,
): Offset {
  const { tflite } = opNamed(node.op);
  const operands = operandsOf(graph, node);
  const code = codes.indexOf(tflite.builtin, tflite.version(operands));
  const order = tflite.shapeInput === undefined ? tflite.order : [...(tflite.order ?? []), tflite.shapeInput];
  const [inputs, outputs] = [indices(inFileOrder(node.inputs, order)), indices(node.outputs)];
  const options = tflite.options === 0 ? 0 : writeOptions(builder, tflite.write(node.attrs, operands));
  builder.startObject(5);
  builder.addFieldInt32(field.operator.opcodeIndex, code, 0);
  builder.addFieldOffset(field.operator.inputs, inputs, 0);
  builder.addFieldOffset(field.operator.outputs, outputs, 0);
  builder.addFieldInt8(field.operator.optionsType, tflite.options, 0);
  builder.addFieldOffset(field.operator.options, options, 0);
  return builder.endObject();
}

/** Inputs where the .tflite has them. Optional ones that are absent at the end are left out. */
function inFileOrder(inputs: Node['inputs'], order: readonly number[] | undefined): Node['inputs'] {
  if (!order) return inputs;
  const placed = new Array<string | null>(order.length).fill(null);
  for (const [i, at] of order.entries()) placed[at] = inputs[i] ?? null;
  return placed.slice(0, placed.findLastIndex((name) => name !== null) + 1);
}

/** Every field is written out: what the schema takes for absent differs by table. */
function writeOptions(builder: Builder, fields: readonly OptionField[]): Offset {
  const vectors = new Map(
    fields.flatMap((option) => (option.type === 'int32s' ? [[option.id, int32Vector(builder, option.value)]] : [])),
  );
  builder.startObject(Math.max(-1, ...fields.map(({ id }) => id)) + 1);
  builder.forceDefaults(true);
  for (const option of fields) {
    if (option.type === 'int8') builder.addFieldInt8(option.id, option.value, 0);
    else if (option.type === 'int32') builder.addFieldInt32(option.id, option.value, 0);
    else if (option.type === 'float32') builder.addFieldFloat32(option.id, option.value, 0);
    else if (option.type === 'bool') builder.addFieldInt8(option.id, option.value ? 1 : 0, 0);
    else builder.addFieldOffset(option.id, vectors.get(option.id)!, 0);
  }
  builder.forceDefaults(false);
  return builder.endObject();
}

/** JSON with its keys in one order, so that equal metadata gives equal bytes. */
function writeMetadata(builder: Builder, metadata: ModelMetadata, buffers: BufferTable): Offset {
  const { labels, preprocessing, recipe, source, seed } = metadata;
  const ordered = {
    labels,
    preprocessing: preprocessing && { scale: preprocessing.scale, offset: preprocessing.offset },
    recipe: recipe && { name: recipe.name, sha256: recipe.sha256 },
    source: source && { modelSha256: source.modelSha256, dataSha256: source.dataSha256 },
    seed,
  };
  const buffer = buffers.add(new TextEncoder().encode(JSON.stringify(ordered)));
  const name = builder.createString(metadataName);
  builder.startObject(2);
  builder.addFieldOffset(field.metadata.name, name, 0);
  builder.addFieldInt32(field.metadata.buffer, buffer, 0);
  return builder.endObject();
}

function vector(builder: Builder, bytes: number, values: readonly number[], add: (value: number) => void): Offset {
  builder.startVector(bytes, values.length, bytes);
  for (let i = values.length - 1; i >= 0; i--) add(values[i]!);
  return builder.endVector();
}

const int32Vector = (builder: Builder, values: readonly number[]): Offset =>
  vector(builder, 4, values, (value) => builder.addInt32(value));

const tableVector = (builder: Builder, tables: readonly Offset[]): Offset =>
  vector(builder, 4, tables, (table) => builder.addOffset(table));
