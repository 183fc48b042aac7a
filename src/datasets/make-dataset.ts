/** What every source ends in. */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import type { Dataset } from '../core/dataset.js';
import { elementCount, shapeText } from '../core/tensor.js';
import { dataError, noSamples } from './data-errors.js';

export interface Source {
  readonly path: string;
  readonly sampleCount: number;
  readonly shape: readonly number[];
  readonly values?: Dataset['values']; // 'raw' unless given
  readonly classes?: ArrayLike<number> | undefined; // one per sample, ≥ 0
  readonly labels?: readonly string[] | undefined; // names; numbers from 0 where absent
  readonly content: readonly Uint8Array[]; // the source bytes, to be hashed
  read(index: number): Float32Array;
}

/** More classes than any model that fits here; a label beyond it is a damaged file. */
const MAX_CLASSES = 65_536;

/** @throws ThimbleError E_DATA_EMPTY, E_DATA_FORMAT for labels that do not belong to the samples */
export function makeDataset(source: Source): Dataset {
  const { path, sampleCount, shape, classes } = source;
  if (sampleCount === 0 || elementCount(shape) === 0) throw noSamples(path);
  const labels = classes ? checkedLabels(classes, source) : [];
  const hash = createHash('sha256');
  for (const bytes of source.content) hash.update(bytes);
  const inRange = (index: number): number => {
    if (Number.isInteger(index) && index >= 0 && index < sampleCount) return index;
    throw new RangeError(`sample ${index} of ${sampleCount}`);
  };
  return {
    name: basename(path),
    sampleCount,
    shape,
    values: source.values ?? 'raw',
    labels,
    sha256: hash.digest('hex'),
    sample: (index) => source.read(inRange(index)),
    classOf: (index) => classes?.[inRange(index)],
  };
}

/** The same samples in another shape of as many values, or with other class names. */
export function withShapeAndLabels(
  dataset: Dataset,
  shape: readonly number[] | undefined,
  labels: readonly string[] | undefined,
  path: string,
): Dataset {
  if (shape && elementCount(shape) !== elementCount(dataset.shape))
    throw dataError(
      'E_DATA_SHAPE',
      path,
      `samples are ${shapeText(dataset.shape)}, which is not ${shapeText(shape)}`,
      'Give the shape of one sample, without the batch: --shape 28,28,1.',
    );
  if (labels && labels.length < dataset.labels.length)
    throw dataError(
      'E_DATA_FORMAT',
      path,
      `${labels.length} class names for ${dataset.labels.length} classes`,
      'Give one name for every class, in class order.',
    );
  return { ...dataset, shape: shape ?? dataset.shape, labels: labels ?? dataset.labels };
}

function checkedLabels(classes: ArrayLike<number>, { path, sampleCount, labels }: Source): readonly string[] {
  if (classes.length !== sampleCount)
    throw dataError(
      'E_DATA_FORMAT',
      path,
      `${classes.length} labels for ${sampleCount} samples`,
      'Samples and labels must come from the same export: one label for each sample, in their order.',
    );
  let largest = 0;
  for (let i = 0; i < classes.length; i++) {
    const value = classes[i]!;
    if (!Number.isInteger(value) || value < 0 || value >= (labels?.length ?? MAX_CLASSES))
      throw dataError(
        'E_DATA_FORMAT',
        path,
        `record ${i} has the class ${value}`,
        `Classes are whole numbers from 0 to ${(labels?.length ?? MAX_CLASSES) - 1}.`,
      );
    largest = Math.max(largest, value);
  }
  return labels ?? Array.from({ length: largest + 1 }, (_, i) => String(i));
}
