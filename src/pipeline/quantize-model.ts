/** A float model to integers by a recipe, over the samples that were chosen for it; with training, where it says so. */
import { join } from 'node:path';
import type { Dataset } from '../core/dataset.js';
import { preprocessSample } from '../core/encode-sample.js';
import { ThimbleError } from '../core/errors.js';
import type { Graph, Preprocessing } from '../core/graph.js';
import type { OnEvent } from '../core/stage-event.js';
import type { Sample } from '../quantize/calibrate.js';
import { type Quantized, quantizeGraph } from '../quantize/quantize-graph.js';
import type { Recipe } from '../quantize/recipe.js';
import { withoutOpen } from '../quantize/training-choices.js';
import { checkpointIn } from '../train/checkpoint.js';
import type { EpochRecord } from '../train/fine-tune.js';
import { integerAgreement, type LayerAgreement } from '../train/integer-agreement.js';
import { quantizeAware } from '../train/quantize-aware.js';
import type { SampleChoice } from './sample-choice.js';

/** What flags say of training and of the run as a whole. */
export interface RunOptions {
  readonly epochs?: number | undefined; // of all training; otherwise the recipe's, or the defaults
  readonly learningRate?: number | undefined;
  readonly seed: number;
  /** A folder for the state of trainings: one that was stopped goes on there. Removed by the caller when all is written. */
  readonly checkpoints?: string | undefined;
  readonly onEvent?: OnEvent | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What quantization-aware training did, and how near it was to the integers. */
export interface QatReport {
  readonly history: readonly EpochRecord[];
  readonly bestEpoch: number; // 0: training did not help, and the model is quantized as it was
  readonly agreement: readonly LayerAgreement[]; // with the int8 reference, over some calibration samples
}

export interface QuantizedModel {
  readonly quantized: Quantized;
  readonly qat: QatReport | null;
}

/** A float model on its way, and the samples it is quantized with. */
export interface QuantizeInput {
  readonly float: Graph;
  readonly original: Graph; // before pruning: a teacher
  readonly data: Dataset;
  readonly choice: SampleChoice;
  readonly preprocessing: Preprocessing | undefined;
}

/** Fake quantization is held against the integers on so many samples: a share of equal bytes to four digits. */
const COMPARED_SAMPLES = 16;

/**
 * With the recipe's `qat` the graph is trained on the way.
 * @throws ThimbleError as quantizeGraph and quantizeAware; E_TRAINING for data without labels
 */
export async function quantizeModel(
  input: QuantizeInput,
  recipe: Recipe,
  options: RunOptions,
): Promise<QuantizedModel> {
  const { float, original, data, choice, preprocessing } = input;
  const { onEvent, signal } = options;
  const sampleCount = choice.calibration.length;
  if (!recipe.qat) {
    const samples = calibrationSamples(input, signal);
    return { quantized: await quantizeGraph(float, samples, recipe, { onEvent, signal, sampleCount }), qat: null };
  }
  if (choice.training.length === 0) throw noLabels(recipe.name, data);
  const { distill } = recipe.qat;
  const quantized = await quantizeAware(float, data, recipe, {
    ...(distill && { distill: { teacher: original, ...withoutOpen(distill) } }),
    ...trainingOptions(options, 'qat'),
    indices: choice.training,
    calibration: choice.calibration,
    preprocessing,
  });
  const some = choice.calibration.slice(0, COMPARED_SAMPLES);
  const inputs = some.map((index) => preprocessSample(data.sample(index), preprocessing));
  const agreement = await integerAgreement(quantized.float, quantized.plan, quantized.int8, inputs);
  return { quantized, qat: { history: quantized.history, bestEpoch: quantized.bestEpoch, agreement } };
}

/** What flags say of every training; a flag that is not given leaves the recipe's word. */
export const trainingOptions = (options: RunOptions, name: string) => ({
  ...withoutOpen({ epochs: options.epochs, learningRate: options.learningRate }),
  seed: options.seed,
  onEvent: options.onEvent,
  signal: options.signal,
  checkpoint: options.checkpoints === undefined ? undefined : checkpointIn(join(options.checkpoints, name)),
});

export const noLabels = (recipe: string, data: Dataset): ThimbleError =>
  new ThimbleError('E_TRAINING', `"${recipe}" trains, and "${data.name}" has no labels to learn from`, [
    'Give labelled data: a label column, class-named folders, or an array of labels.',
    'Or a recipe without training, such as a8w8.',
  ]);

/** Yields between samples, so that bars are drawn and Ctrl-C is heard. */
export async function* calibrationSamples(
  { data, choice, preprocessing }: Pick<QuantizeInput, 'data' | 'choice' | 'preprocessing'>,
  signal?: AbortSignal | undefined,
): AsyncIterable<Sample> {
  for (const [k, index] of choice.calibration.entries()) {
    if (k % 16 === 0) await new Promise(setImmediate);
    if (signal?.aborted) throw new ThimbleError('E_INTERRUPTED', `stopped while calibrating, after ${k} samples`, []);
    yield [preprocessSample(data.sample(index), preprocessing)];
  }
}
