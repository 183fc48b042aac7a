/** Writes .tflite files that the emitter never would: damaged, dynamic, hybrid, sparse … Field ids as published. */
import { Builder } from 'flatbuffers';

export interface FileTensor {
  readonly name?: string;
  readonly shape: readonly number[];
  readonly type?: number; // TensorType; 0 = float32, 9 = int8
  readonly buffer?: number;
  readonly scale?: readonly number[];
  readonly zeroPoint?: readonly number[];
  readonly axis?: number;
  readonly variable?: boolean;
  readonly sparse?: boolean;
  readonly signature?: readonly number[];
  readonly externalBuffer?: number;
}

export interface FileModel {
  readonly codes: readonly { readonly builtin: number; readonly custom?: string }[];
  readonly tensors: readonly FileTensor[];
  readonly operators: readonly {
    readonly code: number;
    readonly inputs: readonly number[];
    readonly outputs: readonly number[];
    readonly optionsType?: number;
    readonly options?: Readonly<Record<number, number>>; // by field; numbers of 32 bits, or the padding in 8
  }[];
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly buffers?: readonly Uint8Array[]; // from buffer 1 on
  readonly bufferSize?: number; // the field of buffer 1 for weights outside the flatbuffer
  readonly subgraphs?: number;
  readonly timesFirstTensor?: number; // further entries that point at the same table
  readonly metadata?: { readonly name: string; readonly text: string };
}

export function tfliteFile(model: FileModel): Uint8Array {
  const b = new Builder(1024);
  const vector = (width: number, values: readonly number[], add: (value: number) => void): number => {
    b.startVector(width, values.length, width);
    for (const value of [...values].reverse()) add(value);
    return b.endVector();
  };
  const ints = (values: readonly number[]): number => vector(4, values, (value) => b.addInt32(value));
  const tables = (offsets: readonly number[]): number => vector(4, offsets, (offset) => b.addOffset(offset));
  const table = (
    fields: Readonly<Record<number, readonly [kind: 'offset' | 'int8' | 'int32' | 'int64', value: number]>>,
  ): number => {
    b.startObject(Math.max(0, ...Object.keys(fields).map(Number)) + 1);
    for (const [id, [kind, value]] of Object.entries(fields)) {
      if (kind === 'offset') b.addFieldOffset(Number(id), value, 0);
      else if (kind === 'int8') b.addFieldInt8(Number(id), value, 0);
      else if (kind === 'int32') b.addFieldInt32(Number(id), value, 0);
      else b.addFieldInt64(Number(id), BigInt(value), 0n);
    }
    return b.endObject();
  };

  const texts = [...(model.buffers ?? []), ...(model.metadata ? [new TextEncoder().encode(model.metadata.text)] : [])];
  const contents = texts.map((bytes) => {
    b.prep(16, bytes.length);
    return b.createByteVector(bytes);
  });
  const buffers = [
    table({}),
    ...contents.map((at, i) => table({ 0: ['offset', at], 2: ['int64', i === 0 ? (model.bufferSize ?? 0) : 0] })),
  ];
  const tensors = model.tensors.map((tensor) => {
    const quantization = tensor.scale
      ? table({
          2: ['offset', vector(4, tensor.scale, (value) => b.addFloat32(value))],
          3: ['offset', vector(8, tensor.zeroPoint ?? tensor.scale.map(() => 0), (value) => b.addInt64(BigInt(value)))],
          6: ['int32', tensor.axis ?? 0],
        })
      : 0;
    return table({
      0: ['offset', ints(tensor.shape)],
      1: ['int8', tensor.type ?? 0],
      2: ['int32', tensor.buffer ?? 0],
      3: ['offset', b.createString(tensor.name ?? '')],
      4: ['offset', quantization],
      5: ['int8', tensor.variable ? 1 : 0],
      6: ['offset', tensor.sparse ? table({}) : 0],
      7: ['offset', tensor.signature ? ints(tensor.signature) : 0],
      10: ['int32', tensor.externalBuffer ?? 0],
    });
  });
  const optionsTable = (options: Readonly<Record<number, number>>): number =>
    table(
      Object.fromEntries(
        Object.entries(options).map(([id, value]) => [id, [id === '0' ? 'int8' : 'int32', value] as const]),
      ),
    );
  const operators = model.operators.map(({ code, inputs, outputs, optionsType = 0, options = {} }) =>
    table({
      0: ['int32', code],
      1: ['offset', ints(inputs)],
      2: ['offset', ints(outputs)],
      3: ['int8', optionsType],
      4: ['offset', optionsType === 0 ? 0 : optionsTable(options)],
    }),
  );
  const subgraph = table({
    0: ['offset', tables([...tensors, ...new Array<number>(model.timesFirstTensor ?? 0).fill(tensors[0]!)])],
    1: ['offset', ints(model.inputs)],
    2: ['offset', ints(model.outputs)],
    3: ['offset', tables(operators)],
  });
  const codes = model.codes.map(({ builtin, custom }) =>
    table({
      0: ['int8', Math.min(builtin, 127)],
      1: ['offset', custom ? b.createString(custom) : 0],
      3: ['int32', builtin],
    }),
  );
  const metadata = model.metadata
    ? tables([table({ 0: ['offset', b.createString(model.metadata.name)], 1: ['int32', contents.length] })])
    : 0;
  const root = table({
    0: ['int32', 3],
    1: ['offset', tables(codes)],
    2: ['offset', tables(Array.from({ length: model.subgraphs ?? 1 }, () => subgraph))],
    4: ['offset', tables(buffers)],
    6: ['offset', metadata],
  });
  b.finish(root, 'TFL3');
  return b.asUint8Array().slice();
}

export const relu = 19; // BuiltinOperator

/** A model of one relu on four numbers; `change` replaces parts of it. */
export const reluModel = (change: Partial<FileModel> = {}): FileModel => ({
  codes: [{ builtin: relu }],
  tensors: [
    { name: 'x', shape: [1, 4] },
    { name: 'y', shape: [1, 4] },
  ],
  operators: [{ code: 0, inputs: [0], outputs: [1] }],
  inputs: [0],
  outputs: [1],
  ...change,
});
