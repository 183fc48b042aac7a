/** Training from the command line: a recipe that trains, stopped with Ctrl-C and run once more. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { importTflite } from '../../src/importers/tflite/tflite.js';
import { runCli, startCli } from './run-cli.js';

const folder = mkdtempSync(join(tmpdir(), 'thimble-training-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const digits = [
  'compress',
  'examples/digits/model.json',
  '--data',
  'examples/digits/digits-test.npz',
  '--score',
  '200',
];

describe('compress with a recipe that trains', () => {
  it('is stopped by Ctrl-C, leaves the best epoch, goes on there, and says what training did', async () => {
    const output = join(folder, 'stopped');
    const recipe = join(folder, 'recipe.json');
    // Held-out samples that the model has learned choose epoch 0; without them the last epoch counts.
    const qat = { epochs: 5, learningRate: 0.0005, validationFraction: 0 };
    writeFileSync(recipe, JSON.stringify({ name: 'mine', qat }));
    const command = [...digits, '--calibration', '50', '--recipe', recipe, '-o', output, '--json'];
    const first = startCli(command);
    await first.said('epoch 2 of 5');
    first.child.kill('SIGINT');
    const stopped = await first.result;
    expect(stopped.code).toBe(130);
    expect(stopped.stderr + stopped.stdout).toContain(join(output, 'training', 'qat', 'best.tflite'));
    expect(existsSync(join(output, 'model.tflite'))).toBe(false);
    importTflite(readFileSync(join(output, 'training', 'qat', 'best.tflite')), 'best');

    const second = await runCli(command);
    expect(second.code, second.stderr).toBe(0);
    expect(second.stderr).toMatch(/goes on after epoch [2-4]/);
    expect(second.stderr).not.toContain('epoch 1 of 5');
    expect(existsSync(join(output, 'training'))).toBe(false);
    const report = JSON.parse(second.stdout);
    expect(report).toEqual(JSON.parse(readFileSync(join(output, 'report.json'), 'utf8')));
    expect(report.qat.history.length).toBe(6);
    expect(report.qat.bestEpoch).toBe(5);
    expect(report.qat.agreement.every(({ worst }: { worst: number }) => worst <= 1)).toBe(true);
  });

  it('says in words how training ended and how near it was to the integers', async () => {
    const result = await runCli([...digits, '--recipe', 'qat-a8w8', '--epochs', '1', '-o', join(folder, 'words')]);
    expect(result.code, result.stderr).toBe(0);
    expect(result.stdout).toMatch(/quantization-aware training: (epoch 1 of 1 was best|no epoch lowered)/);
    expect(result.stdout).toMatch(/99\.\d+ % of the bytes/);
  });

  it('needs labels', async () => {
    const csv = join(folder, 'bare.npy');
    const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (4, 28, 28, 1), }`.padEnd(117).concat('\n');
    const bytes = Buffer.alloc(10 + header.length + 4 * 784 * 4);
    bytes.write('\x93NUMPY\x01\x00', 'latin1');
    bytes.writeUInt16LE(header.length, 8);
    bytes.write(header, 10, 'latin1');
    writeFileSync(csv, bytes);
    const result = await runCli([
      'compress',
      'examples/digits/model.json',
      '--data',
      csv,
      '--recipe',
      'qat-a8w8',
      '-o',
      join(folder, 'bare'),
    ]);
    expect(result.code).toBe(2);
    expect(result.stderr).toContain('E_TRAINING');
    expect(result.stderr).toContain('labels');
    expect(existsSync(join(folder, 'bare'))).toBe(false);
  });
});
