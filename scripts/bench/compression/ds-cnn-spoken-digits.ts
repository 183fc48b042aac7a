/**
 * A keyword spotter on spoken digits, trained from scratch: four speakers teach, two others score. Then half and three
 * quarters of its MACs are removed, and all of them become INT8, with training and without. A tenth of the clips of the
 * four is kept out of training: choices are made on it, none on the two.
 */
import { createHash } from 'node:crypto';
import type { Dataset } from '../../../src/core/dataset.js';
import type { Graph } from '../../../src/core/graph.js';
import { stratifiedIndices } from '../../../src/datasets/index.js';
import { emitTflite } from '../../../src/emit/tflite.js';
import { accuracyDifference } from '../../../src/evaluate/difference.js';
import { macsOf, parametersOf, pruneChannels } from '../../../src/passes/prune-channels.js';
import { quantizeGraph } from '../../../src/quantize/quantize-graph.js';
import { a8w8 } from '../../../src/quantize/recipe.js';
import { trainingKey } from '../../../src/train/checkpoint.js';
import { quantizeAware } from '../../../src/train/quantize-aware.js';
import { withoutShared } from '../../../tests/shared-folder.js';
import type { Row } from '../row.js';
import { dsCnn } from './networks.js';
import { openSpokenDigits } from './spoken-digits.js';
import { hashOf, type Json, type Stage, type Units } from './stage.js';
import { graphOf, rightAnswers, type Trained, trainedOnce } from './trained-model.js';

const training = {
  epochs: 12,
  batchSize: 32,
  learningRate: 2e-3,
  warmUp: 0.1,
  augment: { shift: [4, 0] },
  validationFraction: 0, // the last epoch is kept, whatever it came to
  batchNorm: true,
} as const;
const qat = { epochs: 3, learningRate: 5e-4, augment: { shift: [4, 0] }, validationFraction: 0.1 } as const;
/** The float model's answers in place of the labels: nothing new is learned, its function is kept. */
const taughtQat = { ...qat, distill: { alpha: 1 } } as const;
const seeds = [1, 2, 3];
const removed = [0.5, 0.75]; // of the MACs

export const dsCnnSpokenDigits: Stage = {
  name: 'ds-cnn-spoken-digits',
  title: 'DS-CNN on spoken digits: 4 speakers train, 2 others test',
  notes:
    'Differences in points, on the same test clips, with their 95 % interval; p: McNemar, exact. float: the unpruned one of the same seed. Epoch 0: not trained.',
  async run(units) {
    if (withoutShared) return [{ skipped: 'needs ../shared' }];
    const clips = openClips();
    const floats = new Map<number, Graph>();
    for (const seed of seeds) floats.set(seed, await graphOf(await floatModel(units, clips, seed)));
    const rows: Row[] = [];
    for (const share of [0, ...removed])
      for (const seed of seeds) {
        const float = floats.get(seed)!;
        const graph = share === 0 ? float : await graphOf(await prunedModel(units, clips, seed, float, share));
        rows.push(await compared(units, clips, seed, share, graph, float));
      }
    for (const seed of seeds) rows.push(await trainedOn(units, clips, seed, floats.get(seed)!));
    return rows;
  },
};

interface Clips {
  readonly train: Dataset;
  readonly test: Dataset;
  readonly learned: readonly number[]; // of train
  readonly held: readonly number[]; // of train: for choices
}

function openClips(): Clips {
  const { train, test } = openSpokenDigits();
  const held = stratifiedIndices(train, train.sampleCount / 10, 1);
  const out = new Set(held);
  const learned = Array.from({ length: train.sampleCount }, (_, i) => i).filter((i) => !out.has(i));
  return { train, test, learned, held };
}

const madeOf = ({ train }: Clips, seed: number): { readonly [key: string]: Json } => ({
  training,
  seed,
  data: train.sha256,
  network: hashOf('scripts/bench/compression/networks.ts'),
});

const floatModel = (units: Units, clips: Clips, seed: number): Promise<Trained> =>
  trainedOnce(units, `float-seed-${seed}`, madeOf(clips, seed), async () => dsCnn(10, seed), clips.train, {
    ...training,
    seed,
    indices: clips.learned,
  });

/** Narrowed by the L2 norms of the tied filters, in fours, and taught by the labels and the float model. */
function prunedModel(units: Units, clips: Clips, seed: number, float: Graph, share: number): Promise<Trained> {
  const budget = { name: 'MACs', most: macsOf(float) * (1 - share), measure: macsOf, saves: macsOf };
  const { graph } = pruneChannels(float, { budgets: [budget], importance: 'l2', roundTo: 4, smallestShare: 0.1 });
  const made = { ...madeOf(clips, seed), begin: trainingKey(graph), teacher: trainingKey(float) };
  return trainedOnce(units, `pruned-${share * 100}-seed-${seed}`, made, async () => graph, clips.train, {
    ...training,
    seed,
    indices: clips.learned,
    distill: { teacher: float },
  });
}

/** What training alone would have done: the whole network, taught by itself, as long as the pruned ones. */
async function trainedOn(units: Units, clips: Clips, seed: number, float: Graph): Promise<Row> {
  const made = { ...madeOf(clips, seed), begin: trainingKey(float), teacher: trainingKey(float) };
  const distill = { teacher: float };
  const options = { ...training, seed, indices: clips.learned, distill };
  const trained = await trainedOnce(units, `trained-on-seed-${seed}`, made, async () => float, clips.train, options);
  const graph = await graphOf(trained);
  const [before, after] = [await scored(units, clips, seed, '0', float), await scored(units, clips, seed, 'on', graph)];
  return {
    'MACs removed': '0 %, trained on',
    seed,
    ...figuresOf(graph, after),
    ...differenceOf(before.float, after.ptq),
  };
}

interface Scored {
  readonly float: string; // a digit a test clip: 1 = right
  readonly ptq: string;
  readonly tflite: string; // the latter, base64
}

/** In float, and in INT8 calibrated on 500 clips of the training. */
function scored(units: Units, clips: Clips, seed: number, name: string, graph: Graph): Promise<Scored> {
  return units.once(`scored-${name}-seed-${seed}`, scoredMadeOf(clips, seed, graph), async () => {
    const samples = calibrationOf(clips, seed).map((index) => [clips.train.sample(index)]);
    const { int8 } = await quantizeGraph(graph, samples, a8w8);
    return {
      float: await rightAnswers(graph, clips.test, allOf(clips.test)),
      ptq: await rightAnswers(int8, clips.test, allOf(clips.test)),
      tflite: Buffer.from(emitTflite(int8)).toString('base64'),
    };
  });
}

const calibrationOf = ({ train, learned }: Clips, seed: number) => stratifiedIndices(train, 500, seed, learned);
const allOf = ({ sampleCount }: Dataset): number[] => Array.from({ length: sampleCount }, (_, i) => i);
const scoredMadeOf = (clips: Clips, seed: number, graph: Graph) => ({
  model: trainingKey(graph),
  data: clips.test.sha256,
  calibration: hashOfList(calibrationOf(clips, seed)),
});

const figuresOf = (graph: Graph, { float, ptq, tflite }: Scored): Row => ({
  MACs: macsOf(graph),
  parameters: parametersOf(graph),
  '.tflite': Buffer.from(tflite, 'base64').length,
  [`float, of ${float.length}`]: hits(float),
  PTQ: hits(ptq),
});
const differenceOf = (float: string, ptq: string): Row => ({ 'PTQ − float': versus(float, ptq) });

/** In INT8 after training and with three epochs of it, by the labels and by the float model. */
async function compared(
  units: Units,
  clips: Clips,
  seed: number,
  share: number,
  graph: Graph,
  float: Graph,
): Promise<Row> {
  const own = await scored(units, clips, seed, String(share * 100), graph);
  const unpruned = await scored(units, clips, seed, '0', float);
  const trainer = hashOf('src/train/trainer.ts');
  const aware = (unit: string, choices: typeof qat | typeof taughtQat) =>
    units.once(
      `${unit}-${share * 100}-seed-${seed}`,
      { ...scoredMadeOf(clips, seed, graph), qat: choices, trainer },
      async () => {
        const { distill, ...rest } = { distill: undefined, ...choices };
        const options = { ...rest, ...(distill && { distill: { teacher: graph, ...distill } }), seed };
        const samples = { indices: clips.learned, calibration: calibrationOf(clips, seed) };
        const { int8, bestEpoch } = await quantizeAware(graph, clips.train, a8w8, { ...options, ...samples });
        return { bestEpoch, right: await rightAnswers(int8, clips.test, allOf(clips.test)) };
      },
    );
  const byLabels = await aware('qat', qat);
  const byFloat = await aware('taught-qat', taughtQat);
  return {
    'MACs removed': `${share * 100} %`,
    seed,
    ...figuresOf(graph, own),
    ...differenceOf(unpruned.float, own.ptq),
    QAT: `${hits(byLabels.right)} (epoch ${byLabels.bestEpoch})`,
    'QAT − PTQ': versus(own.ptq, byLabels.right),
    'taught QAT': `${hits(byFloat.right)} (epoch ${byFloat.bestEpoch})`,
    'taught − PTQ': versus(own.ptq, byFloat.right),
  };
}

const hits = (answers: string): number => answers.replaceAll('0', '').length;
const flags = (answers: string): boolean[] => [...answers].map((each) => each === '1');
const hashOfList = (list: readonly number[]): string =>
  createHash('sha256').update(list.join()).digest('hex').slice(0, 16);
const versus = (before: string, after: string): string => {
  const { value, low, high, p } = accuracyDifference(flags(before), flags(after));
  return `${(100 * value).toFixed(1)} (${(100 * low).toFixed(1)} … ${(100 * high).toFixed(1)}), p ${p.toFixed(3)}`;
};
