/** A sweep from the command line: worker processes, a linked program for the board, Ctrl-C and going on. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canRun, emulatedCores } from '../../src/engines/core-program.js';
import { importTflite } from '../../src/importers/tflite/tflite.js';
import { runCli, startCli } from './run-cli.js';
import { writeModel, writeSamples } from './sample-model.js';

const folder = mkdtempSync(join(tmpdir(), 'thimble-sweep-'));
const output = join(folder, 'out');
const setFile = join(folder, 'set.json');
let command: string[];
beforeAll(() => {
  const train = { train: { epochs: 2, learningRate: 0.01 } };
  writeFileSync(
    setFile,
    JSON.stringify({
      name: 'small',
      grid: [[[], [{ prune: { channels: 0.5 } }, train], [train]], [[{ quantize: 'a8w8' }]]],
    }),
  );
  const data = ['--data', writeSamples(folder, 'train.csv', 160), '--test', writeSamples(folder, 'test.csv', 40)];
  command = ['sweep', writeModel(folder), ...data, '--set', setFile, '--board', 'nucleo-f401re', '-o', output];
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('sweep', () => {
  it('is stopped by Ctrl-C, goes on in two processes, and leaves table, CSV, JSON, SVG and the front', async () => {
    const first = startCli([...command, '--workers', '2']);
    await first.said(/%$/m);
    first.child.kill('SIGINT');
    const stopped = await first.result;
    expect([stopped.code, stopped.stderr]).toEqual([130, expect.stringContaining('goes on from there')]);
    expect(existsSync(join(output, 'sweep.json'))).toBe(false);

    const { code, stdout, stderr } = await runCli([...command, '--workers', '2']);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/\d+ stages? of an earlier run used/);
    expect(stdout).toContain('The front on 40 samples that took no part in any choice (test data)');
    const report = JSON.parse(readFileSync(join(output, 'sweep.json'), 'utf8'));
    expect(report.points.map(({ name }: { name: string }) => name)).toEqual(['a8w8', 'prune50-a8w8', 'train-a8w8']);
    expect(report).toMatchObject({
      seed: 1,
      board: 'nucleo-f401re',
      source: { sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
    expect(readFileSync(join(output, 'sweep.csv'), 'utf8').trimEnd().split('\r\n')).toHaveLength(4);
    expect(readFileSync(join(output, 'sweep.svg'), 'utf8')).toContain('<svg');
    const models = readdirSync(join(output, 'models'));
    const front = report.points.filter(({ onFront }: { onFront: boolean }) => onFront);
    expect(models.map((file) => `models/${file}`).sort()).toEqual(
      front.map(({ file }: { file: string }) => file).sort(),
    );
    for (const file of models) importTflite(readFileSync(join(output, 'models', file)), file);
    if (!canRun(emulatedCores['cortex-m4'])) return; // then figures are predicted: the unit tests look at those
    for (const { measured } of report.points)
      expect(measured).toMatchObject({
        core: 'cortex-m4',
        bitExact: true,
        flash: { basis: 'linked' },
        instructions: { origin: 'virtual-instructions' },
      });
  });

  it('gives the same in one process and as JSON', async () => {
    const earlier = JSON.parse(readFileSync(join(output, 'sweep.json'), 'utf8'));
    const again = join(folder, 'again');
    const { code, stdout } = await runCli(['--json', ...command.slice(0, -1), again, '--workers', '1']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual(earlier);
  });

  it('ends with exit code 3 where nothing fits the board, with all that was measured', async () => {
    const tiny = join(folder, 'tiny.json');
    const board = JSON.parse(readFileSync('boards/arduino-uno.json', 'utf8'));
    writeFileSync(
      tiny,
      JSON.stringify({ ...board, id: 'tiny', ramBytes: board.reserved.ramBytes + board.reserved.stackBytes + 8 }),
    );
    const none = join(folder, 'tiny');
    const { code, stdout, stderr } = await runCli([
      ...command.slice(0, -2),
      '--board',
      tiny,
      '-o',
      none,
      '--workers',
      '1',
    ]);
    expect([code, stderr]).toEqual([3, expect.stringMatching(/none of 3 models fits .*tiny/)]);
    expect(stdout).toContain('does not fit');
    expect(existsSync(join(none, 'sweep.csv'))).toBe(true);
  });

  it('tells of wrong words and of too little data, and writes nothing then', async () => {
    const wrong = join(folder, 'wrong.json');
    writeFileSync(wrong, JSON.stringify({ name: 'wrong', points: [{ steps: [{ quantize: 'a8w8' }], colour: 1 }] }));
    const refused = await runCli([...command, '--set', wrong]);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('"colour"')]);
    const unknown = await runCli([...command, '--set', 'nothing']);
    expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining('compression-frontier')]);
    const few = writeSamples(folder, 'few.csv', 8);
    const empty = await runCli([...command, '--data', few, '-o', join(folder, 'none')]);
    expect([empty.code, empty.stderr]).toEqual([2, expect.stringContaining('E_DATA_EMPTY')]);
    expect(existsSync(join(folder, 'none'))).toBe(false);
  });
});
