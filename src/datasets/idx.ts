/** IDX, the format of MNIST and its relatives, gzipped or not: images, and labels in the file beside them. */
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Dataset } from '../core/dataset.js';
import { elementCount } from '../core/tensor.js';
import { readFileOf } from '../files/read-file.js';
import { checkFinite, dataError } from './data-errors.js';
import { makeDataset } from './make-dataset.js';

const MAX_UNPACKED_BYTES = 2 ** 29;

type Reader = (view: DataView, offset: number) => number;
/** By the third byte of the magic number; big-endian throughout. */
const types: Readonly<Record<number, readonly [bytes: number, read: Reader]>> = {
  8: [1, (v, o) => v.getUint8(o)],
  9: [1, (v, o) => v.getInt8(o)],
  11: [2, (v, o) => v.getInt16(o)],
  12: [4, (v, o) => v.getInt32(o)],
  13: [4, (v, o) => v.getFloat32(o)],
  14: [8, (v, o) => v.getFloat64(o)],
};

export const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;
export const isIdx = (bytes: Uint8Array): boolean =>
  bytes[0] === 0 &&
  bytes[1] === 0 &&
  types[bytes[2] ?? 0] !== undefined &&
  (bytes[3] ?? 0) >= 1 &&
  (bytes[3] ?? 9) <= 4;

export function openIdx(path: string, content: Uint8Array): Dataset {
  const images = parseIdx(content, path);
  if (images.shape.length === 1)
    throw dataError(
      'E_DATA_FORMAT',
      path,
      'this file holds labels, not samples',
      'Give the images file (idx3); its labels are found by name.',
    );
  const [sampleCount = 0, ...rest] = images.shape;
  const shape = rest.length === 2 ? [...rest, 1] : rest; // height and width: one channel
  const perSample = elementCount(shape);
  checkFinite(images, perSample, path);
  const labelsPath = partnerOf(path);
  const labelBytes = labelsPath === undefined ? undefined : readFileOf('the labels', labelsPath);
  const labels = labelBytes && parseIdx(labelBytes, labelsPath ?? '');
  return makeDataset({
    path,
    sampleCount,
    shape,
    content: labelBytes ? [content, labelBytes] : [content],
    classes: labels && Array.from({ length: labels.length }, (_, i) => labels.at(i)),
    read: (index) => Float32Array.from({ length: perSample }, (_, i) => images.at(index * perSample + i)),
  });
}

interface IdxArray {
  readonly shape: readonly number[];
  readonly length: number;
  at(index: number): number;
}

function parseIdx(packed: Uint8Array, path: string): IdxArray {
  const damaged = (message: string, cause?: unknown) =>
    dataError(
      'E_DATA_FORMAT',
      path,
      `not a whole IDX file: ${message}`,
      'Download it again: it may have been cut.',
      cause,
    );
  let bytes = packed;
  if (isGzip(packed))
    try {
      bytes = gunzipSync(packed, { maxOutputLength: MAX_UNPACKED_BYTES });
    } catch (cause) {
      throw damaged(cause instanceof Error ? cause.message : 'unreadable', cause);
    }
  const type = types[bytes[2] ?? 0];
  const axes = bytes[3] ?? 0;
  const start = 4 + 4 * axes;
  if (!isIdx(bytes) || !type || bytes.length < start) throw damaged('the header is cut or of another format');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const shape = Array.from({ length: axes }, (_, axis) => view.getUint32(4 + 4 * axis));
  const [size, read] = type;
  const length = elementCount(shape);
  if (length * size !== bytes.length - start)
    throw damaged(`its header promises ${length * size} bytes of values, ${bytes.length - start} are there`);
  return { shape, length, at: (index) => read(view, start + index * size) };
}

/** train-images-idx3-ubyte → train-labels-idx1-ubyte, with or without .gz, with a dot or a hyphen before idx. */
function partnerOf(path: string): string | undefined {
  const name = basename(path).replace('images', 'labels').replace('idx3', 'idx1');
  const plain = name.replace(/\.gz$/, '');
  return [name, plain, `${plain}.gz`]
    .filter((other) => other !== basename(path))
    .map((other) => join(dirname(path), other))
    .find((other) => existsSync(other));
}
