/** One run on a board, and what the estimates of later models make of it. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { emitTflite } from '../../src/emit/tflite.js';
import { hasTool } from '../../src/engines/core-program.js';
import { graphOf, layerNode } from '../unit/ops/weighted-layer.js';
import { runCli } from './run-cli.js';

const folder = mkdtempSync(join(tmpdir(), 'thimble-calibrate-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const layer = graphOf('conv_2d', layerNode({ op: 'conv_2d', input: [1, 12, 12, 4], weights: [8, 3, 3, 4] }));
const model = join(folder, 'sample.tflite');
writeFileSync(model, emitTflite(layer));
const file = join(folder, 'thimble', 'calibrations', 'rpi-pico.json');
const thimble = (...args: readonly string[]) => runCli(args, { env: { XDG_CONFIG_HOME: folder } });
const latencyOf = async () => {
  const { stdout, stderr } = await thimble('inspect', model, '--board', 'pico', '--json');
  expect(stderr).toBe('');
  return JSON.parse(stdout).board.latency;
};

describe('calibrate-board', () => {
  it('refuses an emulator without a clock, and this computer, and keeps nothing', async () => {
    const { code, stderr } = await thimble('calibrate-board', model, '--board', 'host', '--port', 'virtual');
    expect(stderr).toContain('error[E_USAGE]: "host" is no microcontroller');
    expect(code).toBe(2);
    expect(readdirSync(folder)).toEqual(['sample.tflite']);
  });

  it.skipIf(!hasTool('arm-none-eabi-gcc'))(
    'makes of a guess an estimate that holds the measured time (needs arm-none-eabi-gcc)',
    async () => {
      const guess = await latencyOf();
      expect(guess.cyclesPerInstruction.basis).toContain('assumed');
      const run = await thimble(
        'calibrate-board',
        model,
        '--board',
        'pico',
        '--port',
        'virtual',
        '--runs',
        '3',
        '--json',
      );
      expect(run.code, run.stderr).toBe(0);
      const measured = JSON.parse(run.stdout);
      expect(measured).toMatchObject({ board: 'rpi-pico', origin: 'virtual-cycles', model: 'sample.tflite', file });
      const estimate = await latencyOf();
      expect(estimate.cyclesPerInstruction.basis).toContain('fitted to sample.tflite on the virtual board');
      expect(estimate.us).toBeCloseTo(measured.latencyUs, 6); // of the model that it was fitted to
      expect(estimate.highUs - estimate.lowUs).toBeLessThan(guess.highUs - guess.lowUs);
      expect([guess.lowUs < measured.latencyUs, measured.latencyUs < guess.highUs]).toEqual([true, true]);
    },
    120_000,
  );

  it('says which file is damaged, and what to do', async () => {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, '{"board": "rpi-pico"}');
    const { code, stderr } = await thimble('inspect', model, '--board', 'pico');
    expect(stderr).toContain(`error[E_CONFIG]: ${file} is no calibration`);
    expect(code).toBe(2);
    expect(existsSync(file)).toBe(true);
  });
});
