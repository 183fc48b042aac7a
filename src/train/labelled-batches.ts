/** Samples with their classes, checked before training starts, split by class, read batch by batch. */
import type { Dataset } from '../core/dataset.js';
import { preprocessSample } from '../core/encode-sample.js';
import { ThimbleError } from '../core/errors.js';
import { type Graph, type Preprocessing, tensorOf } from '../core/graph.js';
import { shuffled } from '../core/seeded-random.js';
import { elementCount, shapeText } from '../core/tensor.js';

export interface Batch {
  readonly values: Float32Array; // samples one after another, in the float model's units
  readonly labels: Int32Array;
}

/**
 * @param indices of labelled samples
 * @param change what is done to each sample after preprocessing
 */
export function readBatch(
  dataset: Dataset,
  indices: readonly number[],
  preprocessing?: Preprocessing,
  change: (values: Float32Array) => Float32Array = (values) => values,
): Batch {
  const size = elementCount(dataset.shape);
  const values = new Float32Array(indices.length * size);
  for (const [row, index] of indices.entries())
    values.set(change(preprocessSample(dataset.sample(index), preprocessing)), row * size);
  return { values, labels: Int32Array.from(indices, (index) => dataset.classOf(index)!) };
}

/**
 * @throws ThimbleError E_DATA_SHAPE where samples or classes do not fit the model, E_DATA_EMPTY for fewer than two
 *   samples, E_DATA_FORMAT where samples have no class
 */
export function checkTrainingData(graph: Graph, dataset: Dataset, indices: readonly number[], classes: number): void {
  const input = tensorOf(graph, graph.inputs[0]!);
  if (dataset.values !== 'raw')
    throw new ThimbleError(
      'E_DATA_SHAPE',
      `samples of "${dataset.name}" are already quantized; training needs the float model's units`,
      'Use the raw data.',
    );
  if (elementCount(dataset.shape) !== elementCount(input.shape))
    throw new ThimbleError(
      'E_DATA_SHAPE',
      `samples of "${dataset.name}" are ${shapeText(dataset.shape)}, the model takes ${shapeText(input.shape.slice(1))}`,
      'Check that this is the data the model was trained on.',
      { where: `at input "${input.name}"` },
    );
  if (indices.length < 2)
    throw new ThimbleError(
      'E_DATA_EMPTY',
      `"${dataset.name}" has ${indices.length} samples to train on`,
      'Give some hundred samples at least.',
    );
  const unlabelled = indices.find((index) => dataset.classOf(index) === undefined);
  if (unlabelled !== undefined)
    throw new ThimbleError(
      'E_DATA_FORMAT',
      `"${dataset.name}" has samples without a class`,
      'Training needs labelled data: a label column, class-named folders, or an array of labels.',
      { where: `at sample ${unlabelled}` },
    );
  const outside = indices.find((index) => dataset.classOf(index)! >= classes);
  if (outside !== undefined)
    throw new ThimbleError(
      'E_DATA_SHAPE',
      `"${dataset.name}" has class ${dataset.classOf(outside)}, the model tells only classes 0 to ${classes - 1} apart`,
      'Check that this is the data the model was trained on.',
      { where: `at sample ${outside}` },
    );
}

/** Holds out the given share of every class, at random; at least one sample stays for training. */
export function splitByClass(
  dataset: Dataset,
  indices: readonly number[],
  fraction: number,
  random: () => number,
): { train: number[]; validation: number[] } {
  const byClass = new Map<number, number[]>();
  for (const index of indices) {
    const label = dataset.classOf(index)!;
    const members = byClass.get(label);
    if (members) members.push(index);
    else byClass.set(label, [index]);
  }
  const [train, validation]: [number[], number[]] = [[], []];
  for (const label of [...byClass.keys()].sort((a, b) => a - b)) {
    const members = shuffled(byClass.get(label)!, random);
    const held = Math.min(Math.round(members.length * fraction), members.length - 1);
    validation.push(...members.slice(0, held));
    train.push(...members.slice(held));
  }
  return { train, validation };
}
