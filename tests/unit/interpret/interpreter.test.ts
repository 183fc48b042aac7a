import { describe, expect, it } from 'vitest';
import type { Graph, Node } from '../../../src/core/graph.js';
import type { Dtype, Shape, Tensor, TypedArray } from '../../../src/core/tensor.js';
import { createInterpreter, referenceEngine } from '../../../src/interpret/interpreter.js';

const quant = { scale: [0.5], zeroPoint: [0], axis: null };
const tensor = (name: string, dtype: Dtype, shape: Shape, data?: TypedArray): Tensor => ({
  name,
  dtype,
  shape,
  ...(dtype === 'int8' || dtype === 'int32' ? { quant } : {}),
  ...(data ? { data } : {}),
});
const node = (op: string, inputs: readonly string[], output: string, attrs = {}): Node => ({
  name: `${op}_${output}`,
  op,
  inputs,
  outputs: [output],
  attrs,
});
const graph = (tensors: readonly Tensor[], nodes: readonly Node[], outputs: readonly string[]): Graph => ({
  name: 'm',
  tensors: new Map(tensors.map((each) => [each.name, each])),
  nodes,
  inputs: ['x'],
  outputs,
});
const dense = { activation: 'none' };

/** float32 in, quantize, fully_connected in int8, dequantize, float32 out. */
const mixed = graph(
  [
    tensor('x', 'float32', [1, 2]),
    tensor('q', 'int8', [1, 2]),
    tensor('w', 'int8', [3, 2], Int8Array.of(2, 0, 0, 2, -2, 4)),
    tensor('b', 'int32', [3], Int32Array.of(0, 4, 0)),
    tensor('y', 'int8', [1, 3]),
    tensor('real', 'float32', [1, 3]),
  ],
  [
    node('quantize', ['x'], 'q'),
    node('fully_connected', ['q', 'w', 'b'], 'y', dense),
    node('dequantize', ['y'], 'real'),
  ],
  ['real'],
);

describe('createInterpreter', () => {
  it('runs a graph of float32 and int8 nodes, each as its dtypes say', () => {
    const interpreter = createInterpreter(mixed);
    expect(interpreter.run([Float32Array.of(1.5, -2)])).toEqual([Float32Array.of(1.5, -1, -5.5)]);
    expect(interpreter.runLayers([Float32Array.of(1.5, -2)])).toEqual([
      Int8Array.of(3, -4),
      Int8Array.of(3, -2, -11),
      Float32Array.of(1.5, -1, -5.5),
    ]);
  });
  it('gives all tensors by name, and results that later runs leave alone', () => {
    const interpreter = createInterpreter(mixed);
    const first = interpreter.runAll([Float32Array.of(1.5, -2)]);
    interpreter.runAll([Float32Array.of(9, 9)]);
    expect([...first.keys()]).toEqual(['x', 'q', 'y', 'real']);
    expect(first.get('y')).toEqual(Int8Array.of(3, -2, -11));
  });
  it('keeps an early tensor that is an output or is read later', () => {
    const g = graph([...mixed.tensors.values()], mixed.nodes, ['real', 'q']);
    expect(createInterpreter(g).run([Float32Array.of(1.5, -2)])[1]).toEqual(Int8Array.of(3, -4));
  });
  it('computes in float32 with weights that are themselves computed', () => {
    const g = graph(
      [tensor('x', 'float32', [2, 2]), tensor('w', 'float32', [2, 2]), tensor('y', 'float32', [2, 2])],
      [node('relu', ['x'], 'w'), node('fully_connected', ['x', 'w'], 'y', dense)],
      ['y'],
    );
    expect(createInterpreter(g).run([Float32Array.of(1, 2, -3, 4)])).toEqual([Float32Array.of(5, 8, 5, 16)]);
  });
  it('names every unknown operator at once', () => {
    const nodes = [node('svd', ['x'], 'q'), node('fft', ['q'], 'y')];
    const make = () => createInterpreter(graph([...mixed.tensors.values()], nodes, ['y']));
    expect(make).toThrow(expect.objectContaining({ code: 'E_UNSUPPORTED_OP' }));
    expect(make).toThrow(/svd_q.*fft_y/);
  });
  it('names every quantization fault at once', () => {
    const tensors = [...mixed.tensors.values()].map((each) =>
      each.name === 'w'
        ? { ...each, quant: { ...quant, zeroPoint: [1] } }
        : each.name === 'b'
          ? { ...each, dtype: 'int64' as const }
          : each,
    );
    const make = () => createInterpreter(graph(tensors, mixed.nodes, ['real']));
    expect(make).toThrow(expect.objectContaining({ code: 'E_QUANT' }));
    expect(make).toThrow(/asymmetric.*constant int32/);
  });
  it('refuses declared shapes that the operators do not compute', () => {
    const tensors = [...mixed.tensors.values()].map((each) => (each.name === 'y' ? { ...each, shape: [1, 4] } : each));
    expect(() => createInterpreter(graph(tensors, mixed.nodes, ['real']))).toThrow(
      expect.objectContaining({ code: 'E_SHAPE' }),
    );
  });
  it('refuses too few operands', () => {
    const nodes = [node('fully_connected', ['x'], 'real', dense)];
    expect(() => createInterpreter(graph([...mixed.tensors.values()], nodes, ['real']))).toThrow(
      expect.objectContaining({ code: 'E_SHAPE' }),
    );
  });
  it.each([
    ['too many values', [new Float32Array(3)]],
    ['another dtype', [new Int8Array(2)]],
    ['no input', []],
  ])('refuses %s', (_, inputs) =>
    expect(() => createInterpreter(mixed).run(inputs)).toThrow(expect.objectContaining({ code: 'E_DATA_SHAPE' })),
  );
});

describe('referenceEngine', () => {
  it('is an Engine on the host', async () => {
    const engine = referenceEngine(mixed);
    expect([engine.name, engine.origin]).toEqual(['reference', 'host']);
    expect(await engine.run([Float32Array.of(1.5, -2)])).toEqual([Float32Array.of(1.5, -1, -5.5)]);
    expect(await engine.runLayers?.([Float32Array.of(1.5, -2)])).toHaveLength(3);
    await engine.close();
  });
});
