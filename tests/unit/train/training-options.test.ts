/** What training can be told: constraints on weights, normalization, a teacher, augmentation, going on after a stop. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Dataset } from '../../../src/core/dataset.js';
import { type Graph, tensorOf } from '../../../src/core/graph.js';
import { seededRandom } from '../../../src/core/seeded-random.js';
import { readFileOf } from '../../../src/files/read-file.js';
import { importTflite } from '../../../src/importers/tflite/tflite.js';
import { createInterpreter } from '../../../src/interpret/interpreter.js';
import { augmented } from '../../../src/train/augment.js';
import { checkpointIn } from '../../../src/train/checkpoint.js';
import { type FineTuneOptions, fineTune } from '../../../src/train/fine-tune.js';
import { graphToTf } from '../../../src/train/graph-to-tf.js';
import { nativeBackend, type TF, wasmBackend } from '../../../src/train/wasm-backend.js';
import { classifier, quadrants } from './quadrants.js';
import { randomValues, SampleGraph } from './sample-graphs.js';

const options = { epochs: 3, batchSize: 16, learningRate: 0.01, validationFraction: 0.2 };
let graph: Graph;
let data: Dataset;
let lib: TF;
beforeAll(async () => {
  graph = classifier();
  data = quadrants(240);
  lib = await wasmBackend();
});

const weightNames = (of: Graph): string[] =>
  of.nodes.filter(({ inputs }) => inputs.length === 3).map(({ inputs }) => inputs[1]!);
const valuesOf = (of: Graph, name: string): number[] => [...tensorOf(of, name).data!];
const bestOf = ({ history, bestEpoch }: Awaited<ReturnType<typeof fineTune>>) => history[bestEpoch]!;
const learns = async (more: FineTuneOptions) => {
  const result = await fineTune(graph, data, { ...options, ...more });
  expect(bestOf(result).validationAccuracy).toBeGreaterThan(0.9);
  return result;
};

describe('weights under constraints', () => {
  it('stay zero where a mask says so, and learn elsewhere', async () => {
    const masks = new Map(
      weightNames(graph).map((name) => [name, Uint8Array.from(valuesOf(graph, name), (_, i) => i % 3 && 1)]),
    );
    const { graph: tuned } = await learns({ masks, epochs: 8 });
    for (const [name, mask] of masks) {
      const [before, after] = [valuesOf(graph, name), valuesOf(tuned, name)];
      expect(after.filter((_, i) => mask[i] === 0).every((value) => value === 0)).toBe(true);
      expect(after.some((value, i) => mask[i] === 1 && value !== before[i])).toBe(true);
    }
  });

  it('come out of their codebook, which itself learns', async () => {
    const name = weightNames(graph)[1]!;
    const assignments = Uint8Array.from(valuesOf(graph, name), (value) => Math.min(7, Math.floor((value + 1) * 4)));
    const centroids = Float32Array.from({ length: 8 }, (_, k) => (k + 0.5) / 4 - 1);
    const { graph: tuned } = await learns({ codebooks: new Map([[name, { centroids, assignments }]]), epochs: 10 });
    const after = valuesOf(tuned, name);
    expect(new Set(after).size).toBeLessThanOrEqual(8);
    for (const k of new Set(assignments)) expect(new Set(after.filter((_, i) => assignments[i] === k)).size).toBe(1);
    expect(after[0]).not.toBe(centroids[assignments[0]!]);
  });

  it('must belong to the tensor', async () => {
    const masks = new Map([[weightNames(graph)[0]!, new Uint8Array(3)]]);
    await expect(fineTune(graph, data, { ...options, masks })).rejects.toThrow(/mask/);
  });
});

describe('batch normalization', () => {
  const normalized = (): Graph => {
    const g = new SampleGraph([1, 8, 8, 2]);
    const x = g.depthwise(g.conv(g.input, [6, 3, 3, 2], { stride: [2, 2] }), [1, 3, 3, 12], 2);
    return g.build(g.dense(g.reshape(x, [1, 192]), [4, 192]));
  };

  it('starts from what the graph computes', () => {
    const before = normalized();
    const model = graphToTf(lib, before, { batchNorm: true });
    const x = randomValues([32, 8, 8, 2], 5);
    lib.tidy(() => model.forward([lib.tensor(x, [32, 8, 8, 2])], undefined, { norms: 'observe' }));
    const [was, is] = [before, model.toGraph()].map((of) => createInterpreter(of).run([x.slice(0, 128)])[0]!);
    is!.forEach((value, i) => {
      expect(value).toBeCloseTo(was![i]!, 4);
    });
    model.dispose();
  });

  it('computes with the batch what is folded for inference, where the averages are the batch’s', () => {
    const model = graphToTf(lib, normalized(), { batchNorm: true });
    const x = lib.tensor(randomValues([32, 8, 8, 2], 6), [32, 8, 8, 2]);
    const [observed, trained] = (['observe', 'train'] as const).map((norms) =>
      lib.tidy(() => model.forward([x], undefined, { norms })[0]!.dataSync<'float32'>().slice()),
    );
    trained!.forEach((value, i) => {
      expect(value).toBeCloseTo(observed![i]!, 4);
    });
    x.dispose();
    model.dispose();
  });

  it('learns, and leaves no trace in the graph but weights and biases', async () => {
    const result = await learns({ batchNorm: true });
    expect(result.graph.nodes).toEqual(graph.nodes);
    // the folded graph is what was measured: run it once more
    const again = await fineTune(result.graph, data, { ...options, epochs: 0 });
    expect(again.history[0]!.validationLoss).toBeCloseTo(bestOf(result).validationLoss!, 4);
  });

  it('keeps zeros, and frees all it holds', async () => {
    const before = lib.memory().numTensors;
    const name = weightNames(graph)[0]!;
    const mask = Uint8Array.from(valuesOf(graph, name), (_, i) => i % 2);
    const { graph: tuned } = await fineTune(graph, data, {
      ...options,
      epochs: 1,
      batchNorm: true,
      masks: new Map([[name, mask]]),
    });
    expect(valuesOf(tuned, name).every((value, i) => mask[i] === 1 || value === 0)).toBe(true);
    expect(lib.memory().numTensors).toBe(before);
  });
});

describe('distillation', () => {
  it('learns from the teacher alone, without a look at the labels', async () => {
    const { graph: teacher } = await fineTune(graph, data, { ...options, epochs: 6 });
    const student = classifier();
    const wrong: Dataset = { ...data, classOf: (i) => (i * 7 + 1) % 4 && 0 }; // every label 0
    const distill = { teacher, temperature: 2, alpha: 1 };
    const { graph: taught } = await fineTune(student, wrong, { ...options, epochs: 6, validationFraction: 0, distill });
    const { history } = await fineTune(taught, data, { ...options, epochs: 0 });
    expect(history[0]!.validationAccuracy).toBeGreaterThan(0.9);
  });

  it('is the labels’ loss alone at alpha 0', async () => {
    const plain = await fineTune(graph, data, options);
    const distilled = await fineTune(graph, data, { ...options, distill: { teacher: classifier(1), alpha: 0 } });
    expect(distilled.history.at(-1)!.loss).toBeCloseTo(plain.history.at(-1)!.loss!, 4);
  });

  it('refuses a teacher of other classes', async () => {
    const g = new SampleGraph([1, 8, 8, 1]);
    const teacher = g.build(g.dense(g.reshape(g.input, [1, 64]), [3, 64]));
    await expect(fineTune(graph, data, { ...options, distill: { teacher } })).rejects.toMatchObject({
      code: 'E_TRAINING',
    });
  });
});

describe('augmentation', () => {
  const image = Float32Array.from({ length: 12 }, (_, i) => i); // 2 × 3 × 2
  const run = (choice: Parameters<typeof augmented>[2], ...chance: number[]) => [
    ...augmented(image, [2, 3, 2], choice, () => chance.shift() ?? 0),
  ];

  it('mirrors left to right and keeps channels together', () => {
    expect(run({ flip: true }, 0, 0, 0.4)).toEqual([4, 5, 2, 3, 0, 1, 10, 11, 8, 9, 6, 7]);
    expect(run({ flip: true }, 0, 0, 0.6)).toEqual([...image]);
  });

  it('moves by rows and columns and repeats the edge', () => {
    expect(run({ shift: [1, 0] }, 0.99, 0)).toEqual([0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5]);
    expect(run({ shift: [0, 1] }, 0, 0)).toEqual([2, 3, 4, 5, 4, 5, 8, 9, 10, 11, 10, 11]);
  });

  it('moves evenly both ways and never beyond the limit', () => {
    const random = seededRandom(4);
    const counts = new Map<number, number>();
    const row = Float32Array.from({ length: 9 }, (_, i) => i);
    for (let i = 0; i < 700; i++) {
      const by = 4 - augmented(row, [1, 9, 1], { shift: 3 }, random)[4]!;
      counts.set(by, (counts.get(by) ?? 0) + 1);
    }
    expect([...counts.keys()].sort((a, b) => a - b)).toEqual([-3, -2, -1, 0, 1, 2, 3]);
    for (const count of counts.values()) expect(count).toBeGreaterThan(60);
  });

  it('leaves what is no image alone, and the data set', async () => {
    expect(augmented(image, [12], { flip: true, shift: 3 }, () => 0)).toBe(image);
    const before = data.sample(0).slice();
    await learns({ augment: { shift: 1 } });
    expect(data.sample(0)).toEqual(before);
  });
});

describe('a training that is stopped', () => {
  const folder = mkdtempSync(join(tmpdir(), 'thimble-checkpoint-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const everything: FineTuneOptions = { ...options, epochs: 4, augment: { shift: 1 }, batchNorm: true };

  it('goes on as if it had not been, to the bit', async () => {
    const whole = await fineTune(graph, data, everything);
    const checkpoint = checkpointIn(join(folder, 'a'));
    const controller = new AbortController();
    const stopped = fineTune(graph, data, {
      ...everything,
      checkpoint,
      signal: controller.signal,
      onEvent: ({ done }) => done === 2 * 12 + 5 && controller.abort(), // in the third epoch
    });
    await expect(stopped).rejects.toMatchObject({ code: 'E_INTERRUPTED' });
    const steps: number[] = [];
    const resumed = await fineTune(graph, data, {
      ...everything,
      checkpoint,
      onEvent: ({ done }) => done !== undefined && steps.push(done),
    });
    expect(steps[0]).toBe(2 * 12 + 1);
    expect(resumed.history).toEqual(whole.history);
    for (const name of weightNames(graph)) expect(valuesOf(resumed.graph, name)).toEqual(valuesOf(whole.graph, name));
  });

  it('leaves its best epoch as a model', async () => {
    const checkpoint = checkpointIn(join(folder, 'b'));
    const { graph: tuned } = await fineTune(graph, data, { ...options, checkpoint });
    const left = importTflite(readFileOf('the best epoch', checkpoint.bestFile), 'best');
    const sample = data.sample(3);
    const [ours] = createInterpreter(tuned).run([sample]);
    expect(createInterpreter(left).run([sample])[0]).toEqual(ours);
  });

  it('begins anew for other options, and after damage', async () => {
    const checkpoint = checkpointIn(join(folder, 'b'));
    const events: string[] = [];
    const onEvent = ({ message = '' }) => events.push(message);
    await fineTune(graph, data, { ...options, seed: 9, checkpoint, onEvent });
    expect(events.some((text) => text.includes('goes on'))).toBe(false);
    expect(checkpoint.load('another key')).toBeUndefined();
  });
});

describe('the native backend', () => {
  it('is used where it loads and starts, and only there', async () => {
    const native = { setBackend: async (name: string) => name === 'tensorflow' } as unknown as TF;
    expect(await nativeBackend(async () => native)).toBe(native);
    const dead = { setBackend: async () => false } as unknown as TF;
    expect(await nativeBackend(async () => dead)).toBeUndefined();
    expect(await nativeBackend(() => Promise.reject(new Error('no binary')))).toBeUndefined();
  });
});
