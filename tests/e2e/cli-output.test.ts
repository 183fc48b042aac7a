/** What the command line says to programs and to people: one JSON document whatever happens, and lines that fit. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createContext } from '../../src/cli/context.js';
import { errorText, usageJson } from '../../src/cli/error-text.js';
import { memoryText } from '../../src/cli/reading-text.js';
import { bytesText, counted } from '../../src/cli/table.js';
import { readingLine } from '../../src/cli/verbs/monitor.js';
import { ThimbleError } from '../../src/core/errors.js';
import type { StageEvent } from '../../src/core/stage-event.js';
import { openDataset } from '../../src/datasets/index.js';
import { compress } from '../../src/pipeline/compress.js';
import { loadModel } from '../../src/pipeline/load-model.js';
import { loadRecipe } from '../../src/pipeline/load-recipe.js';
import { runCli } from './run-cli.js';
import { writeModel, writeSamples } from './sample-model.js';

const folder = mkdtempSync(join(tmpdir(), 'thimble-cli-output-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const plain = createContext({ color: false }, new AbortController().signal).colors;

describe('a mistake in the arguments', () => {
  it.each([
    [['deploi'], 'unknown command', 'deploy'],
    [['inspect', 'm.tflite', '--memry'], 'unknown option', '--memory'],
    [['verify', 'm.tflite'], '--data', 'verify --help'],
    [['compress', 'm.h5', '--data', 'd', '-o', 'o', '--epochs', '1.5'], '--epochs', 'whole number'],
    [[], 'no command', 'Usage: thimble'],
  ])('%j is one JSON document on stdout, and words with a next step on stderr', async (args, what, helps) => {
    const { code, stdout, stderr } = await runCli(['--json', ...args], { cwd: folder });
    expect(code).toBe(2);
    const { error } = JSON.parse(stdout);
    expect(error).toMatchObject({ code: 'E_USAGE', message: expect.stringContaining(what) });
    expect(`${stderr}${error.hints}`).toContain(helps);
    expect(readdirSync(folder).filter((name) => name === 'o')).toEqual([]);
  });

  it('keeps what commander proposes as a hint of its own', () => {
    const error = { code: 'x', exitCode: 1, message: "error: unknown command 'a'\n(Did you mean b?)" };
    expect(usageJson(error as Parameters<typeof usageJson>[0])).toMatchObject({
      error: { message: "unknown command 'a'", hints: ['Did you mean b?', expect.any(String)] },
    });
  });
});

it('help prints the help of a command with its example, as a document too', async () => {
  const { code, stdout } = await runCli(['--json', 'help', 'emit']);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ command: 'emit', text: expect.stringContaining('Example:\n  thimble') });
});

describe('texts', () => {
  it('shorten the names of nodes to their ends, and leave short ones and paths', () => {
    const name = `${'functional_1/'.repeat(12)}conv2d_3`;
    const error = new ThimbleError('E_SHAPE', `node "${name}" and "short"`, 'x', { where: `at node "${name}" (pad)` });
    const text = errorText(error, plain);
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThan(90);
    expect(text).toMatch(/at node "….*conv2d_3" \(pad\)/);
    const path = `/very/${'long/'.repeat(30)}model.tflite`;
    expect(errorText(new ThimbleError('E_FILE', `cannot read "${path}"`, 'x'), plain)).toContain(path);
  });

  it('say a cause of the file system once, and another tool’s words as they are', () => {
    const cause = Object.assign(new Error('ENOENT: no such file'), { code: 'ENOENT' });
    expect(errorText(new ThimbleError('E_FILE', 'there is no such file', 'x', { cause }), plain)).not.toMatch(/ENOENT/);
    const tool = new Error('undefined reference to `x`');
    expect(errorText(new ThimbleError('E_BUILD_FAILED', 'no', 'x', { cause: tool }), plain)).toContain(tool.message);
  });

  it('show no zeros where nothing was measured', () => {
    const memory = { kind: 'memory', arenaBytes: 640, dbBytes: 16, staticBytes: 0, stackBytes: 0 } as const;
    const none = { ...memory, stackHighWaterBytes: 0, heapUsedBytes: 0, heapFreeBytes: 0 };
    expect(memoryText(none)).toBe('arena 640 B, db buffer 16 B; stack and heap are not measured here');
    const board = { ...none, staticBytes: 12_345, stackBytes: 8192, stackHighWaterBytes: 208 };
    expect(memoryText(board)).toBe(
      'static 12.1 KiB (arena 640 B, db buffer 16 B), stack 208 B of 8,192 B used, heap 0 B used',
    );
    expect(memoryText({ ...board, heapUsedBytes: 16, heapFreeBytes: 200_000, temperatureC: 27.06 })).toMatch(
      /heap 16 B used, 195\.3 KiB free; chip at 27\.1 °C$/,
    );
  });

  it('count in singular and plural, and name a value that has no classes', () => {
    expect([counted(1, 'reading'), counted(1200, 'reading'), bytesText(9999)]).toEqual([
      '1 reading',
      '1,200 readings',
      '9,999 B',
    ]);
    const latency = { value: 5, unit: 'us' } as const;
    const reading = { kind: 'inference', origin: 'host', sequence: 0, classIndex: 0, score: 0.5, latency } as const;
    expect(readingLine(reading, [], 1)).toMatch(/5\.00 µs {3}output 0\.500$/);
    expect(readingLine(reading, [], 2)).toMatch(/class 0 \(0\.500\)$/);
    expect(readingLine(reading, ['cat'], 1)).toMatch(/cat \(0\.500\)$/);
  });
});

it.each([
  ['score', 'stopped after'],
  ['calibrate', 'calibrating'],
])('a compression that is stopped in the stage %s ends there', async (stage, word) => {
  const model = await loadModel(writeModel(folder));
  const data = await openDataset(writeSamples(folder, 'many.csv', 200), { expectedShape: [4, 4, 1] });
  const stop = new AbortController();
  const seen: string[] = [];
  const onEvent = (event: StageEvent) => {
    if (seen.at(-1) !== event.stage) seen.push(event.stage);
    if (event.stage.startsWith(stage)) stop.abort();
  };
  const options = { calibration: 100, epochs: 1, learningRate: 0.001, seed: 1, scoreLimit: 100 };
  await expect(
    compress(model, data, { ...options, recipe: loadRecipe('a8w8'), onEvent, signal: stop.signal }),
  ).rejects.toMatchObject({ code: 'E_INTERRUPTED', message: expect.stringContaining(word) });
  expect(seen.at(-1)).toContain(stage);
});
