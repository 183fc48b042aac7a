import { beforeAll, describe, expect, it } from 'vitest';
import type { Dataset } from '../../../src/core/dataset.js';
import type { ThimbleError } from '../../../src/core/errors.js';
import type { Graph } from '../../../src/core/graph.js';
import { seededRandom } from '../../../src/core/seeded-random.js';
import type { StageEvent } from '../../../src/core/stage-event.js';
import { fineTune } from '../../../src/train/fine-tune.js';
import { splitByClass } from '../../../src/train/labelled-batches.js';
import { classifier, quadrants } from './quadrants.js';
import { SampleGraph } from './sample-graphs.js';

const options = { epochs: 4, batchSize: 16, learningRate: 0.01, validationFraction: 0.2 };

const weightsOf = (graph: Graph): number[][] =>
  [...graph.tensors.values()].flatMap(({ data, dtype }) => (data && dtype === 'float32' ? [[...data]] : []));

describe('fine-tuning', () => {
  let graph: Graph;
  let data: Dataset;
  beforeAll(() => {
    graph = classifier();
    data = quadrants(240);
  });

  it('learns, tells what it does, and leaves the given graph alone', async () => {
    const before = weightsOf(graph);
    const events: StageEvent[] = [];
    const {
      history,
      bestEpoch,
      graph: tuned,
    } = await fineTune(graph, data, { ...options, onEvent: (e) => events.push(e) });
    expect(history.map(({ epoch }) => epoch)).toEqual([0, 1, 2, 3, 4]);
    expect(history[0]!.validationAccuracy).toBeLessThan(0.6);
    expect(history[bestEpoch]!.validationAccuracy).toBeGreaterThan(0.95);
    expect(bestEpoch).toBeGreaterThan(0);
    expect(weightsOf(graph)).toEqual(before);
    expect(weightsOf(tuned)).not.toEqual(before);
    expect(tuned.nodes).toEqual(graph.nodes); // the softmax is still there
    const bar = events.filter(({ done }) => done !== undefined);
    expect(bar.at(-1)).toMatchObject({ done: 4 * 12, total: 4 * 12 }); // 192 samples in batches of 16
    expect(events.filter(({ message }) => message).length).toBe(5);
  });

  it('gives the same weights for the same seed, and others for another', async () => {
    const [a, b, c] = [
      await fineTune(graph, data, { ...options, epochs: 2, seed: 7 }),
      await fineTune(graph, data, { ...options, epochs: 2, seed: 7 }),
      await fineTune(graph, data, { ...options, epochs: 2, seed: 8 }),
    ];
    expect(weightsOf(a.graph)).toEqual(weightsOf(b.graph));
    expect(a.history).toEqual(b.history);
    expect(weightsOf(a.graph)).not.toEqual(weightsOf(c.graph));
  });

  it('does not care about the unit of the input', async () => {
    const bytes = await fineTune(graph, data, options);
    const small = await fineTune(classifier(1), quadrants(240, 1), options);
    expect(bytes.history.at(-1)!.validationLoss).toBeLessThan(0.3);
    expect(small.history.at(-1)!.validationLoss).toBeLessThan(0.3);
  });

  it('applies the preprocessing', async () => {
    const preprocessing = { scale: [1 / 255], offset: [0] };
    const { history } = await fineTune(classifier(1), data, { ...options, preprocessing });
    const { history: same } = await fineTune(classifier(1), quadrants(240, 1), options);
    expect(history[0]!.validationLoss).toBeCloseTo(same[0]!.validationLoss!, 4);
    expect(history.at(-1)!.validationLoss).toBeLessThan(0.3);
  });

  it('keeps the model of before where training only harms', async () => {
    const { graph: tuned } = await fineTune(graph, data, { ...options, epochs: 6 });
    const { bestEpoch, graph: kept, history } = await fineTune(tuned, data, { ...options, epochs: 1, learningRate: 1 });
    expect(history[1]!.validationLoss).toBeGreaterThan(history[0]!.validationLoss!);
    expect(bestEpoch).toBe(0);
    expect(weightsOf(kept)).toEqual(weightsOf(tuned));
  });

  it('without held-out samples keeps the last epoch', async () => {
    const { bestEpoch, history } = await fineTune(graph, data, { ...options, epochs: 2, validationFraction: 0 });
    expect(bestEpoch).toBe(2);
    expect(history[2]!.validationLoss).toBeNull();
  });

  it('trains only on the samples that it is given', async () => {
    const asked = new Set<number>();
    const sample = (i: number): Float32Array => {
      asked.add(i);
      return data.sample(i);
    };
    const watched: Dataset = { ...data, sample };
    await fineTune(graph, watched, { ...options, epochs: 1, indices: [5, 6, 7, 8, 9, 10, 11, 12] });
    expect([...asked].sort((a, b) => a - b)).toEqual([5, 6, 7, 8, 9, 10, 11, 12]);
  });
});

describe('what goes wrong is said', () => {
  const failure = async (run: Promise<unknown>): Promise<ThimbleError> =>
    run.then(
      () => {
        throw new Error('it was accepted');
      },
      (error: ThimbleError) => error,
    );
  const data = quadrants(40);

  it('Ctrl-C', async () => {
    const controller = new AbortController();
    const stop = (event: StageEvent): void => {
      if (event.done === 3) controller.abort();
    };
    const run = fineTune(classifier(), data, { ...options, onEvent: stop, signal: controller.signal });
    expect((await failure(run)).code).toBe('E_INTERRUPTED');
  });

  it('a loss that is no number', async () => {
    const broken: Dataset = { ...data, sample: () => new Float32Array(64).fill(Number.NaN) };
    const error = await failure(fineTune(classifier(), broken, options));
    expect(error.code).toBe('E_TRAINING');
    expect(error.hints.join(' ')).toContain('learning rate');
  });

  it('data that does not fit', async () => {
    const codes = await Promise.all(
      [
        { ...data, shape: [4, 4, 1] },
        { ...data, classOf: () => undefined },
        { ...data, classOf: () => 9 },
        { ...data, sampleCount: 1 },
        { ...data, values: 'quantized' as const },
      ].map(async (bad) => (await failure(fineTune(classifier(), bad, options))).code),
    );
    expect(codes).toEqual(['E_DATA_SHAPE', 'E_DATA_FORMAT', 'E_DATA_SHAPE', 'E_DATA_EMPTY', 'E_DATA_SHAPE']);
  });

  it('settings out of range, all at once', async () => {
    const error = await failure(fineTune(classifier(), data, { epochs: -1, batchSize: 0, learningRate: 5 }));
    expect(error.code).toBe('E_TRAINING');
    expect(error.message.split(';').length).toBe(3);
  });

  it('a model that is no classifier', async () => {
    const g = new SampleGraph([1, 4]);
    const error = await failure(fineTune(g.build(g.dense(g.input, [1, 4])), data, options));
    expect(error.code).toBe('E_TRAINING');
  });
});

describe('holding out', () => {
  it('takes the share of every class and loses no sample', () => {
    const data = quadrants(103);
    const indices = Array.from({ length: 103 }, (_, i) => i);
    const { train, validation } = splitByClass(data, indices, 0.2, seededRandom(1));
    expect([...train, ...validation].sort((a, b) => a - b)).toEqual(indices);
    for (const label of [0, 1, 2, 3]) expect(validation.filter((i) => i % 4 === label).length).toBe(5);
  });
});
