/** A folder for each class, with PNG and JPEG images in it. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Dataset } from '../core/dataset.js';
import { ThimbleError } from '../core/errors.js';
import { elementCount, shapeText } from '../core/tensor.js';
import { readFileOf } from '../files/read-file.js';
import { dataError, noSamples } from './data-errors.js';
import { makeDataset } from './make-dataset.js';

/** All images together, decoded: they are held as bytes. */
const MAX_DECODED_BYTES = 2 ** 30;
const MAX_PIXELS = 2 ** 26; // of one image, before resizing

export interface ImageOptions {
  /** [height, width, channels] of every sample; the first image's unless given. */
  readonly shape?: readonly number[] | undefined;
  readonly channels?: 1 | 3 | undefined; // 1 = grayscale
  /** Scale images of another size to the shape; without it they are refused. Stretches: the aspect is not kept. */
  readonly resize?: boolean | undefined;
}

export const hasClassFolders = (folder: string): boolean =>
  foldersOf(folder).some((name) => imagesOf(join(folder, name)).length > 0);

/** Classes in the order of their folders' names; values are bytes, 0 … 255, NHWC. */
export async function openImageFolder(path: string, options: ImageOptions): Promise<Dataset> {
  const labels = foldersOf(path).filter((name) => imagesOf(join(path, name)).length > 0);
  const files = labels.flatMap((label, index) =>
    imagesOf(join(path, label)).map((file) => ({ file: join(path, label, file), index })),
  );
  const [first] = files;
  if (!first) throw noSamples(path);
  const decode = await loadDecoder();
  const shape = await shapeFor(decode, first.file, options);
  const perSample = elementCount(shape);
  if (perSample * files.length > MAX_DECODED_BYTES)
    throw dataError('E_DATA_SHAPE', path, `${files.length} images of ${shapeText(shape)} do not fit into 1 GiB`, [
      'Give fewer images, or smaller ones: --resize with the model’s --shape.',
    ]);
  const pixels = new Uint8Array(perSample * files.length);
  const content: Uint8Array[] = [];
  for (const [i, { file }] of files.entries()) {
    const bytes = readFileOf('the image', file);
    content.push(bytes);
    pixels.set(await decode(bytes, shape, options.resize ?? false, file), i * perSample);
  }
  return makeDataset({
    path,
    sampleCount: files.length,
    shape,
    content,
    labels,
    classes: files.map(({ index }) => index),
    read: (index) => Float32Array.from(pixels.subarray(index * perSample, (index + 1) * perSample)),
  });
}

const byName = (a: string, b: string) => (a < b ? -1 : 1);
const foldersOf = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => name)
    .sort(byName);
const imagesOf = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && /^[^.].*\.(?:png|jpe?g)$/i.test(entry.name))
    .map(({ name }) => name)
    .sort(byName);

interface Decoder {
  (bytes: Uint8Array, shape: readonly number[], resize: boolean, file: string): Promise<Uint8Array>;
  size(bytes: Uint8Array, file: string): Promise<{ height: number; width: number; channels: 1 | 3 }>;
}

async function shapeFor(decode: Decoder, file: string, { shape, channels }: ImageOptions): Promise<readonly number[]> {
  const wanted = shape?.length === 2 ? [...shape, 1] : shape;
  if (wanted && (wanted.length !== 3 || (wanted[2] !== 1 && wanted[2] !== 3)))
    throw dataError(
      'E_DATA_SHAPE',
      file,
      `images cannot become ${shapeText(wanted)}`,
      'Give height, width and 1 or 3 channels: --shape 96,96,1.',
    );
  if (wanted) return wanted;
  const size = await decode.size(readFileOf('the image', file), file);
  return [size.height, size.width, channels ?? size.channels];
}

/** sharp is loaded when images are, and only then: its binary part is not on every machine. */
async function loadDecoder(): Promise<Decoder> {
  const { default: sharp } = await import('sharp').catch((cause: unknown) => {
    throw new ThimbleError(
      'E_TOOL_MISSING',
      'the npm package sharp, which reads images, cannot be loaded',
      ['npm install sharp@0.35.5, or give the images as .npz.'],
      { cause },
    );
  });
  const options = { limitInputPixels: MAX_PIXELS, failOn: 'error' } as const;
  const damaged = (file: string, cause: unknown) =>
    dataError(
      'E_DATA_FORMAT',
      file,
      `cannot decode the image (${cause instanceof Error ? cause.message.slice(0, 120) : 'unreadable'})`,
      'Remove or replace it.',
      cause,
    );
  const size: Decoder['size'] = async (bytes, file) => {
    try {
      const { height, width, channels } = await sharp(bytes, options).metadata();
      return { height, width, channels: channels <= 2 ? 1 : 3 };
    } catch (cause) {
      throw damaged(file, cause);
    }
  };
  const decode = async (bytes: Uint8Array, shape: readonly number[], resize: boolean, file: string) => {
    const [height = 0, width = 0, channels = 1] = shape;
    const actual = await size(bytes, file);
    if (!resize && (actual.height !== height || actual.width !== width))
      throw dataError(
        'E_DATA_SHAPE',
        file,
        `the image is ${actual.height} × ${actual.width}, not ${height} × ${width}`,
        ['--resize scales all images to the shape.', 'Or export them in one size.'],
      );
    try {
      const image = sharp(bytes, options)
        .removeAlpha()
        .toColourspace(channels === 1 ? 'b-w' : 'srgb');
      const sized = resize ? image.resize(width, height, { fit: 'fill' }) : image;
      const { data, info } = await sized.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
      if (info.channels === channels && data.length === height * width * channels) return data;
      throw new Error(`${info.channels} channels instead of ${channels}`);
    } catch (cause) {
      throw damaged(file, cause);
    }
  };
  return Object.assign(decode, { size });
}
