/** Verification against a board of this test's own, which can be wrong, and can go away. */
import { describe, expect, it } from 'vitest';
import type { Dataset } from '../../../src/core/dataset.js';
import { ThimbleError } from '../../../src/core/errors.js';
import type { Graph, Node } from '../../../src/core/graph.js';
import type { Tensor } from '../../../src/core/tensor.js';
import { crc32 } from '../../../src/device/crc32.js';
import { bytesOf } from '../../../src/device/first-diverging-layer.js';
import type { DeviceLink } from '../../../src/device/protocol.js';
import { createInterpreter } from '../../../src/interpret/interpreter.js';
import type { LoadedModel } from '../../../src/pipeline/load-model.js';
import { mismatchError, verifyOnBoard } from '../../../src/pipeline/verify.js';

const int8 = (name: string, shape: number[], scale: number, zeroPoint = 0, data?: Int8Array): Tensor => ({
  ...{ name, shape, dtype: 'int8', quant: { scale: [Math.fround(scale)], zeroPoint: [zeroPoint], axis: null } },
  ...(data && { data }),
});
const weights = (count: number) => Int8Array.from({ length: count }, (_, i) => ((i * 37) % 255) - 127);
const dense = (name: string, from: string, to: string): Node => ({
  ...{ name, op: 'fully_connected', inputs: [from, `${name}/w`, null], outputs: [to] },
  attrs: { activation: 'none', keepNumDims: false },
});
const tensors = [
  int8('in', [1, 16], 1 / 64),
  int8('a/w', [5, 16], 1 / 127, 0, weights(80)),
  int8('a', [1, 5], 1 / 32),
  int8('b/w', [5, 5], 1 / 127, 0, weights(25)),
  int8('b', [1, 5], 1 / 32),
  int8('c/w', [2, 5], 1 / 127, 0, weights(10)),
  int8('out', [1, 2], 1 / 32),
];
const graph: Graph = {
  name: 'three',
  tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])),
  nodes: [dense('a', 'in', 'a'), dense('b', 'a', 'b'), dense('c', 'b', 'out')],
  inputs: ['in'],
  outputs: ['out'],
};
const model = { graph, sha256: 'ab'.repeat(32), kind: 'int8', path: 'm.tflite' } as unknown as LoadedModel;
const SAMPLES = 8;
const dataset: Dataset = {
  ...{ name: 'test', sampleCount: SAMPLES, shape: [16], values: 'quantized', labels: ['x', 'y'], sha256: '' },
  sample: (k) => Float32Array.from({ length: 16 }, (_, i) => ((k * 37 + i * 11) % 256) - 128),
  classOf: (k) => k % 2,
};

interface Faults {
  readonly layer?: (index: number, bytes: Uint8Array, run: number) => Uint8Array;
  readonly beforeRun?: (run: number) => void;
}

/** Computes as the reference does; `layer` may change what a layer, the last one being the output, shows. */
function board({ layer = (_, bytes) => bytes, beforeRun = () => {} }: Faults): DeviceLink {
  const interpreter = createInterpreter(graph);
  let runs = 0;
  let input = new Int8Array(16);
  const layersNow = () =>
    interpreter.runLayers([input]).map((values, index) => layer(index, bytesOf(values).slice(), runs));
  return {
    identity: { path: 'x', kind: 'serial', origin: 'device' },
    handshake: { sha256: model.sha256, hasLayerHooks: true, layerCount: graph.nodes.length },
    loadInput: async (bytes: Uint8Array) => {
      input = Int8Array.from(bytes, (byte) => (byte << 24) >> 24);
    },
    run: async () => {
      beforeRun(runs++);
      return [{ kind: 'inference', origin: 'device', latency: { value: 5, unit: 'us' } }];
    },
    output: async () => layersNow().at(-1)!,
    layers: async () => layersNow().map((bytes, index) => ({ layer: index, bytes: bytes.length, crc: crc32(bytes) })),
    layer: async (index: number) => layersNow()[index]!,
  } as unknown as DeviceLink;
}

const indices = Array.from({ length: SAMPLES }, (_, k) => k);
const verify = (faults: Faults, signal?: AbortSignal) =>
  verifyOnBoard(board(faults), model, dataset, { indices, preprocessing: undefined, signal });
const lastLayer = graph.nodes.length - 1;

describe('verification on a board', () => {
  it('counts what is right, with intervals', async () => {
    const report = await verify({});
    expect(report).toMatchObject({
      n: SAMPLES,
      wanted: SAMPLES,
      bitExact: SAMPLES,
      firstMismatch: null,
      stopped: null,
    });
    expect(report.sameClass).toMatchObject({ hits: SAMPLES, n: SAMPLES, high: 1 });
    expect(report.sameClass!.low).toBeCloseTo(0.6756, 4); // Wilson, 8 of 8
    expect(report.latencies).toHaveLength(SAMPLES);
    expect(mismatchError(report)).toBeNull();
  });

  it('names the first layer that differs, how much of it, and the first wrong value', async () => {
    const wrongFrom3 = (index: number, bytes: Uint8Array, run: number) => {
      if (run < 4 || index === 0) return bytes;
      bytes[index === 1 ? 2 : 0]! ^= 0x55;
      return bytes;
    };
    const report = await verify({ layer: wrongFrom3 });
    expect(report).toMatchObject({ n: SAMPLES, bitExact: 3, firstMismatch: { sample: 3, differingBytes: 1 } });
    const { layer } = report.firstMismatch!;
    const right = createInterpreter(graph).runLayers([Int8Array.from(dataset.sample(3))])[1]!;
    const host = Number(right[2]);
    expect(layer).toMatchObject({
      ...{ index: 1, op: graph.nodes[1]!.op, elements: right.length, differing: 1 },
      first: { element: 2, host, board: ((host ^ 0x55) << 24) >> 24 },
    });
    expect(mismatchError(report)).toMatchObject({
      code: 'E_VERIFY_MISMATCH',
      where: expect.stringContaining(`in 1 of ${right.length} values, first in value 2`),
    });
  });

  it('says so where the fault comes and goes', async () => {
    let shown = 0;
    const once = (index: number, bytes: Uint8Array, run: number) => {
      if (run === 1 && index === lastLayer && shown++ < 2) bytes[0]! ^= 1; // in the output and the checksums, then no more
      return bytes;
    };
    const error = mismatchError(await verify({ layer: once }));
    expect(error?.where).toContain('the fault comes and goes');
  });

  it('keeps the figures of what was done when the board goes away or somebody stops it', async () => {
    const lost = await verify({
      beforeRun: (run) => {
        if (run === 5) throw new ThimbleError('E_PORT_LOST', 'gone', []);
      },
    });
    expect(lost).toMatchObject({ n: 5, wanted: SAMPLES, bitExact: 5, stopped: { code: 'E_PORT_LOST' } });
    const interrupt = new AbortController();
    const stopped = await verify({ beforeRun: (run) => run === 2 && interrupt.abort() }, interrupt.signal);
    expect(stopped).toMatchObject({ n: 3, stopped: { code: 'E_INTERRUPTED' } });
    const atOnce = verify({
      beforeRun: () => {
        throw new ThimbleError('E_PORT_LOST', 'gone', []);
      },
    });
    await expect(atOnce).rejects.toMatchObject({ code: 'E_PORT_LOST' });
    const bug = verify({
      beforeRun: (run) => {
        if (run === 2) throw new TypeError('a bug of ours is no end of a measurement');
      },
    });
    await expect(bug).rejects.toThrow(TypeError);
  });
});
