import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../src/core/seeded-random.js';
import { ErrorMeter } from '../../../src/evaluate/layer-error.js';
import { firstThatHurt, layerSensitivity } from '../../../src/evaluate/layer-sensitivity.js';
import { applyPlan } from '../../../src/quantize/apply-plan.js';
import { quantizeGraph } from '../../../src/quantize/quantize-graph.js';
import { parseRecipe } from '../../../src/quantize/recipe.js';
import { constant, graphOf } from '../quantize/graphs.js';

const SIZE = 32;
const random = seededRandom(3);
const NAMES = ['first', 'second', 'third'];

/** Three layers of random weights, one after the other. */
const graph = graphOf(
  { x: [1, SIZE] },
  NAMES.map((name) =>
    constant(
      `${name}/w`,
      [SIZE, SIZE],
      Array.from({ length: SIZE ** 2 }, () => random() - 0.5),
    ),
  ),
  NAMES.map((name, i) => [
    name,
    'fully_connected',
    [i === 0 ? 'x' : NAMES[i - 1]!, `${name}/w`, null],
    { activation: 'none', keepNumDims: false },
  ]),
);
const samples = Array.from({ length: 12 }, () => [Float32Array.from({ length: SIZE }, () => random() - 0.5)]);

describe('the sensitivity of layers', () => {
  it('has the SQNR and the cosine of their definitions', () => {
    const meter = new ErrorMeter();
    meter.add(Float32Array.of(3, 4), Int8Array.of(8, 12), 0.5, 2); // 3 and 5: noise 1 against signal 25
    const { sqnrDb, cosine, largest } = meter.result();
    expect(sqnrDb).toBeCloseTo(13.9794, 4);
    expect(cosine).toBeCloseTo(29 / (5 * Math.sqrt(34)), 12);
    expect(largest).toBe(1);
  });

  /** The same network with the steps of one layer's output so many times as coarse. */
  async function coarsened(layer: string, factor: number) {
    const { float, plan } = await quantizeGraph(graph, samples, parseRecipe({}));
    const entry = plan.tensors[layer]!;
    const coarse = { ...entry, scale: [Math.fround(entry.scale[0]! * factor)], zeroPoint: [0] };
    const changed = { ...plan, tensors: { ...plan.tensors, [layer]: coarse } };
    return layerSensitivity({ float, int8: applyPlan(float, changed), plan: changed, samples });
  }

  it.each(NAMES)('finds the layer with coarse steps, %s, and its noise grows as theory has it', async (name) => {
    const layers = await coarsened(name, 32);
    expect(layers.map(({ node }) => node)).toEqual(NAMES);
    const weakest = layers.reduce((worst, layer) => (layer.alone.sqnrDb < worst.alone.sqnrDb ? layer : worst));
    expect(weakest.node).toBe(name);
    if (name !== 'first') expect(firstThatHurt(graph, layers).map(({ node }) => node)).toContain(name);
    for (const { int8, fakeQuant } of layers) expect(Math.abs(int8.sqnrDb - fakeQuant.sqnrDb)).toBeLessThan(1);
    // Rounding noise is step² / 12 (B. Widrow 1956): half the step is 6.02 dB less.
    const finer = (await coarsened(name, 16)).find(({ node }) => node === name)!;
    expect(finer.alone.sqnrDb - weakest.alone.sqnrDb).toBeGreaterThan(4.5);
    expect(finer.alone.sqnrDb - weakest.alone.sqnrDb).toBeLessThan(7.5);
  });

  it('sees clipping where the samples leave the range that was calibrated', async () => {
    const { float, int8, plan } = await quantizeGraph(graph, samples, parseRecipe({}));
    const louder = samples.map(([x]) => [x!.map((value) => 4 * value)]);
    const [first] = await layerSensitivity({ float, int8, plan, samples: louder });
    expect(first!.clipped).toBeGreaterThan(0.2);
  });

  it('names the first layers that fall behind what they read', async () => {
    const error = (sqnrDb: number) => ({ sqnrDb, cosine: 1, meanShift: 0, largest: 0 });
    const layers = [40, 30, 29].map((sqnrDb, i) => ({
      node: ['first', 'second', 'third'][i]!,
      op: 'fully_connected',
      int8: error(sqnrDb),
      fakeQuant: error(sqnrDb),
      clipped: 0,
      alone: error(50),
      changedClass: { hits: 0, n: 1, value: 0, low: 0, high: 1 },
    }));
    expect(firstThatHurt(graph, layers).map(({ node }) => node)).toEqual(['second']);
  });

  it('speaks of changed classes only where there are several outputs', async () => {
    const one = graphOf(
      { x: [1, SIZE] },
      [constant('w', [1, SIZE], new Array(SIZE).fill(0.1))],
      [['y', 'fully_connected', ['x', 'w', null], { activation: 'none', keepNumDims: false }]],
    );
    for (const [each, expected] of [
      [one, null],
      [graph, expect.objectContaining({ n: samples.length })],
    ] as const) {
      const { float, int8, plan } = await quantizeGraph(each, samples, parseRecipe({}));
      const [layer] = await layerSensitivity({ float, int8, plan, samples });
      expect(layer!.changedClass).toEqual(expected);
    }
  });

  it('needs samples', async () => {
    const { float, int8, plan } = await quantizeGraph(graph, samples, parseRecipe({}));
    await expect(layerSensitivity({ float, int8, plan, samples: [] })).rejects.toMatchObject({ code: 'E_DATA_EMPTY' });
  });
});
