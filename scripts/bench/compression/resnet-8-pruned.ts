/**
 * The published ResNet-8, half of its MACs removed, fine-tuned and INT8, beside the same network fine-tuned as long
 * without pruning. The last tenth of the training images is kept out of training: choices are made on it, none on the
 * test images.
 */
import { createHash } from 'node:crypto';
import type { Dataset } from '../../../src/core/dataset.js';
import type { Graph } from '../../../src/core/graph.js';
import { openDataset, stratifiedIndices } from '../../../src/datasets/index.js';
import { emitTflite } from '../../../src/emit/tflite.js';
import { macsOf, parametersOf, pruneChannels } from '../../../src/passes/prune-channels.js';
import { loadModel } from '../../../src/pipeline/load-model.js';
import { quantizeGraph } from '../../../src/quantize/quantize-graph.js';
import { a8w8 } from '../../../src/quantize/recipe.js';
import { trainingKey } from '../../../src/train/checkpoint.js';
import { refit } from '../../../src/train/refit/refit.js';
import { sharedPath, withoutShared } from '../../../tests/shared-folder.js';
import type { Row } from '../row.js';
import type { Json, Stage, Units } from './stage.js';
import { graphOf, rightAnswers, type Trained, trainedOnce } from './trained-model.js';

/** One for all: what the published training did, as far as it goes in so few epochs. */
const training = {
  epochs: 8,
  batchSize: 32,
  learningRate: 1e-3,
  augment: { flip: true, shift: 3 },
  validationFraction: 0, // the last epoch is kept, whatever it came to
  batchNorm: true, // 85.9 % of the images kept out, 85.1 % without
} as const;
const seeds = [1, 2, 3];

export const resnet8Pruned: Stage = {
  name: 'resnet-8-pruned',
  title: 'ResNet-8 on CIFAR-10',
  async run(units) {
    if (withoutShared) return [{ skipped: 'needs ../shared' }];
    const images = await openImages();
    const rows: Row[] = [];
    for (const seed of seeds) {
      const float = await graphOf(await floatModel(units, images, seed));
      rows.push(await scored(units, images, seed, 'float', float));
      rows.push(
        await scored(units, images, seed, 'pruned', await graphOf(await prunedModel(units, images, seed, float))),
      );
    }
    return rows;
  },
};

interface Images {
  readonly train: Dataset;
  readonly test: Dataset;
  readonly learned: readonly number[]; // of train
  readonly held: readonly number[]; // of train: for choices
}

async function openImages(): Promise<Images> {
  const [train, test] = [
    await openDataset(sharedPath('data/cifar10/cifar10_train_10000.bin')),
    await openDataset(sharedPath('data/cifar10/cifar10_test_2000.bin')),
  ];
  const held = stratifiedIndices(train, 1000, 1);
  const out = new Set(held);
  const learned = Array.from({ length: train.sampleCount }, (_, i) => i).filter((i) => !out.has(i));
  return { train, test, learned, held };
}

const published = async () => (await loadModel(sharedPath('models/pretrainedResnet.h5'))).graph;

const madeOf = (images: Images, seed: number): { readonly [key: string]: Json } => ({
  training,
  seed,
  data: images.train.sha256,
  learned: createHash('sha256').update(images.learned.join()).digest('hex').slice(0, 16),
});

/** Half of the MACs and half of the parameters leave, in fours, by the L2 norms of the tied filters; the rest is refitted. */
async function narrowed({ train, learned }: Images): Promise<Graph> {
  const graph = await published();
  const half = (name: string, measure: (graph: Graph) => number) => ({
    name,
    most: measure(graph) / 2,
    measure,
    saves: measure,
  });
  const budgets = [half('MACs', macsOf), half('parameters', parametersOf)];
  const pruned = pruneChannels(graph, { budgets, importance: 'l2', roundTo: 4, smallestShare: 0.25 });
  return refit(graph, pruned, train, { indices: learned });
}

/** Taught by the labels and by the float model of the same seed. */
const prunedModel = (units: Units, images: Images, seed: number, teacher: Graph): Promise<Trained> =>
  trainedOnce(units, `refitted-seed-${seed}`, madeOf(images, seed), () => narrowed(images), images.train, {
    ...training,
    seed,
    indices: images.learned,
    distill: { teacher },
  });

/** In float, and in INT8 calibrated on 500 images of the training. */
async function scored(units: Units, images: Images, seed: number, what: string, graph: Graph): Promise<Row> {
  const all = Array.from({ length: images.test.sampleCount }, (_, i) => i);
  const result = await units.once(
    `${what}-seed-${seed}-scored`,
    { model: trainingKey(graph), n: all.length },
    async () => {
      const calibration = stratifiedIndices(images.train, 500, seed, images.learned);
      const samples = calibration.map((index) => [Float32Array.from(images.train.sample(index))]);
      const { int8 } = await quantizeGraph(graph, samples, a8w8);
      return {
        float: await rightAnswers(graph, images.test, all),
        int8: await rightAnswers(int8, images.test, all),
        tflite: Buffer.from(emitTflite(int8)).toString('base64'),
      };
    },
  );
  const hits = (answers: string): number => answers.replaceAll('0', '').length;
  return {
    model: what,
    seed,
    MACs: macsOf(graph),
    parameters: parametersOf(graph),
    'float, right of 2000': hits(result.float),
    'INT8, right of 2000': hits(result.int8),
    '.tflite bytes': Buffer.from(result.tflite, 'base64').length,
  };
}

const floatModel = (units: Units, images: Images, seed: number): Promise<Trained> =>
  trainedOnce(units, `float-seed-${seed}-bn`, madeOf(images, seed), published, images.train, {
    ...training,
    seed,
    indices: images.learned,
  });
