import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findOp, findOpByBuiltin, ops } from '../../../src/ops/index.js';
import { projectFolder } from '../../shared-folder.js';

const opsFolder = join(projectFolder, 'src', 'ops');
/** Not ops: what the kernels of several ops share for one family of cores, or for one way to store weights. */
const rooms = ['avr', 'dsp', 'mve', 'packed', 'words'];
const folders = readdirSync(opsFolder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
  .filter((name) => !rooms.includes(name));

describe('the registry of operators', () => {
  it('lists every folder once, in order', () => {
    expect(ops.map(({ name }) => name)).toEqual([...folders].sort());
  });

  it('finds each by its name and by its number in a .tflite', () => {
    for (const op of ops) {
      expect(findOp(op.name)).toBe(op);
      expect(findOpByBuiltin(op.tflite.builtin)).toBe(op);
    }
  });

  it('has a file of its own for each, called like the folder', () => {
    for (const name of folders) expect(existsSync(join(opsFolder, name, `${name}.ts`)), name).toBe(true);
  });
});
