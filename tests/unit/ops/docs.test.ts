/** docs/operators.md states what the code knows; a table that falls behind fails here. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { layerClasses } from '../../../src/importers/keras/layers/index.js';
import { builtinName } from '../../../src/importers/tflite/schema.js';
import { findOp, ops } from '../../../src/ops/index.js';
import type { QuantRule } from '../../../src/ops/op.js';
import { projectFolder } from '../../shared-folder.js';

const [operators = '', layers = ''] = readFileSync(join(projectFolder, 'docs', 'operators.md'), 'utf8').split('\n## ');

/** The cells of every row of the tables in a text, headings left out. */
const rowsOf = (text: string): string[][] =>
  [...text.matchAll(/^\| (`.*) \|$/gm)].map((row) => row[1]!.split(' | ').map((cell) => cell.trim()));
const codeIn = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1]!);

function quantizationText(rule: QuantRule | null): string {
  if (rule === null) return 'none';
  if (rule.kind === 'weighted') return `weights, axis ${rule.axis}`;
  if (rule.kind === 'fixed') return `fixed 1/${1 / rule.scale}, ${rule.zeroPoint}`;
  return rule.kind === 'same' ? 'one for all' : 'own ranges';
}

describe('docs/operators.md', () => {
  it('states of every operator its name in TFLite, inputs, quantization, and what it is held against', () => {
    const stated = rowsOf(operators).map(([op, builtin, inputs, quantization, , heldAgainst]) => [
      ...[op, builtin, inputs, quantization, heldAgainst],
    ]);
    const known = ops.map(({ name, tflite, inputCount: [min, max], quantization, unpinned }) => [
      `\`${name}\``,
      builtinName(tflite.builtin).toUpperCase(),
      min === max ? `${min}` : `${min}–${max}`,
      quantizationText(quantization),
      unpinned === undefined ? 'TFLite Micro' : '`unpinned`',
    ]);
    expect(stated).toEqual(known);
  });

  it('names the operators that take 16-bit activations', () => {
    const [, sentence] = /- \*\*16-bit activations\*\*[^:]*:[^:]*: (.*?)\. Sums/s.exec(operators)!;
    expect(codeIn(sentence!)).toEqual(ops.filter(({ int16 }) => int16).map(({ name }) => name));
  });

  it('lists every layer that is read, once, and only operators that exist', () => {
    const rows = rowsOf(layers);
    expect(rows.flatMap(([names]) => codeIn(names!)).sort()).toEqual([...layerClasses].sort());
    const named = rows.flatMap(([, become]) => codeIn(become!));
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter((name) => !findOp(name))).toEqual([]);
  });
});
