/** Accuracy and agreement of any Engine on any Dataset. */
import type { Dataset } from '../core/dataset.js';
import { encodeSample } from '../core/encode-sample.js';
import type { Engine } from '../core/engine.js';
import { ThimbleError } from '../core/errors.js';
import type { Preprocessing } from '../core/graph.js';
import type { OnEvent } from '../core/stage-event.js';
import { elementCount, shapeText, type TensorSpec, type TypedArray } from '../core/tensor.js';
import { type Proportion, proportion } from './interval.js';
import { detectionOf, type Task, taskOf } from './task.js';

/** What an engine's model takes and gives: the specs of its inputs and outputs, and what precedes it. */
export interface ModelInterface {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  readonly preprocessing?: Preprocessing | undefined;
}

export interface Score {
  readonly n: number;
  readonly accuracy: Proportion | null; // null where the data has no classes
  readonly confusion: readonly (readonly number[])[] | null; // [true class][predicted class]
  readonly predictions: Int32Array; // by sample scored: the class with the largest value of the first output
  readonly classes: readonly (number | undefined)[]; // the true ones, by sample scored
  readonly task: Task;
  readonly detections: Float64Array | null; // of a detector, by sample scored: higher speaks for its positive class
  readonly outputs: readonly TypedArray[]; // the first output of every sample, raw
}

/** Index of the largest value, the first where several are equal: as every runtime's arg-max. */
export function argMax(values: TypedArray): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

/**
 * Scores the samples at `indices` one after another.
 * @throws ThimbleError E_DATA_SHAPE where samples do not fit the model, E_DATA_EMPTY for no samples
 */
export async function scoreEngine(
  engine: Engine,
  model: ModelInterface,
  dataset: Dataset,
  options: { indices: readonly number[]; onEvent?: OnEvent | undefined; signal?: AbortSignal | undefined },
): Promise<Score> {
  checkSamplesFit(model, dataset);
  const { indices, onEvent, signal } = options;
  const task = taskOf(model, dataset);
  if (indices.length === 0)
    throw new ThimbleError(
      'E_DATA_EMPTY',
      `"${dataset.name}" has no samples to score`,
      'Give data with samples in it.',
    );
  const size = dataset.labels.length;
  const confusion = Array.from({ length: size }, () => new Array<number>(size).fill(0));
  const classes: (number | undefined)[] = [];
  const predictions = new Int32Array(indices.length);
  const outputs: TypedArray[] = [];
  const detections = task.kind === 'classifier' ? null : new Float64Array(indices.length);
  let hits = 0;
  let labelled = 0;
  for (const [k, index] of indices.entries()) {
    if (signal?.aborted) throw new ThimbleError('E_INTERRUPTED', `stopped after ${k} of ${indices.length} samples`, []);
    const input = encodeSample(dataset, index, model.inputs[0]!, model.preprocessing);
    const given = task.kind === 'reconstruction' ? input.slice() : input; // an engine may consume its input
    const [output] = await engine.run([input]);
    if (!output) throw new TypeError(`engine "${engine.name}" gave no output`);
    const detection = detectionOf(task, model, given, output);
    if (detections) detections[k] = detection;
    const predicted = task.kind === 'one output' ? Number(detection >= 0.5) : argMax(output);
    predictions[k] = predicted;
    outputs.push(output.slice());
    const wanted = dataset.classOf(index);
    classes.push(wanted);
    if (wanted !== undefined && task.kind !== 'reconstruction') {
      labelled++;
      if (wanted === predicted) hits++;
      const row = confusion[wanted];
      if (row && predicted < row.length) row[predicted]!++;
    }
    onEvent?.({ stage: `score ${engine.name}`, done: k + 1, total: indices.length });
  }
  return {
    n: indices.length,
    accuracy: labelled > 0 ? proportion(hits, labelled) : null,
    confusion: labelled > 0 ? confusion : null,
    predictions,
    classes,
    task,
    detections,
    outputs,
  };
}

/** How far two runs over the same samples agree: arg-max, and the largest difference of a raw output value. */
export function agreement(a: Score, b: Score): { argMax: Proportion; largestDifference: number } {
  let same = 0;
  let largestDifference = 0;
  for (let k = 0; k < a.n; k++) {
    if (a.predictions[k] === b.predictions[k]) same++;
    const [x, y] = [a.outputs[k]!, b.outputs[k]!];
    for (let i = 0; i < x.length; i++) largestDifference = Math.max(largestDifference, Math.abs(x[i]! - y[i]!));
  }
  return { argMax: proportion(same, a.n), largestDifference };
}

/** @throws ThimbleError E_DATA_SHAPE */
export function checkSamplesFit({ inputs }: Pick<ModelInterface, 'inputs'>, dataset: Dataset): void {
  const [input] = inputs;
  if (inputs.length !== 1 || !input)
    throw new ThimbleError(
      'E_DATA_SHAPE',
      `the model has ${inputs.length} inputs, a data set gives one tensor a sample`,
      'Models with several inputs can be emitted and run, but not scored from a data set.',
    );
  if (elementCount(input.shape) !== elementCount(dataset.shape))
    throw new ThimbleError(
      'E_DATA_SHAPE',
      `samples of "${dataset.name}" are ${shapeText(dataset.shape)}, the model takes ${shapeText(input.shape.slice(1))}`,
      [
        'Check that this is the data the model was trained on.',
        'For images: --resize, or export them in the model’s size.',
      ],
      { where: `at input "${input.name}"` },
    );
}
