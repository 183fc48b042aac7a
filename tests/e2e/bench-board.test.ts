/** bench on boards: what it measures, where it says it was measured, and what it writes down. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { onPath } from '../../src/virtual/child-process.js';
import { runCli } from './run-cli.js';
import { writeModel, writeSamples } from './sample-model.js';

const folder = mkdtempSync(join(tmpdir(), 'thimble-bench-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const int8 = join(folder, 'small', 'model.tflite');
let samples: string;
beforeAll(async () => {
  samples = writeSamples(folder);
  expect((await runCli(['compress', writeModel(folder), '--data', samples, '-o', join(folder, 'small')])).code).toBe(0);
});

const bench = (board: string, ...flags: string[]) =>
  runCli(['--json', 'bench', int8, '--board', board, '--port', 'virtual', ...flags], { cwd: folder });
const without = (...tools: string[]): string[] => tools.filter((tool) => !onPath(tool));
const named = (name: string, missing: readonly string[]): string =>
  missing.length > 0 ? `${name} (needs ${missing.join(', ')})` : name;

describe.skipIf(without('cc').length > 0)(named('bench --board', without('cc')), () => {
  it('times runs, layers and five windows, and leaves a session of it', async () => {
    const { code, stdout, stderr } = await bench(
      ...(['host', '--runs', '25', '--warm-up', '2', '--data', samples, '--mlperf', '--window', '0.02'] as const),
    );
    expect(code, stderr).toBe(0);
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({ board: 'host', origin: 'host', warmUps: 2, bitExact: true });
    for (const part of ['latency', 'pre', 'post']) {
      const { unit, n, min, median, p90, p99, max, interval } = result[part];
      expect([unit, n]).toEqual(['us', 25]);
      const order = [min, interval.low, median, interval.high, max];
      expect(order).toEqual([...order].sort((a, b) => a - b));
      expect([median, p90, p99, max]).toEqual([median, p90, p99, max].sort((a, b) => a - b));
    }
    expect(result.pre.median).toBeLessThan(result.latency.median); // it is a part of it
    expect(result.layers.map(({ op }: { op: string }) => op)).toEqual([
      'conv_2d',
      'mean',
      'fully_connected',
      'softmax',
    ]);
    expect(result.mlperf.windows).toHaveLength(5);
    expect(result.mlperf.objections[0]).toBe('it was not measured on a board');
    const [session] = readdirSync(join(folder, '.thimble', 'sessions'));
    expect(session).toMatch(/^\d{8}_\d{6}$/);
    const file = (name: string) => readFileSync(join(folder, '.thimble', 'sessions', session!, name), 'utf8');
    const { folder: where, ...told } = result;
    expect(join(folder, where)).toBe(join(folder, '.thimble', 'sessions', session!));
    expect(JSON.parse(file('results.json'))).toEqual(told);
    for (const part of ['95 % interval', 'conv_2d', 'median throughput', 'no result of the benchmark'])
      expect(file('results.txt')).toContain(part);
    expect(file('results.txt')).not.toContain('\u001b');
    expect(file('log.txt')).toMatch(/Z bench 10 of 25\n[\s\S]*Z mlperf 5 of 5\n$/);
  });

  it('says what is wrong before it begins, and writes nothing then', async () => {
    const flags = ['bench', int8, '--board', 'host'];
    for (const wrong of [
      [...flags, '--core', 'cortex-m4'],
      ['bench', int8],
      [...flags, '--warm-up', '-1'],
    ])
      expect((await runCli(wrong)).code, wrong.join(' ')).toBe(2);
  });
});

const pico = without('arm-none-eabi-gcc');
it.skipIf(pico.length > 0)(named('counts the same cycles again and again on a virtual Pico', pico), async () => {
  const { code, stdout, stderr } = await bench('pico', '--runs', '12', '-o', 'pico');
  expect(code, stderr).toBe(0);
  const { origin, clockHz, latency, memory, bitExact, mlperf } = JSON.parse(stdout);
  expect({ origin, clockHz, bitExact, mlperf }).toEqual({
    ...{ origin: 'virtual-cycles', clockHz: 125e6, bitExact: true, mlperf: null },
  });
  expect(latency.unit).toBe('us');
  expect(latency.max - latency.min).toBeLessThanOrEqual(0.1); // some cycles of 8 ns
  expect(memory.temperatureC).toBeCloseTo(27, 0);
  expect(existsSync(join(folder, 'pico', 'results.txt'))).toBe(true);
});

const m55 = without('arm-none-eabi-gcc', 'qemu-system-arm');
it.skipIf(m55.length > 0)(named('shows no time where instructions are counted', m55), async () => {
  const { code, stdout, stderr } = await bench('virt-m55', '--runs', '6');
  expect(code, stderr).toBe(0);
  const { origin, latency, layers } = JSON.parse(stdout);
  expect([origin, latency.unit]).toEqual(['virtual-instructions', 'instructions']);
  expect(layers.every((layer: { latency: { unit: string } }) => layer.latency.unit === 'instructions')).toBe(true);
  expect(await bench('virt-m55', '--mlperf')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('counts instructions, and MLPerf Tiny asks for time'),
  });
});
