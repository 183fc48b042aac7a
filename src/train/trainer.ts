/** The loop of a training: epochs of batches, a measure on held-out samples after each, the best epoch kept. */
import type * as tf from '@tensorflow/tfjs';
import { ThimbleError } from '../core/errors.js';
import { type Graph, tensorOf } from '../core/graph.js';
import { seededRandom, shuffled } from '../core/seeded-random.js';
import type { EpochRecord, FineTuneResult, TrainingSettings } from './fine-tune.js';
import type { ForwardOptions, ForwardQuantizer, TfGraph } from './graph-to-tf.js';
import type { TF } from './kernels/heap.js';
import type { Batch } from './labelled-batches.js';
import { crossEntropy, hitRate, labelLosses, logitsOf, type Teacher } from './loss.js';
import { createOptimizer, type Optimizer, scheduleFactor } from './optimizer.js';

/** Fake quantization while training: parameters are chosen anew before every step, from the weights of now. */
export interface StepQuantizer {
  /** @param learn whether ranges may follow what passes through */
  forStep(lib: TF, graph: Graph, learn: boolean): ForwardQuantizer;
  /** Plain JSON for a checkpoint. */
  state(): unknown;
  restore(state: unknown): void;
}

export interface TrainerParts {
  readonly lib: TF;
  readonly model: TfGraph;
  readonly graph: Graph;
  readonly classes: number;
  readonly settings: TrainingSettings;
  readonly teacher: Teacher | null;
  readonly quantizer: StepQuantizer | null;
  readonly stage: string; // the name that events carry
  /** @param chance for augmentation; null = the samples as they are */
  readonly read: (indices: readonly number[], chance: (() => number) | null) => Batch;
}

interface Measure {
  readonly loss: number;
  readonly accuracy: number;
}

/** On held-out samples. */
interface HeldMeasure extends Measure {
  readonly losses: Float64Array; // of each sample
}

interface Best {
  readonly entry: EpochRecord;
  readonly losses: Float64Array | null; // of the held-out samples; null where there are none
  readonly snapshot: readonly Float32Array[];
  readonly extra: unknown; // the quantizer's state
}

interface Recorded {
  readonly entry: EpochRecord;
  readonly losses: Float64Array | null;
}

const Z95 = 1.96; // standard errors to the end of a 95 % interval

// Nothing is kept for gradients while measuring: larger batches are faster.
const MEASURING_BATCH = 256;

export class Trainer {
  private readonly optimizer: Optimizer;
  private readonly logits: string;

  constructor(private readonly parts: TrainerParts) {
    this.optimizer = createOptimizer(parts.settings);
    this.logits = logitsOf(parts.graph);
  }

  /** @param key of the training's checkpoint */
  async run(
    train: readonly number[],
    validation: readonly number[],
    random: () => number,
    key: string,
  ): Promise<FineTuneResult> {
    const { model, settings, quantizer } = this.parts;
    if (settings.batchNorm) this.observe(train);
    const history: EpochRecord[] = [];
    let best = this.resumed(key, history);
    const keepBest = ({ entry, losses }: Recorded): boolean => {
      const better = !best || this.isBetter(entry, losses, best);
      if (better) best = { entry, losses, snapshot: model.snapshot(), extra: quantizer?.state() };
      this.save(key, history, best!, better);
      return better;
    };
    if (!best) keepBest(await this.record(history, 0, null, validation));
    for (let epoch = 1; epoch <= settings.epochs; epoch++) {
      const order = shuffled(train, random); // drawn for epochs that are done, too: chance goes on where it stopped
      if (epoch < history.length) continue;
      keepBest(await this.record(history, epoch, await this.epoch(epoch, order), validation));
    }
    model.restore(best!.snapshot);
    quantizer?.restore(best!.extra);
    const constrained = (settings.masks?.size ?? 0) + (settings.codebooks?.size ?? 0) > 0;
    const graph = best!.entry.epoch === 0 && !constrained ? this.parts.graph : model.toGraph();
    return { graph, history, bestEpoch: best!.entry.epoch };
  }

  /**
   * With a quantizer, epoch 0 is a model that needs no training: it stands unless the held-out loss falls by more than
   * chance explains. Training moves what the model says of data unlike that which trains it, and nothing held out of the
   * same data shows that.
   */
  private isBetter(entry: EpochRecord, losses: Float64Array | null, best: Best): boolean {
    if (!losses || !best.losses) return true;
    if (this.parts.quantizer && best.entry.epoch === 0) return fallsBeyondChance(best.losses, losses);
    return entry.validationLoss! <= best.entry.validationLoss!;
  }

  private resumed(key: string, history: EpochRecord[]): Best | undefined {
    const { model, settings, quantizer, stage } = this.parts;
    const kept = settings.checkpoint?.load(key);
    if (!kept) return undefined;
    const { best, last, extra } = kept;
    history.push(...kept.history);
    model.restore(last);
    this.optimizer.restore(kept.optimizer);
    const { atBest, atLast, losses } = extra as { atBest: unknown; atLast: unknown; losses: number[] | null };
    quantizer?.restore(atLast);
    settings.onEvent?.({ stage, message: `goes on after epoch ${kept.history.length - 1} of an earlier run` });
    const entry = kept.history.find(({ epoch }) => epoch === kept.bestEpoch)!;
    return { entry, losses: losses && Float64Array.from(losses), snapshot: best, extra: atBest };
  }

  private save(key: string, history: readonly EpochRecord[], best: Best, isNew: boolean): void {
    const { model, settings, quantizer } = this.parts;
    if (!settings.checkpoint) return;
    const checkpoint = {
      history,
      bestEpoch: best.entry.epoch,
      best: best.snapshot,
      last: model.snapshot(),
      optimizer: this.optimizer.state(),
      extra: {
        atBest: best.extra ?? null,
        atLast: quantizer?.state() ?? null,
        losses: best.losses && [...best.losses],
      },
    };
    settings.checkpoint.save(key, checkpoint, isNew ? model.toGraph() : null);
  }

  /** Lets batch normalization see what passes through the layers, in a batch that memory can hold. */
  private observe(train: readonly number[]): void {
    const { lib, read, settings } = this.parts;
    const sample = shuffled(train, seededRandom(settings.seed)).slice(0, MEASURING_BATCH);
    lib.tidy(() => {
      const [x] = this.inputsOf(read(sample, null));
      this.forward(x, sample.length, { norms: 'observe' });
    });
  }

  private async record(
    history: EpochRecord[],
    epoch: number,
    trained: Measure | null,
    validation: readonly number[],
  ): Promise<Recorded> {
    const { settings, stage } = this.parts;
    const held = validation.length > 0 ? await this.measure(validation) : null;
    const entry: EpochRecord = {
      epoch,
      loss: trained?.loss ?? null,
      accuracy: trained?.accuracy ?? null,
      validationLoss: held?.loss ?? null,
      validationAccuracy: held?.accuracy ?? null,
    };
    history.push(entry);
    settings.onEvent?.({ stage, message: epochText(entry, settings.epochs) });
    return { entry, losses: held?.losses ?? null };
  }

  private async epoch(epoch: number, order: readonly number[]): Promise<Measure> {
    const { settings, stage, read } = this.parts;
    const { epochs, batchSize, learningRate, onEvent, seed } = settings;
    const chance = seededRandom(seed + 7919 * epoch); // of augmentation: an epoch's own, so that it can be resumed
    const batches = Math.ceil(order.length / batchSize);
    let [loss, hits, seen] = [0, 0, 0];
    for (let step = 0; step < batches; step++) {
      await this.pause();
      const [done, total] = [(epoch - 1) * batches + step, epochs * batches];
      const batch = order.slice(step * batchSize, (step + 1) * batchSize);
      const measured = this.step(read(batch, chance), learningRate * scheduleFactor(settings, done, total));
      if (!Number.isFinite(measured.loss)) throw diverged(epoch, step + 1, learningRate);
      loss += measured.loss * batch.length;
      hits += measured.accuracy * batch.length;
      seen += batch.length;
      onEvent?.({ stage, done: done + 1, total, values: { loss: loss / seen, accuracy: hits / seen } });
    }
    return { loss: loss / order.length, accuracy: hits / order.length };
  }

  /** One batch: its loss and accuracy before the weights move. */
  private step(batch: Batch, learningRate: number): Measure {
    const { lib, model, teacher, quantizer } = this.parts;
    return lib.tidy(() => {
      const [x, labels] = this.inputsOf(batch);
      const forStep = quantizer?.forStep(lib, model.toGraph(), true);
      let logits: tf.Tensor | undefined;
      const { value, grads } = lib.variableGrads(() => {
        logits = lib.keep(this.forward(x, labels.length, { norms: 'train', quantizer: forStep }));
        return teacher ? teacher.loss(x, logits, labels) : crossEntropy(lib, logits, labels);
      }, [...model.variables]);
      const loss = value.dataSync()[0]!;
      if (Number.isFinite(loss)) this.move(grads, learningRate);
      const accuracy = hitRate(logits!.dataSync<'float32'>(), labels);
      logits!.dispose();
      return { loss, accuracy };
    });
  }

  private move(gradients: tf.NamedTensorMap, learningRate: number): void {
    const { lib, model } = this.parts;
    for (const [index, variable] of model.variables.entries()) {
      const gradient = gradients[variable.name]?.dataSync<'float32'>();
      if (!gradient) continue; // of a layer that the logits do not depend on
      const values = variable.dataSync<'float32'>().slice();
      this.optimizer.move(index, values, gradient, learningRate);
      variable.assign(lib.tensor(values, variable.shape));
    }
    this.optimizer.stepDone();
  }

  private async measure(indices: readonly number[]): Promise<HeldMeasure> {
    const { lib, model, quantizer, read } = this.parts;
    const forAll = quantizer?.forStep(lib, model.toGraph(), false);
    const losses = new Float64Array(indices.length);
    let hits = 0;
    for (let begin = 0; begin < indices.length; begin += MEASURING_BATCH) {
      await this.pause();
      const batch = indices.slice(begin, begin + MEASURING_BATCH);
      lib.tidy(() => {
        const [x, labels] = this.inputsOf(read(batch, null));
        const logits = this.forward(x, batch.length, { quantizer: forAll }).dataSync<'float32'>();
        losses.set(labelLosses(logits, labels), begin);
        hits += hitRate(logits, labels) * batch.length;
      });
    }
    const loss = losses.reduce((sum, each) => sum + each, 0) / indices.length;
    return { loss, accuracy: hits / indices.length, losses };
  }

  private inputsOf({ values, labels }: Batch): [tf.Tensor, Int32Array] {
    const { lib, graph } = this.parts;
    const [, ...shape] = tensorOf(graph, graph.inputs[0]!).shape;
    return [lib.tensor(values, [labels.length, ...shape]), labels];
  }

  private forward(x: tf.Tensor, batch: number, options: ForwardOptions): tf.Tensor {
    const [logits] = this.parts.model.forward([x], [this.logits], options);
    return this.parts.lib.reshape(logits!, [batch, this.parts.classes]);
  }

  /** Lets Ctrl-C and other work in between two batches. */
  private async pause(): Promise<void> {
    await new Promise((resume) => setImmediate(resume));
    const { signal, checkpoint } = this.parts.settings;
    if (!signal?.aborted) return;
    if (checkpoint)
      throw new ThimbleError('E_INTERRUPTED', 'training was interrupted', [
        'The same command goes on after the last whole epoch.',
        `The best epoch so far, as a float model: ${checkpoint.bestFile}`,
      ]);
    throw new ThimbleError('E_INTERRUPTED', 'training was interrupted; the model is unchanged', []);
  }
}

/** Whether the 95 % interval of the mean of before − after, sample by sample, lies above 0. */
export function fallsBeyondChance(before: Float64Array, after: Float64Array): boolean {
  const n = before.length;
  const falls = before.map((loss, i) => loss - after[i]!);
  const mean = falls.reduce((sum, each) => sum + each, 0) / n;
  const variance = falls.reduce((sum, each) => sum + (each - mean) ** 2, 0) / Math.max(n - 1, 1);
  return mean > Z95 * Math.sqrt(variance / n);
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

function epochText({ epoch, loss, accuracy, validationLoss, validationAccuracy }: EpochRecord, epochs: number): string {
  const pair = (l: number, a: number): string => `loss ${l.toFixed(4)}, accuracy ${(100 * a).toFixed(2)} %`;
  const trained = loss !== null && accuracy !== null ? pair(loss, accuracy) : 'before training';
  const held =
    validationLoss !== null && validationAccuracy !== null
      ? `; held out: ${pair(validationLoss, validationAccuracy)}`
      : '';
  return `epoch ${epoch} of ${epochs}: ${trained}${held}`;
}
