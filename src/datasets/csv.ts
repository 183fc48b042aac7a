/** CSV: one sample a line, numbers only, with or without a header, with or without a column of classes. */
import { parse } from 'csv-parse/sync';
import type { Dataset } from '../core/dataset.js';
import { dataError, noSamples } from './data-errors.js';
import { makeDataset } from './make-dataset.js';

const labelNames = ['label', 'labels', 'class', 'target', 'y'];
const MAX_COLUMNS = 1_000_000;

/** The class column is the one named label, class, target or y; without such a name, a last column of text. */
export function openCsv(path: string, content: Uint8Array): Dataset {
  const rows = parseRows(path, content);
  const [first] = rows;
  if (!first) throw noSamples(path);
  const hasHeader = first.every((cell) => !isNumber(cell)) && (rows.length === 1 || rows[1]!.some(isNumber));
  const body = hasHeader ? rows.slice(1) : rows;
  if (body.length === 0) throw noSamples(path);
  const labelColumn = labelColumnOf(hasHeader ? first : undefined, body);
  const columns = first.map((_, column) => column).filter((column) => column !== labelColumn);
  if (columns.length === 0)
    throw dataError('E_DATA_FORMAT', path, 'there are only labels', 'Give columns of values too.');
  const values = new Float32Array(body.length * columns.length);
  for (const [i, row] of body.entries())
    for (const [k, column] of columns.entries())
      values[i * columns.length + k] = cellValue(row[column] ?? '', i + (hasHeader ? 2 : 1), column + 1, path);
  return makeDataset({
    path,
    sampleCount: body.length,
    shape: [columns.length],
    content: [content],
    ...(labelColumn !== undefined && classesOf(body.map((row) => row[labelColumn] ?? ''))),
    read: (index) => values.slice(index * columns.length, (index + 1) * columns.length),
  });
}

function parseRows(path: string, content: Uint8Array): string[][] {
  const text = new TextDecoder().decode(content);
  const firstLine = text.slice(0, Math.max(text.indexOf('\n'), 0) || 4096);
  const delimiter = [';', '\t', ','].find((character) => firstLine.includes(character)) ?? ',';
  try {
    const rows = parse(text, {
      delimiter,
      bom: true,
      trim: true,
      skip_empty_lines: true,
      max_record_size: MAX_COLUMNS * 8,
    });
    return rows as string[][];
  } catch (cause) {
    throw dataError(
      'E_DATA_FORMAT',
      path,
      `not a table: ${cause instanceof Error ? cause.message.slice(0, 200) : 'unreadable'}`,
      'Every line needs as many values as the first, divided by the same character (comma, semicolon or tab).',
      cause,
    );
  }
}

const numberForm = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const notFinite = /^[+-]?(?:nan|inf(?:inity)?)$/i;
const isNumber = (cell: string): boolean => numberForm.test(cell) || notFinite.test(cell);

function labelColumnOf(
  header: readonly string[] | undefined,
  body: readonly (readonly string[])[],
): number | undefined {
  const named = header?.findIndex((name) => labelNames.includes(name.toLowerCase())) ?? -1;
  if (named >= 0) return named;
  const last = (body[0]?.length ?? 0) - 1;
  return last > 0 && body.every((row) => !isNumber(row[last] ?? '')) ? last : undefined;
}

function cellValue(cell: string, line: number, column: number, path: string): number {
  const value = numberForm.test(cell) ? Math.fround(Number(cell)) : Number.NaN;
  if (Number.isFinite(value)) return value;
  const where = `${path}, record ${line}, column ${column}`;
  if (isNumber(cell))
    throw dataError('E_NOT_FINITE', where, `"${cell}" is not a finite number`, 'Remove or repair the record.');
  throw dataError(
    'E_DATA_FORMAT',
    where,
    cell === '' ? 'the cell is empty' : `"${cell.slice(0, 40)}" is not a number`,
    [
      'Columns hold numbers; one column may hold the class: call it label.',
      'A list of files with their labels is no data set: give the file or folder of the samples.',
    ],
  );
}

/** Whole numbers are class numbers; other numbers are targets of a regression; words are names, in sorted order. */
function classesOf(cells: readonly string[]): { classes?: readonly number[]; labels?: readonly string[] } {
  if (cells.every(isNumber)) {
    const numbers = cells.map(Number);
    return numbers.every(Number.isInteger) ? { classes: numbers } : {};
  }
  const labels = [...new Set(cells)].sort();
  const indexOf = new Map(labels.map((label, index) => [label, index]));
  return { labels, classes: cells.map((cell) => indexOf.get(cell) ?? 0) };
}
