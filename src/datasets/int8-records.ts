/** Raw int8 records: samples that are already an int8 model's input bytes, one after another. */
import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse } from 'csv-parse/sync';
import type { Dataset } from '../core/dataset.js';
import { elementCount } from '../core/tensor.js';
import { readFileOf } from '../files/read-file.js';
import { dataError } from './data-errors.js';
import { makeDataset } from './make-dataset.js';

/**
 * @param path the file of records, or a folder with samples.bin
 * @param labelsPath a CSV `file,label`, one line for each record in their order; labels.csv beside it unless given
 */
export function openInt8Records(path: string, shape: readonly number[] | undefined, labelsPath?: string): Dataset {
  const file = existsSync(path) && statSync(path).isDirectory() ? join(path, 'samples.bin') : path;
  const perSample = elementCount(shape ?? []);
  if (!shape || !(perSample > 0))
    throw dataError('E_DATA_SHAPE', file, 'raw records do not tell their shape', 'Give it: --shape 49,10,1.');
  const content = readFileOf('the samples', file);
  if (content.length % perSample !== 0)
    throw dataError(
      'E_DATA_SHAPE',
      file,
      `${content.length} bytes are no whole number of records of ${perSample} bytes`,
      'Check --shape against the model’s input: thimble inspect MODEL.',
    );
  const beside = labelsPath ?? join(dirname(file), 'labels.csv');
  const labelBytes = labelsPath !== undefined || existsSync(beside) ? readFileOf('the labels', beside) : undefined;
  return makeDataset({
    path: file,
    sampleCount: content.length / perSample,
    shape,
    values: 'quantized',
    content: labelBytes ? [content, labelBytes] : [content],
    classes: labelBytes && readLabels(beside, labelBytes),
    read: (index) => Float32Array.from(new Int8Array(content.slice(index * perSample, (index + 1) * perSample).buffer)),
  });
}

/** The last column; a header is a first line without a number there. */
function readLabels(path: string, content: Uint8Array): number[] {
  let rows: string[][];
  try {
    rows = parse(new TextDecoder().decode(content), { bom: true, trim: true, skip_empty_lines: true }) as string[][];
  } catch (cause) {
    throw dataError('E_DATA_FORMAT', path, 'the labels are no table', 'One line for each record: file,label.', cause);
  }
  const cells = rows.map((row) => row.at(-1) ?? '');
  const body = cells.length > 0 && !/^\d+$/.test(cells[0] ?? '') ? cells.slice(1) : cells;
  return body.map((cell, i) => {
    if (/^\d{1,5}$/.test(cell)) return Number(cell);
    throw dataError(
      'E_DATA_FORMAT',
      `${path}, label ${i}`,
      `"${cell.slice(0, 40)}" is no class number`,
      'Labels are whole numbers from 0.',
    );
  });
}
