import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ThimbleError } from '../../../src/core/errors.js';
import { tensorOf } from '../../../src/core/graph.js';
import { emitTflite } from '../../../src/emit/tflite.js';
import { importModel } from '../../../src/importers/index.js';
import { importTflite } from '../../../src/importers/tflite/tflite.js';
import { createInterpreter } from '../../../src/interpret/interpreter.js';
import { findOpByBuiltin } from '../../../src/ops/index.js';
import { sharedBytes, sharedPath, withoutShared } from '../../shared-folder.js';
import { type FileModel, type FileTensor, reluModel, tfliteFile } from './tflite-file.js';

function failure(model: FileModel): ThimbleError {
  try {
    importTflite(tfliteFile(model));
  } catch (error) {
    expect(error).toBeInstanceOf(ThimbleError);
    return error as ThimbleError;
  }
  throw new Error('was imported');
}

const bytesOf = (...values: readonly number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);
const withInput = (tensor: FileTensor, more: Partial<FileModel> = {}): FileModel =>
  reluModel({ tensors: [tensor, { name: 'y', shape: [1, 4] }], ...more });
/** x + constant, where the constant's tensor and bytes are given. */
const withConstant = (constant: Partial<FileTensor>, bytes: Uint8Array, more: Partial<FileModel> = {}): FileModel => ({
  codes: [{ builtin: 0 }],
  tensors: [
    { name: 'x', shape: [1, 4] },
    { name: 'c', shape: [4], buffer: 1, ...constant },
    { name: 'y', shape: [1, 4] },
  ],
  operators: [{ code: 0, inputs: [0, 1], outputs: [2] }],
  inputs: [0],
  outputs: [2],
  buffers: [bytes],
  ...more,
});

describe('importTflite', () => {
  it('reads a node, its tensors and constants', () => {
    const graph = importTflite(tfliteFile(withConstant({}, bytesOf(1, -2, 3.5, 4))), 'sum');
    expect(graph.name).toBe('sum');
    expect(graph.nodes.map(({ name, op, inputs }) => ({ name, op, inputs }))).toEqual([
      { name: 'y', op: 'add', inputs: ['x', 'c'] },
    ]);
    expect(tensorOf(graph, 'c').data).toEqual(Float32Array.of(1, -2, 3.5, 4));
  });

  it('makes names unique and gives names to the nameless', () => {
    const tensors = ['a', 'a', ''].map((name) => ({ name, shape: [1, 4] }));
    const operators = [
      { code: 0, inputs: [0], outputs: [1] },
      { code: 0, inputs: [1], outputs: [2] },
    ];
    const graph = importTflite(tfliteFile(reluModel({ tensors, operators, outputs: [2] })));
    expect([...graph.tensors.keys()]).toEqual(['a', 'a_2', 'tensor_2']);
    expect(graph.nodes.map(({ name }) => name)).toEqual(['a_2', 'tensor_2']);
  });

  it('takes a batch of −1 as 1, and per-tensor parameters as such whatever the axis says', () => {
    const int8 = { type: 9, scale: [0.5], zeroPoint: [3], axis: 1 };
    const graph = importTflite(
      tfliteFile(
        reluModel({
          tensors: [
            { name: 'x', shape: [1, 4], signature: [-1, 4], ...int8 },
            { name: 'y', shape: [1, 4], ...int8 },
          ],
        }),
      ),
    );
    expect(tensorOf(graph, 'x')).toEqual({
      name: 'x',
      shape: [1, 4],
      dtype: 'int8',
      quant: { scale: [0.5], zeroPoint: [3], axis: null },
    });
  });

  it('reads our metadata, ignores that of others, and refuses damaged', () => {
    const file = (name: string, text: string): Uint8Array => tfliteFile(reluModel({ metadata: { name, text } }));
    expect(importTflite(file('THIMBLE', '{"labels":["no","yes"],"later":1}')).metadata).toEqual({
      labels: ['no', 'yes'],
    });
    expect(importTflite(file('min_runtime_version', '1.5')).metadata).toBeUndefined();
    for (const text of ['{"labels":', '{"labels":[1]}', '"x"', '{"recipe":{"name":"a","sha256":"z"}}'])
      expect(() => importTflite(file('THIMBLE', text))).toThrow(expect.objectContaining({ code: 'E_MODEL_FORMAT' }));
  });

  it('lists every unsupported operator in one error, with a way out', () => {
    const error = failure(
      reluModel({
        codes: [{ builtin: 111 }, { builtin: 32, custom: 'Detect' }, { builtin: 150 }],
        tensors: ['x', 'a', 'b', 'c', 'd'].map((name) => ({ name, shape: [1, 4] })),
        operators: [0, 1, 2, 0].map((code, i) => ({ code, inputs: [i], outputs: [i + 1] })),
        outputs: [4],
      }),
    );
    expect(error.code).toBe('E_UNSUPPORTED_OP');
    for (const part of ['elu at "a", "d": use relu', 'custom Detect at "b"', 'gelu at "c"'])
      expect(error.message).toContain(part);
  });

  it('leaves out what computes the shape of a transposed convolution, and writes it as a constant', () => {
    const int32 = { type: 2, shape: [4] };
    const graph = importTflite(
      tfliteFile({
        codes: [{ builtin: 77 }, { builtin: 45 }, { builtin: 83 }, { builtin: 67 }], // shape, strided_slice, pack
        tensors: [
          { name: 'x', shape: [1, 3, 3, 1] },
          { name: 'w', shape: [2, 2, 2, 1], buffer: 1 },
          { name: 'shape of x', ...int32 },
          { name: 'batch', type: 2, shape: [] },
          { name: 'shape of y', ...int32 },
          { name: 'y', shape: [1, 4, 4, 2] },
        ],
        operators: [
          { code: 0, inputs: [0], outputs: [2] },
          { code: 1, inputs: [2, 2, 2, 2], outputs: [3] },
          { code: 2, inputs: [3, 3, 3, 3], outputs: [4] },
          { code: 3, inputs: [4, 1, 0], outputs: [5], optionsType: 49, options: { 0: 1, 1: 1, 2: 1 } }, // VALID
        ],
        inputs: [0],
        outputs: [5],
        buffers: [new Uint8Array(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8).buffer)],
      }),
    );
    expect(graph.nodes).toEqual([
      {
        name: 'y',
        op: 'transpose_conv',
        inputs: ['x', 'w', null],
        outputs: ['y'],
        attrs: { padding: 'VALID', stride: [1, 1], outputSize: [4, 4], activation: 'none' },
      },
    ]);
    expect([...graph.tensors.keys()]).toEqual(['x', 'w', 'y']);
    expect(importTflite(emitTflite(graph))).toEqual(graph);
    const image = Float32Array.of(0, 0, 0, 0, 1, 0, 0, 0, 0); // its window is the filter, in the middle
    const [y] = createInterpreter(graph).run([image]);
    expect([...y!].filter((_, i) => i % 2 === 0)).toEqual([0, 0, 0, 0, 0, 1, 2, 0, 0, 3, 4, 0, 0, 0, 0, 0]);
  });

  it('reads int8 weights under float arithmetic as the float weights they stand for, and says so', () => {
    const perChannel = { type: 9, scale: [0.5, 2, 1, 0.25], zeroPoint: [0, 0, 0, 0], axis: 0 };
    const graph = importTflite(tfliteFile(withConstant(perChannel, Uint8Array.of(1, 2, 0x80, 0xff))));
    expect(tensorOf(graph, 'c')).toMatchObject({ dtype: 'float32', data: Float32Array.of(0.5, 4, -128, -0.25) });
    expect(graph.remarks?.join()).toMatch(/hybrid.*thimble compress/);
  });

  it('reads float16 weights behind a dequantize as float32 and drops the node', () => {
    const graph = importTflite(
      tfliteFile({
        codes: [{ builtin: 6 }, { builtin: 0 }],
        tensors: [
          { name: 'x', shape: [1, 4] },
          { name: 'h', shape: [4], type: 1, buffer: 1 },
          { name: 'c', shape: [4] },
          { name: 'y', shape: [1, 4] },
        ],
        operators: [
          { code: 0, inputs: [1], outputs: [2] },
          { code: 1, inputs: [0, 2], outputs: [3] },
        ],
        inputs: [0],
        outputs: [3],
        buffers: [Uint8Array.of(0x00, 0x3c, 0x00, 0xc0, 0x01, 0x00, 0xff, 0x7b)], // 1, −2, 2^−24, 65504
      }),
    );
    expect(graph.nodes.map(({ op }) => op)).toEqual(['add']);
    expect(tensorOf(graph, 'c').data).toEqual(Float32Array.of(1, -2, 2 ** -24, 65504));
    expect(graph.remarks?.join()).toMatch(/float16/);
  });

  const half = { shape: [1, 4], type: 1 };
  const int8Weights = { type: 9, scale: [0.1], zeroPoint: [0] };
  it.each<[string, FileModel, string, RegExp]>([
    ['float16', withInput(half), 'E_UNSUPPORTED_MODEL', /float16/],
    ['uint8', withInput({ shape: [1, 4], type: 3 }), 'E_UNSUPPORTED_MODEL', /uint8/],
    ['bool', withInput({ shape: [1, 4], type: 6 }), 'E_UNSUPPORTED_MODEL', /bool/],
    ['an unknown type', withInput({ shape: [1, 4], type: 99 }), 'E_MODEL_FORMAT', /type 99/],
    ['a dynamic shape', withInput({ shape: [1, 4], signature: [-1, -1] }), 'E_UNSUPPORTED_MODEL', /run time/],
    ['a negative size', withInput({ shape: [1, -4] }), 'E_UNSUPPORTED_MODEL', /run time/],
    ['a huge tensor', withInput({ shape: [65536, 65536] }), 'E_MODEL_FORMAT', /too large/],
    ['a sparse tensor', withInput({ shape: [1, 4], sparse: true }), 'E_UNSUPPORTED_MODEL', /sparse/],
    ['a variable', withInput({ shape: [1, 4], variable: true }), 'E_UNSUPPORTED_MODEL', /variable/],
    ['an external buffer', withInput({ shape: [1, 4], externalBuffer: 1 }), 'E_UNSUPPORTED_MODEL', /outside/],
    [
      'weights after the flatbuffer',
      withConstant({}, bytesOf(1, 2, 3, 4), { bufferSize: 16 }),
      'E_UNSUPPORTED_MODEL',
      /outside/,
    ],
    ['two subgraphs', reluModel({ subgraphs: 2 }), 'E_UNSUPPORTED_MODEL', /subgraphs/],
    ['no subgraph', reluModel({ subgraphs: 0 }), 'E_MODEL_FORMAT', /no graph/],
    [
      'int8 weights without a scale',
      withConstant({ type: 9 }, Uint8Array.of(1, 2, 3, 4)),
      'E_UNSUPPORTED_MODEL',
      /hybrid/,
    ],
    ['float16 activations', withConstant({ type: 1, buffer: 0 }, bytesOf(1)), 'E_UNSUPPORTED_MODEL', /float16/],
    ['an odd number of float16 bytes', withConstant({ type: 1 }, new Uint8Array(7)), 'E_MODEL_FORMAT', /float16/],
    ['NaN weights', withConstant({}, bytesOf(1, Number.NaN, 3, 4)), 'E_NOT_FINITE', /"c"/],
    ['infinite weights', withConstant({}, bytesOf(1, Infinity, 3, 4)), 'E_NOT_FINITE', /"c"/],
    ['too few weights', withConstant({}, bytesOf(1, 2, 3)), 'E_MODEL_FORMAT', /holds 3 values/],
    ['a weight too many', withConstant({}, new Uint8Array(17)), 'E_MODEL_FORMAT', /"c"/],
    ['a NaN scale', withConstant({ ...int8Weights, scale: [Number.NaN] }, new Uint8Array(4)), 'E_NOT_FINITE', /scale/],
    ['a zero scale', withConstant({ ...int8Weights, scale: [0] }, new Uint8Array(4)), 'E_MODEL_FORMAT', /above 0/],
    [
      'a zero_point of 128',
      withConstant({ ...int8Weights, zeroPoint: [128] }, new Uint8Array(4)),
      'E_MODEL_FORMAT',
      /zero_point/,
    ],
    [
      'scales for another axis',
      withConstant({ ...int8Weights, scale: [1, 1], zeroPoint: [0, 0] }, new Uint8Array(4)),
      'E_MODEL_FORMAT',
      /2 scales/,
    ],
    ['a buffer that is not there', withConstant({ buffer: 9 }, bytesOf(1, 2, 3, 4)), 'E_MODEL_FORMAT', /buffer 9/],
    ['a tensor that is not there', reluModel({ outputs: [7] }), 'E_MODEL_FORMAT', /#7/],
    ['an operator code that is not there', reluModel({ codes: [] }), 'E_MODEL_FORMAT', /no kind/],
    [
      'an operator without inputs',
      reluModel({ operators: [{ code: 0, inputs: [], outputs: [1] }] }),
      'E_MODEL_FORMAT',
      /0 inputs/,
    ],
    [
      'a required input left out',
      reluModel({ operators: [{ code: 0, inputs: [-1], outputs: [1] }] }),
      'E_MODEL_FORMAT',
      /inputs/,
    ],
    [
      'the options of another op',
      reluModel({ operators: [{ code: 0, inputs: [0], outputs: [1], optionsType: 9 }] }),
      'E_MODEL_FORMAT',
      /another op/,
    ],
    ['a wrong output shape', withInput({ name: 'x', shape: [1, 5] }), 'E_MODEL_FORMAT', /\[1, 4\]/],
    [
      'a cycle',
      reluModel({ operators: [{ code: 0, inputs: [1], outputs: [1] }] }),
      'E_MODEL_FORMAT',
      /before it is written/,
    ],
  ])('explains %s', (_name, model, code, words) => {
    const error = failure(model);
    expect(error.code).toBe(code);
    expect(error.message).toMatch(words);
    expect(error.hints[0]).not.toBe('');
  });

  it('reads a bias of int64 exactly, and refuses what a double cannot hold', () => {
    const file = (value: bigint): Uint8Array =>
      tfliteFile(withConstant({ type: 4, shape: [1] }, new Uint8Array(BigInt64Array.of(value).buffer)));
    expect(tensorOf(importTflite(file(-(2n ** 40n) - 1n)), 'c').data).toEqual(Float64Array.of(-(2 ** 40) - 1));
    expect(() => importTflite(file(2n ** 53n + 2n))).toThrow(expect.objectContaining({ code: 'E_MODEL_FORMAT' }));
  });
});

describe('importModel', () => {
  const file = (name: string, bytes: Uint8Array) => ({
    name,
    bytes,
    sibling: (): Uint8Array => {
      throw new Error('none');
    },
  });

  it('goes by content, not by extension', async () => {
    const graph = await importModel(file('model.h5', tfliteFile(reluModel())));
    expect(graph.nodes).toHaveLength(1);
    expect(graph.name).toBe('model');
  });

  it.each<[string, readonly number[] | string, RegExp]>([
    ['a.tflite', [], /empty/],
    ['a.pt', 'PK\x03\x04…', /zip/],
    ['a.png', '\x89PNG\r\n', /PNG/],
    ['a.gguf', 'GGUF', /GGUF/],
    ['a.onnx', [8, 9, 18, 0], /ONNX/],
    ['saved_model.pb', [8, 1, 18, 0], /SavedModel/],
    ['a.pth', [0x80, 2, 0x8a], /pickle/],
    ['a.tflite', '<!DOCTYPE html>', /web page/],
    ['a.tflite', 'version https://git-lfs.github.com/spec/v1', /Git LFS/],
    ['a.txt', 'hello', /text/],
    ['a.bin', [0, 1, 2, 200], /unknown kind/],
  ])('says what %s looks like: %j', async (name, content, words) => {
    const bytes = typeof content === 'string' ? Buffer.from(content, 'latin1') : Uint8Array.from(content);
    await expect(importModel(file(name, bytes))).rejects.toMatchObject({
      code: 'E_MODEL_FORMAT',
      message: expect.stringMatching(words),
    });
  });
});

describe.skipIf(withoutShared)('importTflite of real models (needs ../shared)', () => {
  it.each([
    ['kws_ref_model.tflite', 13, 'int8'],
    ['pretrainedResnet_quant.tflite', 16, 'int8'],
    ['pretrainedResnet_float32.tflite', 16, 'float32'],
    ['hello_world_int8.tflite', 3, 'int8'],
  ])('reads %s', (name, nodes, dtype) => {
    const graph = importTflite(sharedBytes(`models/${name}`));
    expect(graph.nodes).toHaveLength(nodes);
    expect(tensorOf(graph, graph.inputs[0]!).dtype).toBe(dtype);
  });

  it('reads the float KWS model, whose convolution weights are int8, as the float32 model that it is', () => {
    const graph = importTflite(sharedBytes('models/kws_ref_model_float32.tflite'));
    const int8 = importTflite(sharedBytes('models/kws_ref_model.tflite'));
    expect(graph.remarks).toEqual([expect.stringMatching(/5 weight tensors as int8 \(dynamic-range/)]);
    expect([...graph.tensors.values()].filter(({ dtype }) => dtype === 'int8')).toEqual([]);
    const weights = tensorOf(graph, graph.nodes[0]!.inputs[1]!);
    const stored = tensorOf(int8, int8.nodes[0]!.inputs[1]!);
    const real = Float32Array.from(stored.data!, (q, i) => q * stored.quant!.scale[Math.floor(i / 40)]!);
    const difference = Math.max(...real.map((x, i) => Math.abs(x - weights.data![i]!)));
    expect(difference).toBeLessThan(Math.max(...stored.quant!.scale)); // the same weights, a step of either file apart
  });

  it('reads every golden single-operator model of an op that Thimble has, or says why not', () => {
    const refused: string[] = [];
    let read = 0;
    for (const op of readdirSync(sharedPath('golden/ops')))
      for (const file of op.endsWith('.md') ? [] : readdirSync(sharedPath(`golden/ops/${op}`))) {
        if (!file.endsWith('.tflite')) continue;
        try {
          importTflite(sharedBytes(`golden/ops/${op}/${file}`));
          read++;
        } catch (error) {
          expect(error).toBeInstanceOf(ThimbleError);
          refused.push(`${op}/${file} ${(error as ThimbleError).code}`);
        }
      }
    expect(findOpByBuiltin(3)).toBeDefined();
    expect(read).toBeGreaterThan(150);
    expect(refused.filter((line) => line.includes('E_MODEL_FORMAT'))).toEqual([]);
  });
});
