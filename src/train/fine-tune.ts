/** Training of an existing model: what pruning or quantization has taken, most of it comes back. */
import type { Dataset } from '../core/dataset.js';
import { ThimbleError } from '../core/errors.js';
import type { Graph, Preprocessing } from '../core/graph.js';
import { seededRandom } from '../core/seeded-random.js';
import type { OnEvent } from '../core/stage-event.js';
import { type Augmentation, augmented } from './augment.js';
import { type CheckpointStore, trainingKey } from './checkpoint.js';
import { graphToTf, type TfGraphOptions } from './graph-to-tf.js';
import { checkTrainingData, readBatch, splitByClass } from './labelled-batches.js';
import { classCountOf, type Distillation, openTeacher } from './loss.js';
import { type StepQuantizer, Trainer } from './trainer.js';
import { trainingBackend } from './wasm-backend.js';

export interface FineTuneOptions extends TfGraphOptions {
  readonly epochs?: number; // 5
  readonly batchSize?: number; // 32
  readonly learningRate?: number; // 0.004 at its highest
  readonly schedule?: 'cosine' | 'constant'; // cosine: falls to 0
  readonly warmUp?: number; // 0: share of all steps in which the rate rises from 0
  readonly optimizer?: 'adam' | 'sgd'; // adam
  readonly momentum?: number; // 0.9, of sgd
  readonly weightDecay?: number; // 0
  readonly augment?: Augmentation | undefined;
  readonly distill?: Distillation | undefined;
  readonly seed?: number; // 1; the same seed gives the same weights
  readonly validationFraction?: number; // 0.1 of each class held out to choose the best epoch; 0 = keep the last
  readonly indices?: readonly number[]; // samples to use; all unless given
  readonly preprocessing?: Preprocessing | undefined;
  readonly checkpoint?: CheckpointStore | undefined; // after every epoch; the same training goes on from there
  readonly onEvent?: OnEvent | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Chosen on examples/digits with half of its channels pruned, by accuracy on its held-out digits: see its README. */
export const fineTuneDefaults = {
  epochs: 5,
  batchSize: 32,
  learningRate: 4e-3,
  schedule: 'cosine',
  warmUp: 0,
  optimizer: 'adam',
  momentum: 0.9,
  weightDecay: 0,
  seed: 1,
  validationFraction: 0.1,
} as const;

export type TrainingSettings = FineTuneOptions & {
  readonly [key in keyof typeof fineTuneDefaults]: NonNullable<FineTuneOptions[key]>;
};

export interface EpochRecord {
  readonly epoch: number; // 0 = before any training
  readonly loss: number | null; // mean over the epoch's batches; null at epoch 0
  readonly accuracy: number | null; // 0 … 1, on those batches
  readonly validationLoss: number | null; // mean cross-entropy; null without held-out samples
  readonly validationAccuracy: number | null;
}

export interface FineTuneResult {
  readonly graph: Graph; // of the best epoch: the lowest validation loss, epoch 0 included
  readonly history: readonly EpochRecord[];
  readonly bestEpoch: number;
}

/**
 * Trains a classifier on the cross-entropy of its logits (a final softmax is left out of the loss and kept in the
 * model). The validation samples come out of the given ones, class by class: no test data chooses anything.
 * @throws ThimbleError E_TRAINING (loss not finite, no class output, settings), E_DATA_SHAPE, E_DATA_EMPTY,
 *   E_DATA_FORMAT, E_UNSUPPORTED_OP, E_INTERRUPTED
 */
export function fineTune(graph: Graph, dataset: Dataset, options: FineTuneOptions = {}): Promise<FineTuneResult> {
  return train(graph, dataset, options, null, 'fine-tune');
}

/** fineTune, with a quantizer in the forward pass where one is given. @param stage the name that events carry */
export async function train(
  graph: Graph,
  dataset: Dataset,
  options: FineTuneOptions,
  quantizer: StepQuantizer | null,
  stage: string,
): Promise<FineTuneResult> {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const settings: TrainingSettings = { ...fineTuneDefaults, ...given };
  checkSettings(settings);
  const classes = classCountOf(graph);
  const indices = options.indices ?? Array.from({ length: dataset.sampleCount }, (_, i) => i);
  checkTrainingData(graph, dataset, indices, classes);
  const lib = await trainingBackend();
  const random = seededRandom(settings.seed);
  const { train: training, validation } = splitByClass(dataset, indices, settings.validationFraction, random);
  const model = graphToTf(lib, graph, options);
  const teacher = settings.distill ? openTeacher(lib, graph, settings.distill) : null;
  const read = (batch: readonly number[], chance: (() => number) | null) => {
    const { augment, preprocessing } = settings;
    const change =
      augment && chance
        ? (values: Float32Array): Float32Array => augmented(values, dataset.shape, augment, chance)
        : undefined;
    return readBatch(dataset, batch, preprocessing, change);
  };
  try {
    const trainer = new Trainer({ lib, model, graph, classes, settings, teacher, quantizer, stage, read });
    return await trainer.run(training, validation, random, keyOf(graph, dataset, indices, settings, stage));
  } finally {
    model.dispose();
    teacher?.dispose();
  }
}

function keyOf(graph: Graph, data: Dataset, indices: readonly number[], settings: TrainingSettings, stage: string) {
  if (!settings.checkpoint) return '';
  const { onEvent, signal, checkpoint, distill, ...plain } = settings;
  const teacher = distill && { ...distill, teacher: trainingKey(distill.teacher) };
  return trainingKey(graph, stage, data.sha256, data.sampleCount, [...indices], plain, teacher ?? null);
}

function checkSettings(settings: TrainingSettings): void {
  const { epochs, batchSize, learningRate, validationFraction, warmUp, momentum, weightDecay, distill } = settings;
  const { temperature = 1, alpha = 0 } = distill ?? {};
  const share = (what: string, value: number): string =>
    value >= 0 && value < 1 ? '' : `${what} must lie in 0 … 1, not ${value}`;
  const faults = [
    Number.isInteger(epochs) && epochs >= 0 ? '' : `epochs must be a whole number from 0 on, not ${epochs}`,
    Number.isInteger(batchSize) && batchSize >= 1
      ? ''
      : `batch size must be a whole number from 1 on, not ${batchSize}`,
    learningRate > 0 && learningRate <= 1 ? '' : `learning rate must lie in 0 … 1, not ${learningRate}`,
    share('validation fraction', validationFraction),
    share('warm-up', warmUp),
    share('momentum', momentum),
    share('weight decay', weightDecay),
    temperature > 0 ? '' : `the temperature of distillation must be above 0, not ${temperature}`,
    alpha >= 0 && alpha <= 1 ? '' : `the teacher’s share of the loss must lie in 0 … 1, not ${alpha}`,
    settings.batchNorm && settings.codebooks?.size
      ? 'batch normalization would leave the codebook of clustered weights'
      : '',
  ].filter((fault) => fault !== '');
  if (faults.length > 0) throw new ThimbleError('E_TRAINING', faults.join('; '), 'The defaults do for most models.');
}
