import { describe, expect, it } from 'vitest';
import { ThimbleError } from '../../../src/core/errors.js';
import type { Graph } from '../../../src/core/graph.js';
import type { Tensor } from '../../../src/core/tensor.js';
import { connect } from '../../../src/device/protocol.js';
import { deviceEngine } from '../../../src/engines/device-engine.js';
import { FakeBoard, type FakeOptions, fakeSha256, layerOutputs } from '../device/fake-board.js';

/** What the fake board runs: two inputs of 36 and 4 bytes, layers of 3, 70 and 1 bytes, two outputs of 2 and 1. */
const tensors: Tensor[] = [
  { name: 'a', shape: [1, 36], dtype: 'int8' },
  { name: 'b', shape: [1, 1], dtype: 'float32' },
  { name: 'x', shape: [1, 3], dtype: 'int8' },
  { name: 'y', shape: [1, 70], dtype: 'int8' },
  { name: 'z', shape: [1, 1], dtype: 'int8' },
  { name: 'out', shape: [1, 2], dtype: 'int8' },
];
const node = (name: string, output: string) => ({ name, op: 'any', inputs: [], outputs: [output], attrs: {} });
const graph: Graph = {
  name: 'm',
  tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])),
  nodes: [node('n0', 'x'), node('n1', 'y'), node('n2', 'z')],
  inputs: ['a', 'b'],
  outputs: ['out', 'z'],
};
const inputs = [Int8Array.from({ length: 36 }, (_, i) => i - 18), Float32Array.of(0.5)];
const engineOf = async (options: FakeOptions = {}, sha256 = fakeSha256) => {
  const board = new FakeBoard(options);
  return { board, engine: deviceEngine(await connect(board, { timeouts: { answerMs: 80 } }), graph, sha256) };
};

describe('the model on a board', () => {
  it('loads all inputs, runs once and splits the outputs', async () => {
    const { board, engine } = await engineOf();
    expect(await engine.run(inputs)).toEqual([Int8Array.of(-17, -16), Int8Array.of(-15)]);
    expect([...board.input.subarray(36)]).toEqual([0, 0, 0, 63]); // 0.5 as float32, little-endian
    expect(engine.origin).toBe('device');
    await engine.close();
    expect(board.closed).toBe(true);
  });

  it('gives every layer where the firmware has hooks', async () => {
    const { engine } = await engineOf();
    const layers = await engine.runLayers?.(inputs);
    expect(layers?.map((layer) => [...layer])).toEqual(layerOutputs.map((bytes) => [...bytes]));
    expect((await engineOf({ hooks: false })).engine.runLayers).toBeUndefined();
  });

  it('refuses the firmware of another model', async () => {
    const error = await engineOf({ sha256: 'cd'.repeat(32) }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ThimbleError);
    expect((error as ThimbleError).code).toBe('E_WRONG_FIRMWARE');
  });

  it('knows inputs of a wrong type for the bug that they are', async () => {
    const { engine } = await engineOf();
    await expect(engine.run([inputs[0]!, new Int8Array(4)])).rejects.toThrow(TypeError);
  });

  it('reports a board whose outputs are not the model’s', async () => {
    const board = new FakeBoard();
    const short: Graph = { ...graph, outputs: ['out'] };
    const engine = deviceEngine(await connect(board), short, fakeSha256);
    await expect(engine.run(inputs)).rejects.toMatchObject({ code: 'E_PROTOCOL' });
  });
});
