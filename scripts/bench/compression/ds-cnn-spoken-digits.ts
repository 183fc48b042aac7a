/**
 * A keyword spotter on spoken digits, trained from scratch: four speakers teach, two others score. A tenth of the
 * clips of the four is kept out of training: choices are made on it, none on the two.
 */
import type { Dataset } from '../../../src/core/dataset.js';
import { stratifiedIndices } from '../../../src/datasets/index.js';
import { macsOf, parametersOf } from '../../../src/passes/prune-channels.js';
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
const seeds = [1, 2, 3];

export const dsCnnSpokenDigits: Stage = {
  name: 'ds-cnn-spoken-digits',
  title: 'DS-CNN on spoken digits: 4 speakers train, 2 others test',
  async run(units) {
    if (withoutShared) return [{ skipped: 'needs ../shared' }];
    const clips = openClips();
    const rows: Row[] = [];
    for (const seed of seeds) {
      const graph = await graphOf(await floatModel(units, clips, seed));
      const all = Array.from({ length: clips.test.sampleCount }, (_, i) => i);
      const hits = (answers: string): number => answers.replaceAll('0', '').length;
      rows.push({
        seed,
        MACs: macsOf(graph),
        parameters: parametersOf(graph),
        [`kept out, right of ${clips.held.length}`]: hits(await rightAnswers(graph, clips.train, clips.held)),
        [`test, right of ${all.length}`]: hits(await rightAnswers(graph, clips.test, all)),
      });
    }
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
