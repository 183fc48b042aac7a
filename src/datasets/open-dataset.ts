/** A data set by what it is: told apart by content, then by extension; `format` overrides. */
import { statSync } from 'node:fs';
import type { Dataset } from '../core/dataset.js';
import { ThimbleError } from '../core/errors.js';
import { shapeText } from '../core/tensor.js';
import { readFileOf } from '../files/read-file.js';
import { isCifar10, openCifar10 } from './cifar10.js';
import { openCsv } from './csv.js';
import { dataError, noSamples } from './data-errors.js';
import { isGzip, isIdx, openIdx } from './idx.js';
import { hasClassFolders, type ImageOptions, openImageFolder } from './image-folder.js';
import { openInt8Records } from './int8-records.js';
import { withShapeAndLabels } from './make-dataset.js';
import { digitsFolderOf, openMnistJson } from './mnist-json.js';
import { isNpy } from './npy.js';
import { openNpy, openNpz } from './npz.js';

export const datasetFormats = ['npz', 'npy', 'csv', 'images', 'idx', 'cifar10', 'mnist-json', 'int8-records'] as const;
export type DatasetFormat = (typeof datasetFormats)[number];

export interface DatasetOptions extends ImageOptions {
  /** One of datasetFormats: a person's word, checked. */
  readonly format?: string | undefined;
  /** Of the model's input: chooses an image's channels, the size to resize to, the shape of int8 records. */
  readonly expectedShape?: readonly number[] | undefined;
  /** Of one sample, without batch. int8 records need it; others are checked against it. */
  readonly shape?: readonly number[] | undefined;
  readonly labels?: readonly string[] | undefined; // names in class order
  readonly labelsPath?: string | undefined; // int8 records: the CSV file,label
  readonly split?: 'train' | 'test' | undefined; // .npz with both: the test part unless told
}

/**
 * Values stay in the source's unit: bytes become floats 0 … 255, NHWC. Scaling belongs to the preprocessing.
 * @throws ThimbleError E_DATA_FORMAT, E_DATA_EMPTY, E_DATA_SHAPE, E_NOT_FINITE with file and record; E_FILE
 */
export async function openDataset(path: string, options: DatasetOptions = {}): Promise<Dataset> {
  const { shape } = options;
  if (shape && !(shape.length > 0 && shape.every((size) => Number.isInteger(size) && size > 0 && size < 2 ** 31)))
    throw new ThimbleError(
      'E_USAGE',
      `${shapeText(shape)} is no shape`,
      'Give whole numbers above 0: --shape 28,28,1.',
    );
  const format = options.format === undefined ? detect(path) : formatNamed(options.format);
  const dataset = await open(path, format, options);
  return withShapeAndLabels(dataset, options.shape, options.labels, path);
}

function open(path: string, format: DatasetFormat, options: DatasetOptions): Dataset | Promise<Dataset> {
  const content = () => {
    const bytes = readFileOf('the data', path);
    if (bytes.length === 0) throw noSamples(path);
    return bytes;
  };
  const needFolder = () => {
    if (isFolder(path)) return;
    throw dataError(
      'E_DATA_FORMAT',
      path,
      `the format ${format} is a folder`,
      'Give the folder that holds the classes.',
    );
  };
  switch (format) {
    case 'npz':
      return openNpz(path, content(), options.split);
    case 'npy':
      return openNpy(path, content());
    case 'csv':
      return openCsv(path, content());
    case 'idx':
      return openIdx(path, content());
    case 'cifar10':
      return openCifar10(path, content());
    case 'int8-records':
      return openInt8Records(path, options.shape ?? options.expectedShape, options.labelsPath);
    case 'images':
      needFolder();
      return openImageFolder(path, forImages(options));
    case 'mnist-json':
      needFolder();
      return openMnistJson(path);
  }
}

/** What the model takes settles what --shape and flags leave open; a size is only forced on images that may change. */
function forImages(options: DatasetOptions): ImageOptions {
  const { expectedShape, resize } = options;
  const last = expectedShape?.at(-1);
  const channels = options.channels ?? (last === 1 || last === 3 ? last : undefined);
  const shape = options.shape ?? (resize ? expectedShape : undefined);
  return { shape, channels, resize };
}

function formatNamed(name: string): DatasetFormat {
  const format = datasetFormats.find((known) => known === name);
  if (format) return format;
  throw new ThimbleError(
    'E_USAGE',
    `no data format is called "${name}"`,
    `--format takes one of ${datasetFormats.join(', ')}.`,
  );
}

function detect(path: string): DatasetFormat {
  if (isFolder(path)) {
    if (digitsFolderOf(path) !== undefined) return 'mnist-json';
    if (hasClassFolders(path)) return 'images';
    throw dataError('E_DATA_EMPTY', path, 'the folder holds no classes: a folder of PNG or JPEG images for each', [
      'Arrange images as FOLDER/CLASS/*.png.',
      'For raw int8 records: --format int8-records --shape 49,10,1.',
    ]);
  }
  const bytes = readFileOf('the data', path);
  if (bytes.length === 0) throw noSamples(path);
  if (isNpy(bytes)) return 'npy';
  if (bytes[0] === 0x50 && bytes[1] === 0x4b) return 'npz'; // 'PK'
  if (isGzip(bytes) || isIdx(bytes)) return 'idx';
  if (/\.(?:csv|tsv)$/i.test(path)) return 'csv';
  if (/\.npz$/i.test(path)) return 'npz';
  if (isCifar10(bytes)) return 'cifar10';
  throw dataError('E_DATA_FORMAT', path, 'this is none of the formats that can be told by their content', [
    `Name it: --format ${datasetFormats.join('|')}.`,
    'Raw int8 records need --format int8-records and --shape.',
  ]);
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (cause) {
    throw new ThimbleError(
      'E_FILE',
      `cannot read the data ${path}: there is no such file or folder`,
      'Check the path; relative paths start from the current folder.',
      { cause },
    );
  }
}
