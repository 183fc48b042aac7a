/** The last rung: a network that no refinement of int8 mends, and 16-bit activations for the layer that needs them. */
import { describe, expect, it } from 'vitest';
import { ladderText } from '../../../src/cli/ladder-text.js';
import type { Dataset } from '../../../src/core/dataset.js';
import { tensorOf } from '../../../src/core/graph.js';
import type { StageEvent } from '../../../src/core/stage-event.js';
import { activationNoise } from '../../../src/evaluate/activation-noise.js';
import { importTflite } from '../../../src/importers/tflite/tflite.js';
import { type CompressOptions, compress } from '../../../src/pipeline/compress.js';
import type { LoadedModel } from '../../../src/pipeline/load-model.js';
import { fewestThatHold } from '../../../src/pipeline/widen-layers.js';
import { quantizeGraph } from '../../../src/quantize/quantize-graph.js';
import { a8w8 } from '../../../src/quantize/recipe.js';
import { constant, graphOf } from '../quantize/graphs.js';

/** h = 100 a ± 0.05 b, and h − 100 a: what is left of b tells the class. A few layers beside it that int8 does not hurt. */
const graph = graphOf(
  { x: [1, 2] },
  [
    constant('wu', [2, 2], [100, 0, 100, 0]),
    constant('wv', [2, 2], [0, 0.05, 0, -0.05]),
    constant('w', [2, 2], [1, 0, 0, 1]),
  ],
  [
    ['u', 'fully_connected', ['x', 'wu'], { activation: 'none' }],
    ['v', 'fully_connected', ['x', 'wv'], { activation: 'none' }],
    ['h', 'add', ['u', 'v'], { activation: 'none' }],
    ['d', 'sub', ['h', 'u'], { activation: 'none' }],
    ['y', 'fully_connected', ['d', 'w'], { activation: 'none' }],
  ],
);
const model = {
  path: 'difference.tflite',
  graph,
  kind: 'float32',
  bytes: new Uint8Array(8),
  fileBytes: 8,
  sha256: 'a'.repeat(64),
};
const data: Dataset = {
  name: 'differences',
  shape: [2],
  values: 'raw',
  labels: ['minus', 'plus'],
  sampleCount: 600,
  sample: (i) => Float32Array.of(Math.sin(i * 1.7), (i % 2 ? -1 : 1) * (0.2 + (i % 13) / 16)),
  classOf: (i) => i % 2,
  sha256: 'b'.repeat(64),
};
const options: CompressOptions = { recipe: a8w8, calibration: 100, seed: 1, scoreLimit: 200 };
const samples = Array.from({ length: 20 }, (_, i) => [data.sample(i)]);

describe('16-bit activations as the last rung', () => {
  it('are for the one layer that needs them, with their price; the rungs before did not hold', async () => {
    const messages: string[] = [];
    const onEvent = ({ message }: StageEvent) => message !== undefined && messages.push(message);
    const float = { ...model, kind: 'float32' } as LoadedModel;
    // Without training: it would move the very weights that make the case.
    const base = { ...options, epochs: 0 };
    const { ladder, tflite, metadata, plan } = await compress(float, data, { ...base, maxDrop: 1, onEvent });
    expect(ladder!.tried.map(({ rung, holds }) => [rung, holds])).toEqual([
      ['ptq', false],
      ['calibrator', false],
      ['bias-correction', false],
      ['adaptive-rounding', false],
      ['qat', false],
      ['16-bit', true],
    ]);
    expect(ladder!.tried[0]!.loss.points).toBeGreaterThan(10);
    expect(ladder!.recipe.activations).toMatchObject({ bits: 16, layers: ['h'] });
    expect(metadata.recipe!.name).toMatch(/-16bit$/);
    expect(ladder!.confirmed!.points).toBeLessThanOrEqual(1);
    expect(plan.results.map(({ node }) => node)).toEqual(['d']);
    expect(messages.some((message) => message.startsWith('1 of '))).toBe(true);

    const int8 = importTflite(tflite);
    expect(tensorOf(int8, 'h').dtype).toBe('int16');
    expect([...int8.inputs, ...int8.outputs].map((name) => tensorOf(int8, name).dtype)).toEqual(['int8', 'int8']);

    const needy = ladder!.layers.filter(({ rung }) => rung === '16-bit');
    expect(needy).toEqual([
      expect.objectContaining({ node: 'h', op: 'add', why: expect.stringMatching(/alone leaves -?\d+\.\d dB/) }),
    ]);

    const { price } = ladder!;
    expect(price).toMatchObject({ core: 'cortex-m4', layers: ['h'] });
    expect(price!.after.instructions).toBeGreaterThan(price!.before.instructions);
    expect(price!.after.ramBytes).toBeGreaterThanOrEqual(price!.before.ramBytes);
    expect(ladderText(ladder!, (text) => text)).toMatch(
      /16 bits for "h" cost, predicted for cortex-m4:\n +instructions +[\d,]+ → [\d,]+ \(\+\d+ %\)\n +RAM .* B → .*\n +flash/,
    );
  }, 60_000);

  it('say how far they came where even all of them are not enough', async () => {
    const hopeless = { ...data, classOf: (i: number) => Math.floor(i / 2) % 2 }; // no model knows this class
    const gate = { ...options, epochs: 0, maxDrop: -60, lastRung: '16-bit' as const };
    await expect(compress({ ...model, kind: 'float32' } as LoadedModel, hopeless, gate)).rejects.toMatchObject({
      code: 'E_GATE',
    });
  }, 60_000);
});

it('the noise of an activation is what arrives at the output: what cancels does not count', async () => {
  const { plan } = await quantizeGraph(graph, samples, a8w8);
  const noise = await activationNoise(graph, plan, samples, () => true);
  const of = (node: string) => noise.find((each) => each.node === node)!.noise;
  expect(noise[0]!.node).toBe('h');
  expect(of('h')).toBeGreaterThan(0.1);
  expect(of('u')).toBeLessThan(1e-6); // added, and taken off again
  expect(of('v')).toBeGreaterThan(0);
  expect(of('v')).toBeLessThan(of('h') / 1000);
});

describe('fewestThatHold', () => {
  const ranked = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'];
  const search = async (needed: readonly string[]) => {
    const tried: string[] = [];
    const found = await fewestThatHold(
      ranked,
      async (layers) => {
        tried.push(layers.join(''));
        return layers;
      },
      (layers) => needed.every((each) => layers.includes(each)),
    );
    return { found: found.layers.join(''), tried };
  };
  it('finds the set that is needed, all of it, and tries none twice', async () => {
    for (const needed of ['a', 'e', 'ae', 'bdf', 'j', 'abcdefghij', 'ah']) {
      const { found, tried } = await search([...needed]);
      const most = ranked.indexOf(needed.at(-1)!) + 1 > 8; // larger sets are not taken apart
      expect(found).toBe(most ? 'abcdefghij' : needed);
      expect(new Set(tried).size).toBe(tried.length);
    }
  });
  it('gives up after one trial where all are not enough', async () => {
    expect(await search(['z'])).toEqual({ found: ranked.join(''), tried: [ranked.join('')] });
  });
});
