/** A short training of an existing model: what pruning has taken, most of it comes back. */
import type * as tf from '@tensorflow/tfjs';
import type { Dataset } from '../core/dataset.js';
import { ThimbleError } from '../core/errors.js';
import { type Graph, type Preprocessing, producerOf, tensorOf } from '../core/graph.js';
import { seededRandom, shuffled } from '../core/seeded-random.js';
import type { OnEvent } from '../core/stage-event.js';
import { graphToTf, type TfGraph } from './graph-to-tf.js';
import type { TF } from './kernels/heap.js';
import { checkTrainingData, readBatch, splitByClass } from './labelled-batches.js';
import { wasmBackend } from './wasm-backend.js';

export interface FineTuneOptions {
  readonly epochs?: number; // 5
  readonly batchSize?: number; // 32
  readonly learningRate?: number; // 0.004 at the start, falls to 0 along a cosine
  readonly seed?: number; // 1; the same seed gives the same weights
  readonly validationFraction?: number; // 0.1 of each class held out to choose the best epoch; 0 = keep the last
  readonly indices?: readonly number[]; // samples to use; all unless given
  readonly preprocessing?: Preprocessing | undefined;
  readonly onEvent?: OnEvent | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Chosen on examples/digits with half of its channels pruned, by accuracy on its held-out digits: see its README. */
export const fineTuneDefaults = {
  epochs: 5,
  batchSize: 32,
  learningRate: 4e-3,
  seed: 1,
  validationFraction: 0.1,
} as const;

export interface EpochRecord {
  readonly epoch: number; // 0 = before any training
  readonly loss: number | null; // mean cross-entropy over the epoch's batches; null at epoch 0
  readonly accuracy: number | null; // 0 … 1, on those batches
  readonly validationLoss: number | null; // null without held-out samples
  readonly validationAccuracy: number | null;
}

export interface FineTuneResult {
  readonly graph: Graph; // of the best epoch: the lowest validation loss, epoch 0 included
  readonly history: readonly EpochRecord[];
  readonly bestEpoch: number;
}

interface Measure {
  readonly loss: number;
  readonly accuracy: number;
}

/**
 * Trains a classifier with Adam on the cross-entropy of its logits (a final softmax is left out of the loss and kept in
 * the model). The validation samples come out of the given ones, class by class: no test data chooses anything.
 * @throws ThimbleError E_TRAINING (loss not finite, no class output), E_DATA_SHAPE, E_DATA_EMPTY, E_DATA_FORMAT,
 *   E_UNSUPPORTED_OP, E_INTERRUPTED
 */
export async function fineTune(graph: Graph, dataset: Dataset, options: FineTuneOptions = {}): Promise<FineTuneResult> {
  const settings = { ...fineTuneDefaults, ...options };
  checkSettings(settings);
  const classes = classCountOf(graph);
  const indices = options.indices ?? Array.from({ length: dataset.sampleCount }, (_, i) => i);
  checkTrainingData(graph, dataset, indices, classes);
  const lib = await wasmBackend();
  const random = seededRandom(settings.seed);
  const { train, validation } = splitByClass(dataset, indices, settings.validationFraction, random);
  const model = graphToTf(lib, graph);
  try {
    const trainer = new Trainer(lib, model, graph, dataset, classes, settings);
    return await trainer.run(train, validation, random);
  } finally {
    model.dispose();
  }
}

type Settings = FineTuneOptions & Required<Pick<FineTuneOptions, 'epochs' | 'batchSize' | 'learningRate'>>;

/** One fine-tuning under way. */
class Trainer {
  private readonly optimizer: tf.AdamOptimizer;
  private readonly logits: string;

  constructor(
    private readonly lib: TF,
    private readonly model: TfGraph,
    private readonly graph: Graph,
    private readonly dataset: Dataset,
    private readonly classes: number,
    private readonly settings: Settings,
  ) {
    this.optimizer = lib.train.adam(settings.learningRate);
    this.logits = logitsOf(graph);
  }

  async run(train: readonly number[], validation: readonly number[], random: () => number): Promise<FineTuneResult> {
    const history: EpochRecord[] = [];
    const record = async (epoch: number, trained: Measure | null): Promise<EpochRecord> => {
      const held = validation.length > 0 ? await this.measure(validation) : null;
      const entry: EpochRecord = {
        epoch,
        loss: trained?.loss ?? null,
        accuracy: trained?.accuracy ?? null,
        validationLoss: held?.loss ?? null,
        validationAccuracy: held?.accuracy ?? null,
      };
      history.push(entry);
      this.settings.onEvent?.({ stage: 'fine-tune', message: epochText(entry, this.settings.epochs) });
      return entry;
    };
    try {
      let best = { entry: await record(0, null), graph: this.graph };
      for (let epoch = 1; epoch <= this.settings.epochs; epoch++) {
        const entry = await record(epoch, await this.epoch(epoch, shuffled(train, random)));
        const better = (entry.validationLoss ?? 0) <= (best.entry.validationLoss ?? 0);
        if (better) best = { entry, graph: this.model.toGraph() };
      }
      return { graph: best.graph, history, bestEpoch: best.entry.epoch };
    } finally {
      this.optimizer.dispose();
    }
  }

  private async epoch(epoch: number, order: readonly number[]): Promise<Measure> {
    const { epochs, batchSize, learningRate, onEvent } = this.settings;
    const batches = Math.ceil(order.length / batchSize);
    let [loss, hits] = [0, 0];
    for (let step = 0; step < batches; step++) {
      await this.pause();
      const [done, total] = [(epoch - 1) * batches + step, epochs * batches];
      // `learningRate` is protected in the typings only; the library's own callbacks set it, too.
      (this.optimizer as unknown as { learningRate: number }).learningRate =
        (learningRate * (1 + Math.cos((Math.PI * done) / total))) / 2;
      const batch = order.slice(step * batchSize, (step + 1) * batchSize);
      const measured = this.step(batch);
      if (!Number.isFinite(measured.loss)) throw diverged(epoch, step + 1, learningRate);
      loss += measured.loss * batch.length;
      hits += measured.accuracy * batch.length;
      onEvent?.({ stage: 'fine-tune', done: done + 1, total, values: { loss: measured.loss } });
    }
    return { loss: loss / order.length, accuracy: hits / order.length };
  }

  /** One batch: its loss and accuracy before the weights move. */
  private step(batch: readonly number[]): Measure {
    return this.lib.tidy(() => {
      const [x, labels] = this.inputsOf(batch);
      let logits: tf.Tensor | undefined;
      const loss = this.optimizer.minimize(
        () => {
          logits = this.lib.keep(this.forward(x, batch.length)); // minimize tidies up after itself
          return this.crossEntropy(logits, labels);
        },
        true,
        [...this.model.variables],
      );
      const accuracy = hitRate(logits!.dataSync<'float32'>(), labels);
      logits!.dispose();
      return { loss: loss!.dataSync()[0]!, accuracy };
    });
  }

  private async measure(indices: readonly number[]): Promise<Measure> {
    const size = 256; // nothing is kept for gradients: larger batches are faster
    let [loss, hits] = [0, 0];
    for (let begin = 0; begin < indices.length; begin += size) {
      await this.pause();
      const batch = indices.slice(begin, begin + size);
      this.lib.tidy(() => {
        const [x, labels] = this.inputsOf(batch);
        const logits = this.forward(x, batch.length);
        loss += this.crossEntropy(logits, labels).dataSync()[0]! * batch.length;
        hits += hitRate(logits.dataSync<'float32'>(), labels) * batch.length;
      });
    }
    return { loss: loss / indices.length, accuracy: hits / indices.length };
  }

  private inputsOf(batch: readonly number[]): [tf.Tensor, Int32Array] {
    const { values, labels } = readBatch(this.dataset, batch, this.settings.preprocessing);
    const [, ...shape] = tensorOf(this.graph, this.graph.inputs[0]!).shape;
    return [this.lib.tensor(values, [batch.length, ...shape]), labels];
  }

  private forward(x: tf.Tensor, batch: number): tf.Tensor {
    return this.lib.reshape(this.model.forward([x], [this.logits])[0]!, [batch, this.classes]);
  }

  private crossEntropy(logits: tf.Tensor, labels: Int32Array): tf.Scalar {
    const wanted = new Float32Array(labels.length * this.classes);
    for (const [row, label] of labels.entries()) wanted[row * this.classes + label] = 1;
    return this.lib.losses.softmaxCrossEntropy(this.lib.tensor2d(wanted, [labels.length, this.classes]), logits);
  }

  /** Lets Ctrl-C and other work in between two batches. */
  private async pause(): Promise<void> {
    await new Promise((resume) => setImmediate(resume));
    if (this.settings.signal?.aborted)
      throw new ThimbleError('E_INTERRUPTED', 'fine-tuning was interrupted; the model is unchanged', []);
  }
}

/** The tensor before the final softmax: cross-entropy of logits keeps its precision where probabilities reach 0 and 1. */
function logitsOf(graph: Graph): string {
  const [output] = graph.outputs;
  const last = producerOf(graph, output!);
  return last?.op === 'softmax' && last.attrs['beta'] === 1 ? last.inputs[0]! : output!;
}

function classCountOf(graph: Graph): number {
  const [output] = graph.outputs;
  const shape = graph.outputs.length === 1 ? tensorOf(graph, output!).shape : [];
  const classes = shape.at(-1) ?? 0;
  if (graph.inputs.length === 1 && classes > 1 && shape.slice(0, -1).every((size) => size === 1)) return classes;
  throw new ThimbleError(
    'E_TRAINING',
    `"${graph.name}" is no classifier with one input and one output of several classes`,
    'Fine-tune it in the framework that made it; Thimble trains classifiers only.',
    { where: `at the outputs ${graph.outputs.map((name) => `"${name}"`).join(', ')}` },
  );
}

function checkSettings({ epochs, batchSize, learningRate, validationFraction = 0 }: Settings): void {
  const faults = [
    Number.isInteger(epochs) && epochs >= 0 ? '' : `epochs must be a whole number from 0 on, not ${epochs}`,
    Number.isInteger(batchSize) && batchSize >= 1
      ? ''
      : `batch size must be a whole number from 1 on, not ${batchSize}`,
    learningRate > 0 && learningRate <= 1 ? '' : `learning rate must lie in 0 … 1, not ${learningRate}`,
    validationFraction >= 0 && validationFraction < 1
      ? ''
      : `validation fraction must lie in 0 … 1, not ${validationFraction}`,
  ].filter((fault) => fault !== '');
  if (faults.length > 0) throw new ThimbleError('E_TRAINING', faults.join('; '), 'The defaults do for most models.');
}

const diverged = (epoch: number, batch: number, learningRate: number): ThimbleError =>
  new ThimbleError(
    'E_TRAINING',
    `the loss is no longer a finite number; the model is unchanged`,
    [
      `Try a smaller learning rate, such as ${learningRate / 10}.`,
      'Check that the data has the unit the model was trained on: --scale, or thimble.config.json.',
    ],
    { where: `in epoch ${epoch}, batch ${batch}` },
  );

/** The share of rows whose largest value stands at the label. */
function hitRate(logits: Float32Array, labels: Int32Array): number {
  const classes = logits.length / labels.length;
  let hits = 0;
  for (const [row, label] of labels.entries()) {
    const scores = logits.subarray(row * classes, (row + 1) * classes);
    if (scores.indexOf(scores.reduce((a, b) => Math.max(a, b))) === label) hits++;
  }
  return hits / labels.length;
}

function epochText({ epoch, loss, accuracy, validationLoss, validationAccuracy }: EpochRecord, epochs: number): string {
  const pair = (l: number, a: number): string => `loss ${l.toFixed(4)}, accuracy ${(100 * a).toFixed(2)} %`;
  const trained = loss !== null && accuracy !== null ? pair(loss, accuracy) : 'before training';
  const held =
    validationLoss !== null && validationAccuracy !== null
      ? `; held out: ${pair(validationLoss, validationAccuracy)}`
      : '';
  return `epoch ${epoch} of ${epochs}: ${trained}${held}`;
}
