/** .npz and .npy: samples and labels by the names that people give them. */
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { unzipSync } from 'fflate';
import type { Dataset } from '../core/dataset.js';
import { elementCount, shapeText } from '../core/tensor.js';
import { readFileOf } from '../files/read-file.js';
import { checkFinite, dataError, noSamples } from './data-errors.js';
import { makeDataset } from './make-dataset.js';
import { type NpyArray, parseNpy } from './npy.js';

/** All arrays of a file together, unpacked. */
const MAX_UNPACKED_BYTES = 2 ** 30;
/** Deflate cannot pack tighter than 1032 : 1: a larger claim is a lie that would cost memory. */
const MAX_RATIO = 1032;

const names: readonly (readonly [x: string, y: readonly string[]])[] = [
  ['x_test', ['y_test']],
  ['x_train', ['y_train']],
  ['x_val', ['y_val']],
  ['test_images', ['test_labels']],
  ['train_images', ['train_labels']],
  ['x', ['y', 'labels', 'label']],
  ['images', ['labels', 'label', 'y']],
  ['data', ['labels', 'target', 'targets', 'label', 'y']],
  ['samples', ['labels', 'label', 'y']],
  ['inputs', ['targets', 'labels', 'y']],
  ['features', ['labels', 'targets', 'target', 'y']],
];

/** @param split which part to take where the file has both; the test part unless told */
export function openNpz(path: string, content: Uint8Array, split: 'train' | 'test' = 'test'): Dataset {
  const arrays = unpack(path, content);
  const order = split === 'test' ? names : [...names].sort((a, b) => rank(b[0]) - rank(a[0]));
  const found = order.find(([x]) => arrays.has(x));
  const [xName, yNames] = found ?? [arrays.size === 1 ? [...arrays.keys()][0]! : '', []];
  const bytes = arrays.get(xName);
  if (!bytes)
    throw dataError('E_DATA_FORMAT', path, `no array is called x, x_test, images or data; there are: ${list(arrays)}`, [
      'Save it as numpy.savez("data.npz", x=samples, y=labels).',
    ]);
  const yName = yNames.find((name) => arrays.has(name));
  const x = parseNpy(bytes, `${path}, array "${xName}"`);
  const y = yName === undefined ? undefined : parseNpy(arrays.get(yName)!, `${path}, array "${yName}"`);
  return fromArrays(path, x, y, [content]);
}

/** One array of samples; labels from y_test.npy beside x_test.npy, or labels.npy beside images.npy. */
export function openNpy(path: string, content: Uint8Array): Dataset {
  const name = basename(path);
  const partner = [
    name.replace(/^x/i, (x) => (x === 'X' ? 'Y' : 'y')),
    name.replace('images', 'labels'),
    name.replace('data', 'labels'),
  ]
    .filter((other) => other !== name)
    .map((other) => join(dirname(path), other))
    .find((other) => existsSync(other));
  const labels = partner === undefined ? undefined : readFileOf('the labels', partner);
  return fromArrays(path, parseNpy(content, path), labels && parseNpy(labels, partner ?? ''), [
    content,
    ...(labels ? [labels] : []),
  ]);
}

const rank = (name: string): number => (name.includes('train') ? 1 : 0);
const list = (arrays: ReadonlyMap<string, unknown>): string => [...arrays.keys()].slice(0, 10).join(', ') || 'none';

function unpack(path: string, content: Uint8Array): ReadonlyMap<string, Uint8Array> {
  let total = 0;
  try {
    const files = unzipSync(content, {
      filter: ({ name, originalSize, size }) => {
        if (!name.endsWith('.npy')) return false;
        total += originalSize;
        if (total > MAX_UNPACKED_BYTES || originalSize > size * MAX_RATIO + 1024 || size > content.length)
          throw new Error(`"${name.slice(0, 40)}" claims ${originalSize} bytes`);
        return true;
      },
    });
    return new Map(Object.entries(files).map(([name, bytes]) => [name.slice(0, -4).toLowerCase(), bytes]));
  } catch (cause) {
    throw dataError(
      'E_DATA_FORMAT',
      path,
      `not a whole .npz file (${cause instanceof Error ? cause.message : 'unreadable'})`,
      'Save it again with numpy.savez; a download may have been cut.',
      cause,
    );
  }
}

function fromArrays(path: string, x: NpyArray, y: NpyArray | undefined, content: readonly Uint8Array[]): Dataset {
  if (x.shape.length < 1 || (y && y.shape.length < 1))
    throw dataError('E_DATA_FORMAT', path, 'a single number is no list of samples', 'The first axis counts samples.');
  const [sampleCount = 0, ...rest] = x.shape;
  const shape = rest.length === 0 ? [1] : rest;
  const perSample = elementCount(shape);
  if (sampleCount === 0 || perSample === 0) throw noSamples(path);
  if (x.isFloat) checkFinite(x, perSample, path);
  return makeDataset({
    path,
    sampleCount,
    shape,
    content,
    classes: y && classesOf(y, sampleCount, path),
    read: (index) => Float32Array.from({ length: perSample }, (_, i) => x.at(index * perSample + i)),
  });
}

/** Class numbers, or one-hot rows; values that are no whole numbers are targets of a regression: no classes. */
function classesOf(y: NpyArray, sampleCount: number, path: string): readonly number[] | undefined {
  const width = y.length / sampleCount;
  if (y.shape[0] !== sampleCount || !Number.isInteger(width) || width === 0)
    throw dataError(
      'E_DATA_SHAPE',
      path,
      `labels are ${shapeText(y.shape)} for ${sampleCount} samples`,
      'Samples and labels need the same first axis.',
    );
  const row = (i: number) => Array.from({ length: width }, (_, k) => y.at(i * width + k));
  if (width === 1) {
    const values = Array.from({ length: sampleCount }, (_, i) => y.at(i));
    if (y.isFloat && !values.every(Number.isInteger)) return undefined;
    return values;
  }
  const isOneHot = (values: readonly number[]) =>
    values.filter((value) => value === 1).length === 1 && values.every((value) => value === 0 || value === 1);
  const classes: number[] = [];
  for (let i = 0; i < sampleCount; i++) {
    const values = row(i);
    if (!isOneHot(values)) return undefined;
    classes.push(values.indexOf(1));
  }
  return classes;
}
