/** Quantization-aware training: what it sees is what the integers will be, and it learns to live with that. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Dataset } from '../../../src/core/dataset.js';
import { type Graph, tensorOf } from '../../../src/core/graph.js';
import type { StageEvent } from '../../../src/core/stage-event.js';
import { createInterpreter, referenceEngine } from '../../../src/interpret/interpreter.js';
import { applyPlan } from '../../../src/quantize/apply-plan.js';
import { fakeQuant, runFakeQuant } from '../../../src/quantize/fake-quant.js';
import { quantizeGraph } from '../../../src/quantize/quantize-graph.js';
import { a8w8, namedRecipes, parseRecipe } from '../../../src/quantize/recipe.js';
import { fineTune } from '../../../src/train/fine-tune.js';
import { graphToTf } from '../../../src/train/graph-to-tf.js';
import { integerAgreement } from '../../../src/train/integer-agreement.js';
import { labelLosses } from '../../../src/train/loss.js';
import { plannedForward } from '../../../src/train/planned-quantizer.js';
import { quantizeAware } from '../../../src/train/quantize-aware.js';
import { fallsBeyondChance } from '../../../src/train/trainer.js';
import { type TF, wasmBackend } from '../../../src/train/wasm-backend.js';
import { classifier, quadrants } from './quadrants.js';
import { randomValues, SampleGraph } from './sample-graphs.js';

let lib: TF;
let data: Dataset;
let float: Graph; // trained
beforeAll(async () => {
  lib = await wasmBackend();
  data = quadrants(240);
  ({ graph: float } = await fineTune(classifier(), data, { epochs: 6, batchSize: 16, learningRate: 0.01 }));
});

const qat = namedRecipes.get('qat-a8w8')!;
const options = { batchSize: 16, epochs: 3, learningRate: 0.005 };
const weightsName = (graph: Graph, at: number): string =>
  graph.nodes.filter(({ inputs }) => inputs.length === 3)[at]!.inputs[1]!;

/** Every operator that can be trained and quantized, branches, a requantization, a softmax. */
function everyKind(): Graph {
  const g = new SampleGraph([1, 8, 8, 2]);
  const stem = g.conv(g.input, [8, 3, 3, 2], { stride: [2, 2] });
  const left = g.depthwise(stem, [1, 3, 3, 8]);
  const right = g.node('hard_swish', [g.conv(stem, [8, 1, 1, 8], { activation: 'none' })]);
  const sum = g.node('add', [left, right], { activation: 'relu' });
  const gate = g.node('logistic', [g.conv(sum, [8, 1, 1, 8], { activation: 'none' })]);
  const gated = g.node('sub', [g.node('mul', [sum, gate], { activation: 'none' }), left], { activation: 'none' });
  const padded = g.node('pad', [g.node('tanh', [gated]), g.ints([0, 0, 1, 1, 1, 1, 0, 0], [4, 2])]);
  const pooled = [
    g.pool('max_pool_2d', padded),
    g.pool('average_pool_2d', g.node('pad', [sum, g.ints([0, 0, 1, 1, 1, 1, 0, 0], [4, 2])])),
  ];
  const joined = g.node('concatenation', pooled, { axis: -1, activation: 'none' });
  const leaky = g.node('leaky_relu', [joined], { alpha: Math.fround(0.1) });
  const means = g.node('mean', [leaky, g.ints([1, 2])], { keepDims: false });
  return g.build(g.node('softmax', [g.dense(means, [4, 16])], { beta: 1 }));
}

const samplesOf = (count: number, shape: number[]) =>
  Array.from({ length: count }, (_, i) => randomValues(shape, 200 + i).map((value) => 2 * value));

describe.each(['per-channel', 'per-tensor'] as const)('fake quantization in training, %s', (granularity) => {
  const recipe = parseRecipe({ weights: { granularity, fullyConnected: granularity } });

  it('has the values of the quantizer’s own fake quantization, at every tensor', async () => {
    const graph = everyKind();
    const samples = samplesOf(12, [8, 8, 2]);
    const { plan } = await quantizeGraph(
      graph,
      samples.map((sample) => [sample]),
      recipe,
    );
    const names = graph.nodes.flatMap(({ outputs }) => outputs);
    const model = graphToTf(lib, graph);
    const own = fakeQuant(graph, plan);
    let [values, equal] = [0, 0];
    for (const sample of samples) {
      const expected = runFakeQuant(own, [sample]);
      const actual = lib.tidy(() =>
        model
          .forward([lib.tensor(sample, [1, 8, 8, 2])], names, { quantizer: plannedForward(lib, plan) })
          .map((tensor) => tensor.dataSync<'float32'>().slice()),
      );
      names.forEach((name, i) => {
        expected.get(name)!.forEach((value, at) => {
          values++;
          if (value === actual[i]![at]) equal++;
        });
      });
    }
    model.dispose();
    expect(equal / values).toBeGreaterThan(0.998); // sums of float32 in another order tip ties over
  });

  it('is within one step of the int8 reference at every layer', async () => {
    const graph = everyKind();
    const samples = samplesOf(12, [8, 8, 2]);
    const { plan, int8 } = await quantizeGraph(
      graph,
      samples.map((sample) => [sample]),
      recipe,
    );
    expect(plan.requantize.length).toBeGreaterThan(0);
    const layers = await integerAgreement(graph, plan, int8, samples);
    expect(layers.map(({ node }) => node)).toEqual(int8.nodes.map(({ name }) => name));
    for (const { node, op, worst, equal, values } of layers) {
      expect(worst, `${node} (${op})`).toBeLessThanOrEqual(1);
      // Averages lie halfway between two steps often: an average of four every fourth time.
      expect(equal / values, `${node} (${op})`).toBeGreaterThan(['average_pool_2d', 'mean'].includes(op) ? 0.7 : 0.95);
    }
  });
});

describe('quantization-aware training', () => {
  it('makes up for what coarse weights lose, and chooses by the fake-quantized loss', async () => {
    // One channel 200 times as large as the others, one scale for all: the others have a step or two left.
    const name = weightsName(float, 0);
    const weights = tensorOf(float, name);
    const hostile: Graph = {
      ...float,
      tensors: new Map([
        ...float.tensors,
        [name, { ...weights, data: weights.data!.map((w, i) => (i === 3 ? 6000 * Math.abs(w) + 20 : w)) }],
      ]),
    };
    const recipe = parseRecipe({ weights: { granularity: 'per-tensor' }, qat: {} });
    const { history, bestEpoch, int8 } = await quantizeAware(hostile, data, recipe, {
      ...options,
      epochs: 8,
      learningRate: 0.02,
    });
    expect(bestEpoch).toBeGreaterThan(0);
    expect(history[bestEpoch]!.validationLoss!).toBeLessThan(0.7 * history[0]!.validationLoss!);
    expect(int8.nodes.length).toBe(hostile.nodes.length);
  });

  it('gives a plan whose int8 graph is right as often as the fake-quantized one was', async () => {
    const { int8, history, bestEpoch, float: tuned, plan } = await quantizeAware(float, data, qat, options);
    const engine = referenceEngine(int8);
    const input = tensorOf(int8, int8.inputs[0]!);
    const { scale, zeroPoint } = { scale: input.quant!.scale[0]!, zeroPoint: input.quant!.zeroPoint[0]! };
    let hits = 0;
    for (let i = 0; i < data.sampleCount; i++) {
      const bytes = Int8Array.from(data.sample(i), (x) =>
        Math.max(-128, Math.min(127, Math.round(x / scale) + zeroPoint)),
      );
      const [scores] = await engine.run([bytes]);
      if ([...scores!].indexOf(Math.max(...scores!)) === data.classOf(i)) hits++;
    }
    expect(hits / data.sampleCount).toBeGreaterThan(0.95);
    expect(history[bestEpoch]!.validationAccuracy!).toBeGreaterThan(0.95);
    expect(applyPlan(tuned, plan)).toEqual(int8);
  });

  it('begins at the very plan of quantization without training, and may end there', async () => {
    const samples = Array.from({ length: 100 }, (_, i) => [data.sample(i)]);
    const calibration = samples.map((_, i) => i);
    const { int8, plan } = await quantizeGraph(float, samples, qat);
    const untrained = await quantizeAware(float, data, qat, { ...options, epochs: 0, calibration });
    expect(untrained.bestEpoch).toBe(0);
    expect(untrained.plan).toEqual(plan);
    expect(untrained.int8).toEqual(int8);
  });

  it('keeps ranges where they were calibrated when told so, and lets them follow otherwise', async () => {
    const rangesOf = async (ranges: 'calibrated' | 'moving-average') => {
      const recipe = parseRecipe({ activations: { calibrator: 'mse' }, qat: { ranges, rangeMomentum: 0.8 } });
      const { plan, bestEpoch } = await quantizeAware(float, data, recipe, { ...options, validationFraction: 0 });
      expect(bestEpoch).toBe(3);
      return plan.tensors[float.nodes[0]!.outputs[0]!]!;
    };
    const { plan } = await quantizeGraph(
      float,
      Array.from({ length: 240 }, (_, i) => [data.sample(i)]),
      parseRecipe({ activations: { calibrator: 'mse' } }),
    );
    const before = plan.tensors[float.nodes[0]!.outputs[0]!]!;
    const [still, moved] = [await rangesOf('calibrated'), await rangesOf('moving-average')];
    expect(still.scale).toEqual(before.scale);
    expect(still.why).toContain('mse');
    expect(moved.scale).not.toEqual(before.scale);
    expect(moved.why).toContain('moving average');
  });

  it('keeps zeros and codebooks down to the integers', async () => {
    const [first, second] = [weightsName(float, 0), weightsName(float, 1)];
    const mask = Uint8Array.from(tensorOf(float, first).data!, (_, i) => (i % 2 ? 1 : 0));
    const values = [...tensorOf(float, second).data!];
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const centroids = Float32Array.from({ length: 16 }, (_, k) => low + ((k + 0.5) * (high - low)) / 16);
    const assignments = Uint8Array.from(values, (value) =>
      Math.min(15, Math.floor((16 * (value - low)) / (high - low))),
    );
    const { int8, bestEpoch } = await quantizeAware(float, data, qat, {
      ...options,
      masks: new Map([[first, mask]]),
      codebooks: new Map([[second, { centroids, assignments }]]),
      validationFraction: 0,
    });
    expect(bestEpoch).toBe(3);
    const [sparse, clustered] = [tensorOf(int8, first).data!, tensorOf(int8, second).data!];
    expect([...sparse].filter((_, i) => mask[i] === 0).every((q) => q === 0)).toBe(true);
    expect(new Set(clustered).size).toBeLessThanOrEqual(16);
    expect(new Set(clustered).size).toBeGreaterThan(4);
  });

  it('goes on after a stop with the ranges it had', async () => {
    const { mkdtempSync, rmSync } = await import('node:fs');
    const { tmpdir } = await import('node:os');
    const { checkpointIn } = await import('../../../src/train/checkpoint.js');
    const folder = mkdtempSync(`${tmpdir()}/thimble-qat-`);
    try {
      const whole = await quantizeAware(float, data, qat, options);
      const controller = new AbortController();
      const onEvent = ({ stage, done }: StageEvent) => stage === 'qat' && done === 20 && controller.abort();
      const stopped = quantizeAware(float, data, qat, {
        ...options,
        checkpoint: checkpointIn(folder),
        onEvent,
        signal: controller.signal,
      });
      await expect(stopped).rejects.toMatchObject({ code: 'E_INTERRUPTED' });
      const resumed = await quantizeAware(float, data, qat, { ...options, checkpoint: checkpointIn(folder) });
      expect(resumed.history).toEqual(whole.history);
      expect(resumed.plan).toEqual(whole.plan);
      expect(resumed.int8).toEqual(whole.int8);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('refuses batch normalization and unknown keys', async () => {
    await expect(quantizeAware(float, data, qat, { batchNorm: true })).rejects.toMatchObject({ code: 'E_TRAINING' });
    expect(() => parseRecipe({ qat: { epoch: 3 } })).toThrow(/epoch/);
    expect(() => parseRecipe({ qat: { batchNorm: true } })).toThrow(/batchNorm/);
    expect(() => parseRecipe({ training: { optimizer: 'lion' } })).toThrow(/optimizer/);
    expect(parseRecipe({ name: 'a8w8' })).toEqual(a8w8);
  });

  it('leaves the interpreter’s float results of the given graph alone', async () => {
    const sample = data.sample(0);
    const [before] = createInterpreter(float).run([sample]);
    await quantizeAware(float, data, qat, { ...options, epochs: 1 });
    expect(createInterpreter(float).run([sample])[0]).toEqual(before);
  });
});

describe('the choice between training and none', () => {
  it('asks for more than chance explains, sample by sample', () => {
    const before = Float64Array.of(1, 2, 3, 4);
    // Falls of 1, 1, 1, 1: no doubt. Of 4, 0, 0, 0: the mean is 1, and so is the standard error. Of 1, 2, 3, 4: the mean is
    // 2.5, the standard error √(5 / 3 / 4) = 0.645.
    expect(fallsBeyondChance(before, Float64Array.of(0, 1, 2, 3))).toBe(true);
    expect(fallsBeyondChance(before, Float64Array.of(-3, 2, 3, 4))).toBe(false);
    expect(fallsBeyondChance(before, Float64Array.of(0, 0, 0, 0))).toBe(true);
    expect(fallsBeyondChance(before, Float64Array.of(-2, 1, 3, 4))).toBe(false); // 1 and 0.707
    expect(fallsBeyondChance(before, before)).toBe(false);
    expect(fallsBeyondChance(before, Float64Array.of(2, 3, 4, 5))).toBe(false);
  });

  it('measures the cross-entropy of each row', () => {
    const losses = labelLosses(Float32Array.of(0, 0, 1000, 0, Math.log(3), 0), Int32Array.of(1, 0, 0));
    for (const [row, expected] of [Math.log(2), 0, Math.log(4 / 3)].entries())
      expect(losses[row]).toBeCloseTo(expected, 6);
  });
});
