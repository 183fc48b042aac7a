import { describe, expect, it } from 'vitest';
import { tensorOf } from '../../../src/core/graph.js';
import { emitTflite } from '../../../src/emit/tflite.js';
import { tfliteRuntimeEngine } from '../../../src/engines/tflite-runtime.js';
import { importTflite } from '../../../src/importers/tflite/tflite.js';
import { sharedBytes, withoutShared } from '../../shared-folder.js';
import { reluModel, tfliteFile } from '../importers/tflite-file.js';

const failure = (code: string, words: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(words) });

describe('tfliteRuntimeEngine', () => {
  it('runs what emitTflite writes, in float32', async () => {
    const engine = await tfliteRuntimeEngine(emitTflite(importTflite(tfliteFile(reluModel()))));
    expect(engine.origin).toBe('host');
    expect(await engine.run([Float32Array.of(-1, 0, 2.5, 1e6)])).toEqual([Float32Array.of(0, 0, 2.5, 1e6)]);
    await engine.close();
    await engine.close();
    await expect(engine.run([new Float32Array(4)])).rejects.toThrow(TypeError);
  });

  it('says what the runtime said about a model that it refuses', async () => {
    await expect(tfliteRuntimeEngine(new Uint8Array(64))).rejects.toEqual(failure('E_ENGINE', /initialize model/));
    const custom = tfliteFile(reluModel({ codes: [{ builtin: 32, custom: 'Nobody_Knows_This' }] }));
    await expect(tfliteRuntimeEngine(custom)).rejects.toEqual(failure('E_ENGINE', /Nobody_Knows_This/));
  });

  it('refuses inputs of another number, length or type', async () => {
    const engine = await tfliteRuntimeEngine(tfliteFile(reluModel()));
    for (const inputs of [[], [new Float32Array(3)], [new Int8Array(4)], [new Float32Array(4), new Float32Array(4)]])
      await expect(engine.run(inputs)).rejects.toEqual(failure('E_DATA_SHAPE', /./));
    await engine.close();
  });
});

describe.skipIf(withoutShared)('tfliteRuntimeEngine on real models (needs ../shared)', () => {
  const int8 = (bytes: Uint8Array): Int8Array => Int8Array.from(bytes, (byte) => (byte << 24) >> 24);

  // Single operators only: over several layers one rounding instead of two adds up to more.
  it.each([
    'conv_2d/k3x3_c3o4_s1x2_same_none_pc',
    'conv_2d/k1x1_c5o17_s1_relu6_pc',
    'conv_2d/k3x3_c5o3_s1_valid_none_pt',
    'add/same_diff_scales_none',
    'add/bcast_channel_const',
    'average_pool_2d/k2x2_s2_valid_none',
    'concatenation/ax1_2in',
  ])('is within 1 LSB of the golden outputs of %s', async (name) => {
    const engine = await tfliteRuntimeEngine(emitTflite(importTflite(sharedBytes(`golden/ops/${name}.tflite`))));
    const { cases } = JSON.parse(new TextDecoder().decode(sharedBytes(`golden/ops/${name}.json`))) as {
      cases: readonly { inputs: readonly string[]; outputs: readonly string[] }[];
    };
    expect(cases.length).toBeGreaterThan(0);
    for (const { inputs, outputs } of cases) {
      const [actual] = await engine.run(inputs.map((text) => int8(Buffer.from(text, 'base64'))));
      const expected = int8(Buffer.from(outputs[0]!, 'base64'));
      expect(actual).toHaveLength(expected.length);
      expect(Math.max(...expected.map((value, i) => Math.abs(value - actual![i]!)))).toBeLessThanOrEqual(1);
    }
    await engine.close();
  });

  it('runs the KWS model that emitTflite writes exactly as the original', async () => {
    const original = sharedBytes('models/kws_ref_model.tflite');
    const graph = importTflite(original);
    expect(tensorOf(graph, graph.inputs[0]!).shape).toEqual([1, 49, 10, 1]);
    const engines = [await tfliteRuntimeEngine(original), await tfliteRuntimeEngine(emitTflite(graph))] as const;
    const samples = int8(sharedBytes('data/kws01/samples.bin'));
    for (let i = 0; i < 20; i++) {
      const sample = samples.subarray(i * 490, (i + 1) * 490);
      expect(await engines[1].run([sample])).toEqual(await engines[0].run([sample]));
    }
    for (const engine of engines) await engine.close();
  });
});
