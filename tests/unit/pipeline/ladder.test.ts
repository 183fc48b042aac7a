/** The ladder on a trained model that was made hostile to plain INT8: the same function, its channels far apart. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Dataset } from '../../../src/core/dataset.js';
import type { Graph } from '../../../src/core/graph.js';
import type { StageEvent } from '../../../src/core/stage-event.js';
import { openDataset, subset } from '../../../src/datasets/index.js';
import { emitTflite } from '../../../src/emit/tflite.js';
import { accuracyLoss } from '../../../src/evaluate/accuracy-loss.js';
import { type Compressed, type CompressOptions, compress } from '../../../src/pipeline/compress.js';
import { layerNeeds } from '../../../src/pipeline/layer-needs.js';
import { type LoadedModel, loadModel } from '../../../src/pipeline/load-model.js';
import { chooseSamples } from '../../../src/pipeline/sample-choice.js';
import { a8w8, parseRecipe } from '../../../src/quantize/recipe.js';
import { rungs } from '../../../src/quantize/rungs.js';
import { runCli } from '../../e2e/run-cli.js';

const folder = mkdtempSync(join(tmpdir(), 'thimble-ladder-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** conv_1's channels times 100, 1 or 1/100, and what reads them the other way round: relu lets that through. */
function hostile(graph: Graph): Graph {
  const factor = (channel: number): number => [100, 1, 0.01, 1][channel % 4]!;
  const tensors = new Map(graph.tensors);
  const scale = (name: string, by: (index: number) => number): void => {
    const tensor = tensors.get(name)!;
    tensors.set(name, { ...tensor, data: Float32Array.from(tensor.data!, (value, i) => value * by(i)) });
  };
  scale('conv_1/kernel', (i) => factor(Math.floor(i / 9)));
  scale('conv_1/bias', factor);
  scale('conv_2/kernel', (i) => 1 / factor(i % 8));
  return { ...graph, tensors };
}

const options: CompressOptions = { recipe: a8w8, calibration: 100, seed: 1, scoreLimit: 300 };
let model: LoadedModel;
let train: Dataset;
let test: Dataset;
beforeAll(async () => {
  const digits = await loadModel('examples/digits/model.json');
  model = { ...digits, graph: hostile(digits.graph) };
  train = await openDataset('examples/digits/digits-train.npz', { expectedShape: [28, 28, 1] });
  test = await openDataset('examples/digits/digits-test.npz', { expectedShape: [28, 28, 1] });
});

describe('a model whose channels differ by four orders of magnitude', () => {
  let compressed: Compressed;
  const messages: string[] = [];
  beforeAll(async () => {
    const onEvent = ({ message }: StageEvent) => message !== undefined && messages.push(message);
    compressed = await compress(model, train, {
      ...options,
      test,
      maxDrop: 0.5,
      lastRung: 'adaptive-rounding',
      onEvent,
    });
  });

  it('collapses under plain PTQ, and is restored without training', () => {
    const { ladder, stages } = compressed;
    const plain = ladder!.tried[0]!;
    expect(plain).toMatchObject({ rung: 'ptq', recipe: 'a8w8', holds: false });
    expect(plain.loss.points).toBeGreaterThan(20);
    expect(ladder!.rung).toBe('equalization');
    expect(ladder!.tried.at(-1)!.loss.points).toBeLessThanOrEqual(0.5);
    const [float, int8] = [stages[0]!, stages.at(-1)!].map(({ score }) => score!.accuracy!.hits);
    expect(float! - int8!).toBeLessThanOrEqual(0.005 * 300);
    expect(ladder!.confirmed).toMatchObject({ n: 300, points: expect.any(Number) });
    expect(compressed.metadata.recipe!.name).toBe('a8w8-equalized');
    expect(messages.some((message) => message.startsWith('plain PTQ (a8w8): '))).toBe(true);
  });

  it('names the two layers between which the channels differ, and no other', () => {
    const needy = compressed.ladder!.layers.filter(({ rung }) => rung !== 'ptq');
    expect(needy.map(({ node, rung }) => [node, rung])).toEqual([
      ['conv_1', 'equalization'],
      ['conv_2', 'equalization'],
    ]);
    const [, second] = needy;
    expect(second!.sqnrDb.ptq).toBeLessThan(15);
    expect(second!.sqnrDb.equalization).toBeGreaterThan(30);
    expect(second!.why).toMatch(/"conv_1".*×/);
  });

  it('chooses by samples that neither calibrate, train nor score', () => {
    const choice = chooseSamples(train, { ...options, trains: true, selects: true });
    const parts = [choice.training, choice.selection, choice.scoring];
    expect(parts.every(({ length }) => length > 0)).toBe(true);
    expect(new Set(parts.flat()).size).toBe(parts.flat().length);
    expect(choice.calibration.filter((i) => choice.selection.includes(i) || choice.scoring.includes(i))).toEqual([]);
    expect(compressed.ladder!.float.n).toBe(300);
    expect(compressed.choice.scoredOn).toBe('test data');
  });

  it('chooses the same whatever the test data say', async () => {
    const wrong = subset(test, [0, 1, 2]);
    const other = await compress(model, train, { ...options, test: wrong, maxDrop: 0.5 });
    expect(Buffer.from(other.tflite).equals(Buffer.from(compressed.tflite))).toBe(true);
  });
});

describe('a gate that cannot be held', () => {
  it('ends with the best there was, the layers to blame and ways out', async () => {
    await expect(
      compress(model, train, { ...options, test, maxDrop: 0.5, lastRung: 'calibrator' }),
    ).rejects.toMatchObject({
      code: 'E_GATE',
      message: expect.stringMatching(/within 0\.5 points.* loses \d+\.\d+ \(n = 300\)/),
      where: expect.stringMatching(/"conv_[12]" \(\d+\.\d dB\)/),
      hints: [expect.stringContaining('--last-rung calibrator'), expect.stringContaining('--max-drop')],
    });
  });

  it('is exit code 3 on the command line, and nothing is written', async () => {
    const file = join(folder, 'hostile.tflite');
    writeFileSync(file, emitTflite(model.graph));
    const data = ['--data', 'examples/digits/digits-test.npz', '--calibration', '50', '--score', '200'];
    const output = join(folder, 'out');
    const command = ['compress', file, ...data, '--json', '-o', output, '--max-drop', '0.5', '--last-rung'];
    const broken = await runCli([...command, 'ptq']);
    expect(broken.code, broken.stderr).toBe(3);
    expect(JSON.parse(broken.stdout).error.code).toBe('E_GATE');
    expect(existsSync(output)).toBe(false);
    const held = await runCli([...command, 'equalization']);
    expect(held.code, held.stderr).toBe(0);
    const report = JSON.parse(held.stdout);
    expect(report).toEqual(JSON.parse(readFileSync(join(output, 'report.json'), 'utf8')));
    expect(report.ladder).toMatchObject({ maxDropPoints: 0.5, rung: 'equalization' });
    expect(report.data.selectionSamples).toBe(200);
    expect(held.stderr).toContain('held out of the data to choose by');
  });

  it('needs classes, samples to hold out, and a gate for --last-rung', async () => {
    const gate = { ...options, maxDrop: 1 };
    await expect(compress(model, { ...train, labels: [] }, gate)).rejects.toMatchObject({ code: 'E_USAGE' });
    await expect(compress(model, subset(train, [1, 2, 3]), gate)).rejects.toMatchObject({ code: 'E_DATA_EMPTY' });
    const bare = await runCli(['compress', 'm', '--data', 'd', '-o', 'o', '--last-rung', 'qat']);
    expect(bare.code).toBe(2);
  });
});

describe('labels that no accuracy can be made of', () => {
  const relabelled = (label: (i: number) => number): Dataset => ({
    ...subset(train, [...Array(60).keys()]),
    classOf: label,
  });
  it('are refused before any work, with the sample and the class', async () => {
    await expect(
      compress(
        model,
        relabelled((i) => (i === 7 ? 10 : 1)),
        options,
      ),
    ).rejects.toMatchObject({
      code: 'E_DATA_SHAPE',
      message: expect.stringContaining('class 10, the model tells only classes 0 to 9'),
      where: 'at sample 7',
    });
    await expect(compress(model, train, { ...options, test: relabelled(() => 12) })).rejects.toMatchObject({
      code: 'E_DATA_SHAPE',
    });
    for (const more of [{ maxDrop: 1 }, { prune: 0.5 }, { recipe: parseRecipe({ qat: {} }) }])
      await expect(
        compress(
          model,
          relabelled(() => 3),
          { ...options, ...more },
        ),
      ).rejects.toMatchObject({
        code: 'E_TRAINING',
        message: expect.stringContaining('class 3 alone'),
      });
  });

  it('may be of one class where they only calibrate', async () => {
    const small = { ...options, calibration: 20, scoreLimit: 20 };
    expect(
      (
        await compress(
          model,
          relabelled(() => 3),
          small,
        )
      ).tflite.length,
    ).toBeGreaterThan(0);
  });
});

describe('rungs', () => {
  const byName = (name: string) => rungs.find((rung) => rung.name === name)!;
  it('leave a recipe’s own choices alone, and add to them', () => {
    const base = parseRecipe({ name: 'qat-mine', weights: { granularity: 'per-tensor' }, qat: { epochs: 2 } });
    expect(byName('ptq').candidates(base, base)).toEqual([{ ...base, name: 'mine', qat: undefined }]);
    const [rounded] = byName('adaptive-rounding').candidates({ ...base, biasCorrection: 'empirical' }, base);
    expect(rounded).toMatchObject({ weights: { granularity: 'per-tensor', rounding: 'adaptive' } });
    const [trained] = byName('qat').candidates(rounded!, base);
    expect(trained).toMatchObject({ qat: { epochs: 2 }, weights: { granularity: 'per-tensor' } });
    expect(trained!.weights.rounding).toBeUndefined();
    expect(byName('equalization').candidates({ ...base, weights: { ...base.weights, equalize: true } }, base)).toEqual(
      [],
    );
  });

  it('give recipes that a file could hold', () => {
    for (const { candidates } of rungs)
      for (const recipe of candidates(a8w8, a8w8))
        expect(parseRecipe(JSON.parse(JSON.stringify(recipe)))).toEqual(recipe);
  });
});

it('accuracyLoss counts samples that turned, and widens with them', () => {
  const data = { classOf: (i: number) => i % 2 } as unknown as Dataset;
  const indices = [...Array(100).keys()];
  const right = indices.map((i) => i % 2);
  const turned = right.map((label, i) => (i < 6 ? 1 - label : label));
  expect(accuracyLoss(right, right, data, indices)).toMatchObject({ n: 100, points: 0, low: 0, high: 0 });
  // lost 6 of 100: the variance of a proportion of 0.06, √(0.06 · 0.94 / 100) = 2.375 %
  const loss = accuracyLoss(right, turned, data, indices);
  expect(loss).toMatchObject({ lost: 6, gained: 0, points: 6 });
  expect(loss.high - loss.points).toBeCloseTo(1.96 * 2.375, 1);
  expect(accuracyLoss(turned, right, data, indices).points).toBe(-6);
});

it('layerNeeds gives a mean shift to the rung that took it back', () => {
  const error = (sqnrDb: number, shift: number) => [{ node: 'a', op: 'conv_2d', sqnrDb, shift }];
  const kept = [
    { rung: 'ptq', recipe: a8w8, errors: error(30, 0.2) },
    { rung: 'bias-correction', recipe: a8w8, errors: error(30, 0.01) },
  ] as unknown as Parameters<typeof layerNeeds>[0];
  expect(layerNeeds(kept)[0]).toMatchObject({
    rung: 'bias-correction',
    why: expect.stringContaining('20.0 % → 1.0 %'),
  });
  expect(layerNeeds(kept.slice(0, 1))[0]).toMatchObject({ rung: 'ptq' });
});
