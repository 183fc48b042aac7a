/**
 * Quantization-aware training: the graph computes with weights and activations moved to the very values that the plan's
 * integers stand for, and learns to live with them. Rounding counts as the identity for the gradient (straight-through
 * estimator). Batch normalization is folded before, so that the weights that are rounded are those that will be stored.
 */
import type { Dataset } from '../core/dataset.js';
import { preprocessSample } from '../core/encode-sample.js';
import { ThimbleError } from '../core/errors.js';
import type { Graph, Preprocessing } from '../core/graph.js';
import { applyPlan } from '../quantize/apply-plan.js';
import type { Sample } from '../quantize/calibrate.js';
import { prepared } from '../quantize/quantizable.js';
import { type Quantized, quantizeGraph } from '../quantize/quantize-graph.js';
import type { Recipe } from '../quantize/recipe.js';
import { withoutOpen } from '../quantize/training-choices.js';
import { type EpochRecord, type FineTuneOptions, train } from './fine-tune.js';
import { PlannedQuantizer } from './planned-quantizer.js';

export interface QuantizeAwareOptions extends FineTuneOptions {
  /** Samples of `dataset` that set the first ranges; by default up to 500 of those that train. */
  readonly calibration?: readonly number[];
}

/** What `quantizeGraph` gives, trained. `float` holds the weights before rounding: applyPlan(float, plan) is `int8`. */
export interface QuantizedAware extends Quantized {
  readonly history: readonly EpochRecord[]; // loss and accuracy under fake quantization; epoch 0 = without training
  readonly bestEpoch: number;
}

/**
 * Chosen on held-out training images of CIFAR-10 (ResNet-8): the rate is a quarter of that of fine-tuning, since
 * nothing was taken away.
 */
export const qatDefaults = {
  epochs: 3,
  learningRate: 1e-3,
  ranges: 'moving-average',
  rangeMomentum: 0.99,
} as const;

/**
 * Calibrates, trains with fake quantization and quantizes. The best epoch is chosen on samples held out of those that
 * train; epoch 0 takes part, so that training that only harms changes nothing.
 * @param recipe its `qat` says how to train; what it leaves open, and `qat` itself, may be left out
 * @param options win over the recipe
 * @throws ThimbleError as quantizeGraph and fineTune
 */
export async function quantizeAware(
  graph: Graph,
  dataset: Dataset,
  recipe: Recipe,
  options: QuantizeAwareOptions = {},
): Promise<QuantizedAware> {
  if (options.batchNorm)
    throw new ThimbleError(
      'E_TRAINING',
      'quantization-aware training works on folded batch normalization',
      'Leave batchNorm out of qat; the training before it may use it.',
    );
  const { ranges, rangeMomentum, distill, ...choices } = { ...qatDefaults, ...withoutOpen(recipe.qat ?? {}) };
  const settings = {
    ...choices,
    ...withoutOpen(options),
    ...(distill && { distill: { teacher: graph, ...distill, ...options.distill } }),
  };
  const { preprocessing, onEvent, signal } = options;
  const training = options.indices ?? Array.from({ length: dataset.sampleCount }, (_, i) => i);
  const calibration = options.calibration ?? training.slice(0, 500);
  const samples = samplesOf(dataset, calibration, preprocessing, signal);
  const before = await quantizeGraph(graph, samples, recipe, { onEvent, signal, sampleCount: calibration.length });
  const own = prepared(before.float);
  const momentum = ranges === 'calibrated' ? null : (rangeMomentum ?? qatDefaults.rangeMomentum);
  const quantizer = new PlannedQuantizer(before.stats, recipe, momentum);
  const trained = await train(own, dataset, settings as FineTuneOptions, quantizer, 'qat');
  const { history, bestEpoch } = trained;
  if (bestEpoch === 0) return { ...before, history, bestEpoch };
  const plan = quantizer.plan(trained.graph);
  return {
    ...before,
    float: trained.graph,
    int8: applyPlan(trained.graph, plan),
    plan,
    stats: quantizer.stats(),
    history,
    bestEpoch,
  };
}

/** Yields between samples, so that bars are drawn and Ctrl-C is heard. */
async function* samplesOf(
  dataset: Dataset,
  indices: readonly number[],
  preprocessing: Preprocessing | undefined,
  signal: AbortSignal | undefined,
): AsyncIterable<Sample> {
  for (const [k, index] of indices.entries()) {
    if (k % 16 === 0) await new Promise(setImmediate);
    if (signal?.aborted) throw new ThimbleError('E_INTERRUPTED', `stopped while calibrating, after ${k} samples`, []);
    yield [preprocessSample(dataset.sample(index), preprocessing)];
  }
}
