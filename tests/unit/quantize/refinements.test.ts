/** Equalization, bias correction and adaptive rounding on layers that plain rounding ruins or shifts. */
import { beforeAll, describe, expect, it } from 'vitest';
import { type Graph, tensorOf } from '../../../src/core/graph.js';
import { seededRandom } from '../../../src/core/seeded-random.js';
import { type Dtype, dataOf } from '../../../src/core/tensor.js';
import { ErrorMeter } from '../../../src/evaluate/layer-error.js';
import { createInterpreter } from '../../../src/interpret/interpreter.js';
import { equalizeLayers } from '../../../src/quantize/equalize.js';
import { fakeQuant, runFakeQuant } from '../../../src/quantize/fake-quant.js';
import { quantizeGraph } from '../../../src/quantize/quantize-graph.js';
import { parseRecipe } from '../../../src/quantize/recipe.js';
import { constant, graphOf } from './graphs.js';

const same = { stride: [1, 1], padding: 'SAME', activation: 'relu' };

/** conv → depthwise → conv → fully_connected with random weights; channel c of the first is scaled by `factors[c]`. */
function network(factors: readonly number[], activation = 'relu'): Graph {
  const random = seededRandom(5);
  const values = (count: number) => Array.from({ length: count }, () => random() * 2 - 1);
  const scaled = (perChannel: number) => values(8 * perChannel).map((w, i) => w * factors[Math.floor(i / perChannel)]!);
  const attrs = { ...same, activation };
  return graphOf(
    { x: [1, 6, 6, 3] },
    [
      constant('w1', [8, 3, 3, 3], scaled(27)),
      constant('b1', [8], scaled(1)),
      constant(
        'w2',
        [1, 3, 3, 8],
        values(72).map((w, i) => w / factors[i % 8]!),
      ),
      constant('b2', [8], values(8)),
      constant('w3', [5, 1, 1, 8], values(40)),
      constant('b3', [5], values(5)),
      constant('w4', [4, 180], values(720)),
      constant('b4', [4], values(4)),
      { name: 'shape', shape: [2], dtype: 'int32' as Dtype, data: Int32Array.from([1, 180]) },
    ],
    [
      ['first', 'conv_2d', ['x', 'w1', 'b1'], attrs],
      ['depthwise', 'depthwise_conv_2d', ['first', 'w2', 'b2'], { ...attrs, depthMultiplier: 1 }],
      ['pointwise', 'conv_2d', ['depthwise', 'w3', 'b3'], attrs],
      ['flat', 'reshape', ['pointwise', 'shape'], { newShape: [1, 180] }],
      ['logits', 'fully_connected', ['flat', 'w4', 'b4'], { activation: 'none', keepNumDims: false }],
    ],
  );
}

const random = seededRandom(9);
/** Neighbours alike, as in images: where inputs are independent, the nearest rounding is the best already. */
const samples = Array.from({ length: 24 }, () => {
  const [base, slope] = [random() * 2 - 1, random() * 2 - 1];
  return [Float32Array.from({ length: 108 }, (_, i) => base + (slope * i) / 108 + 0.2 * (random() - 0.5))];
});
const even = [1, 1, 1, 1, 1, 1, 1, 1];
const uneven = [4, 1, 0.3, 1, 0.2, 1, 2, 1];
const hostile = [100, 1, 0.3, 1, 0.01, 1, 3, 1];

/** Of the logits: how far int8 is from the float graph that was given. */
async function logitsError(graph: Graph, recipe: object) {
  const { int8 } = await quantizeGraph(graph, samples, parseRecipe(recipe));
  const [float, integer] = [createInterpreter(graph), createInterpreter(int8)];
  const { quant } = tensorOf(int8, int8.inputs[0]!);
  const meter = new ErrorMeter();
  const { scale, zeroPoint } = tensorOf(int8, int8.outputs[0]!).quant!;
  for (const [sample] of samples) {
    const bytes = Int8Array.from(sample!, (x) =>
      Math.max(-128, Math.min(127, Math.round(x / quant!.scale[0]!) + quant!.zeroPoint[0]!)),
    );
    meter.add(float.run([sample!])[0]!, integer.run([bytes])[0]!, scale[0], zeroPoint[0]);
  }
  return meter.result();
}

describe('equalizeLayers', () => {
  it('changes nothing that the network computes', () => {
    const graph = network(hostile);
    const { graph: equal, report } = equalizeLayers(graph);
    expect(report.pairs.map(({ first, second }) => `${first}>${second}`)).toEqual([
      'first>depthwise',
      'depthwise>pointwise',
      'pointwise>logits',
    ]);
    expect(report.pairs[0]!.largestFactor).toBeGreaterThan(50);
    const [a, b] = [createInterpreter(graph), createInterpreter(equal)];
    for (const sample of samples) {
      const [x, y] = [a.run(sample)[0]!, b.run(sample)[0]!];
      for (let i = 0; i < x.length; i++) expect(y[i]).toBeCloseTo(x[i]!, 3);
    }
    expect([...dataOf(tensorOf(graph, 'w1'))]).toEqual([...dataOf(tensorOf(network(hostile), 'w1'))]); // the given one stays
  });

  it('leaves layers alone whose activation does not scale, or that others read too', () => {
    expect(equalizeLayers(network(hostile, 'relu6')).report.pairs).toEqual([]);
    const graph = network(hostile);
    const { report } = equalizeLayers({ ...graph, outputs: [...graph.outputs, 'first'] });
    expect(report.pairs.map(({ first }) => first)).toEqual(['depthwise', 'pointwise']);
  });

  it('restores a network whose channels differ by four orders of magnitude', async () => {
    const plain = await logitsError(network(hostile), {});
    const equalized = await logitsError(network(hostile), { weights: { equalize: true } });
    const friendly = await logitsError(network(even), {});
    expect(plain.sqnrDb).toBeLessThan(friendly.sqnrDb - 8);
    expect(equalized.sqnrDb).toBeGreaterThan(friendly.sqnrDb - 2);
  });
});

describe('bias correction', () => {
  it.each(['analytic', 'empirical'])('takes the mean shift of coarse weights back: %s', async (biasCorrection) => {
    const weights = { granularity: 'per-tensor' };
    const plain = await logitsError(network(uneven), { weights });
    const corrected = await logitsError(network(uneven), { weights, biasCorrection });
    expect(Math.abs(corrected.meanShift)).toBeLessThan(Math.abs(plain.meanShift) / 2);
    expect(corrected.sqnrDb).toBeGreaterThan(plain.sqnrDb);
  });
});

describe('adaptive rounding', () => {
  let plan: Awaited<ReturnType<typeof quantizeGraph>>;
  const recipe = parseRecipe({ weights: { granularity: 'per-tensor', rounding: 'adaptive' } });
  beforeAll(async () => {
    plan = await quantizeGraph(network(uneven), samples, recipe);
  });

  it('lowers what it is to lower, in every layer', () => {
    expect(plan.rounding!.map(({ node }) => node)).toEqual(['first', 'depthwise', 'pointwise', 'logits']);
    for (const { errorBefore, errorAfter, changed } of plan.rounding!) {
      expect(errorAfter).toBeLessThanOrEqual(errorBefore);
      expect(changed).toBeGreaterThan(0);
    }
    expect(plan.rounding![0]!.errorAfter).toBeLessThan(plan.rounding![0]!.errorBefore * 0.9);
  });

  it('rounds each weight up or down, never further, and stays within ±127', () => {
    const float = network(uneven);
    for (const name of ['w1', 'w2', 'w3', 'w4']) {
      const { scale } = plan.plan.tensors[name]!;
      const integers = dataOf(tensorOf(plan.int8, name));
      dataOf(tensorOf(float, name)).forEach((w, i) => {
        expect(Math.abs(integers[i]! - w / scale[0]!)).toBeLessThan(1);
        expect(Math.abs(integers[i]!)).toBeLessThanOrEqual(127);
      });
    }
  });

  it('brings the result nearer', async () => {
    const nearest = await logitsError(network(uneven), { weights: { granularity: 'per-tensor' } });
    const adaptive = await logitsError(network(uneven), recipe);
    expect(adaptive.sqnrDb).toBeGreaterThan(nearest.sqnrDb + 0.5);
  });
});

describe('fake quantization', () => {
  it('is the float network where no layer is quantized, and within steps of int8 where all are', async () => {
    const graph = network(even);
    const { plan, int8 } = await quantizeGraph(graph, samples, parseRecipe({}));
    const [float, integer] = [createInterpreter(graph), createInterpreter(int8)];
    const [none, all] = [fakeQuant(graph, plan, () => false), fakeQuant(graph, plan)];
    const { scale, zeroPoint } = tensorOf(int8, 'x').quant!;
    const output = plan.tensors['logits']!;
    for (const [sample] of samples) {
      expect([...runFakeQuant(none, [sample!]).get('logits')!]).toEqual([...float.run([sample!])[0]!]);
      const bytes = Int8Array.from(sample!, (x) =>
        Math.max(-128, Math.min(127, Math.round(x / scale[0]!) + zeroPoint[0]!)),
      );
      const [integers] = integer.run([bytes]);
      runFakeQuant(all, [sample!])
        .get('logits')!
        .forEach((value, i) => {
          const steps = value / output.scale[0]! + output.zeroPoint[0]! - integers![i]!;
          expect(Math.abs(steps)).toBeLessThanOrEqual(3); // roundings of four layers
        });
    }
  });
});
