/** monitor as a person uses it: on a served board that goes and comes back, into files, in a terminal. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { onPath } from '../../src/virtual/child-process.js';
import { projectFolder } from '../shared-folder.js';
import { type RunningCli, runCli, startCli } from './run-cli.js';
import { brightnessGraph, writeModel, writeSamples } from './sample-model.js';

const folder = mkdtempSync(join(tmpdir(), 'thimble-e2e-monitor-'));
const int8 = join(folder, 'small', 'model.tflite');
const project = join(folder, 'project');
const image = join(project, 'build', 'firmware');
const servers: RunningCli[] = [];

const serve = async (pty: string, program = image): Promise<RunningCli> => {
  const server = startCli(['virtual', 'host', '--pty', pty, '--image', program]);
  servers.push(server);
  await server.said('Ctrl-C ends it');
  return server;
};

const missing = onPath('cc') ? '' : ' (needs cc)';
describe.skipIf(missing !== '')(`monitor${missing}`, () => {
  beforeAll(async () => {
    const data = writeSamples(folder);
    expect((await runCli(['compress', writeModel(folder), '--data', data, '-o', join(folder, 'small')])).code).toBe(0);
    expect((await runCli(['build', int8, '--board', 'host', '-o', project])).code).toBe(0);
  });
  afterAll(async () => {
    for (const { child } of servers) child.kill('SIGTERM');
    await Promise.all(servers.map(({ result }) => result));
    rmSync(folder, { recursive: true, force: true });
  });

  it('waits for a board that went away, goes on, and Ctrl-C leaves whole files', async () => {
    const pty = join(folder, 'board');
    const [csv, jsonl, log] = ['csv', 'jsonl', 'log'].map((kind) => join(folder, `readings.${kind}`)) as [
      string,
      string,
      string,
    ];
    const first = await serve(pty);
    const watching = startCli([
      ...['monitor', int8, '--board', 'host', '--port', pty],
      ...['--csv', csv, '--jsonl', jsonl, '--log', log],
    ]);
    await watching.said(/#5 /);
    first.child.kill('SIGTERM');
    await first.result;
    await watching.said('went away; waiting for it to come back');
    const before = readFileSync(jsonl, 'utf8').split('\n').length;
    await serve(pty);
    await watching.said('the board is back on');
    for (const start = Date.now(); readFileSync(jsonl, 'utf8').split('\n').length < before + 5; ) {
      if (Date.now() - start > 30_000) throw new Error('no reading after the return');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    watching.child.kill('SIGINT');
    const { code, stdout } = await watching.result;
    expect(code).toBe(0);
    const n = Number(/([\d,]+) readings: median/.exec(stdout)?.[1]?.replaceAll(',', ''));
    const lines = readFileSync(jsonl, 'utf8').split('\n');
    expect(lines.pop()).toBe('');
    expect(lines.map((line) => JSON.parse(line).origin).every((origin) => origin === 'host')).toBe(true);
    expect(lines).toHaveLength(n);
    expect(lines.filter((line) => JSON.parse(line).sequence === 0)).toHaveLength(2);
    const rows = readFileSync(csv, 'utf8').trimEnd().split('\n');
    expect(rows).toHaveLength(n + 1);
    expect(new Set(rows.map((row) => row.split(',').length))).toEqual(new Set([10]));
    expect(readFileSync(log, 'utf8')).toMatch(/went away[\s\S]*is back[\s\S]*median/);
  });

  it('ends with what it saw where Ctrl-C comes while the board is away, and says when another one comes', async () => {
    const pty = join(folder, 'away');
    const log = join(folder, 'away.log');
    let server = await serve(pty);
    const stopped = startCli(['monitor', '--board', 'host', '--port', pty, '--log', log]);
    await stopped.said(/#2 /);
    server.child.kill('SIGTERM');
    await server.result;
    await stopped.said('went away');
    stopped.child.kill('SIGINT');
    const { code, stdout } = await stopped.result;
    expect([code, stdout]).toEqual([0, expect.stringMatching(/readings: median/)]);
    expect(readFileSync(log, 'utf8')).toMatch(/went away[\s\S]*memory arena [^\n]*\n$/);

    server = await serve(pty);
    const misled = startCli(['monitor', '--board', 'host', '--port', pty]);
    await misled.said(/#2 /);
    server.child.kill('SIGTERM');
    await server.result;
    await misled.said('went away');
    const other = join(folder, 'other-project');
    const graph = brightnessGraph(0.5);
    const float = writeModel(folder, 'other-float.tflite', graph);
    expect(
      (await runCli(['compress', float, '--data', join(folder, 'samples.csv'), '-o', join(folder, 'other')])).code,
    ).toBe(0);
    expect((await runCli(['build', join(folder, 'other', 'model.tflite'), '--board', 'host', '-o', other])).code).toBe(
      0,
    );
    await serve(pty, join(other, 'build', 'firmware'));
    const end = await misled.result;
    expect([end.code, end.stderr]).toEqual([6, expect.stringContaining('E_WRONG_FIRMWARE')]);
  });

  it.skipIf(!onPath('script'))('draws a picture in a terminal, and lines with --plain (needs script)', async () => {
    const pty = join(folder, 'drawn');
    await serve(pty);
    const monitor = (...flags: string[]) =>
      execa(
        'script',
        [
          '-qec',
          `stty cols 100 rows 30; ${process.execPath} --import tsx src/cli.ts monitor ${int8} --board host --port ${pty} --count 30 ${flags.join(' ')}`,
          '/dev/null',
        ],
        { cwd: projectFolder },
      );
    const drawn = (await monitor()).stdout;
    expect(drawn).toMatch(/[▁▂▃▄▅▆▇█]{30}/);
    expect(drawn).toMatch(/now .* p50 .* p90 .* p99 /);
    expect(drawn).toMatch(/#29 /);
    const plain = (await monitor('--plain')).stdout;
    expect(plain).not.toMatch(/[▁█]/);
    expect(plain.match(/#\d+ /g)).toHaveLength(30);
  });
});
