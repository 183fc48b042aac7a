/** What MLPerf Tiny's runner does with a board, done by a client on pyserial over a pty: the firmware is Thimble's own. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createInterpreter } from '../../src/interpret/interpreter.js';
import { loadModel } from '../../src/pipeline/load-model.js';
import { onPath } from '../../src/virtual/child-process.js';
import { sharedBytes, withoutShared } from '../shared-folder.js';
import { type RunningCli, runCli, startCli } from './run-cli.js';
import { writeModel, writeSamples } from './sample-model.js';

const PYTHON = '/usr/bin/python3'; // Debian's, which has its python3-serial
const client = join(import.meta.dirname, 'mlperf_client.py');
const folder = mkdtempSync(join(tmpdir(), 'thimble-mlperf-'));
const servers: RunningCli[] = [];
afterAll(async () => {
  for (const { child } of servers) child.kill('SIGTERM');
  await Promise.all(servers.map(({ result }) => result));
  rmSync(folder, { recursive: true, force: true });
});

const int8 = join(folder, 'small', 'model.tflite');
const samples = Array.from({ length: 6 }, (_, k) => Int8Array.from({ length: 16 }, (_, i) => (k * 43 + i * 29) % 256));

/** As the benchmark's data sets are: a file a sample, and y_labels.csv. */
function writeDataset(name: string, files: readonly { bytes: Uint8Array; label: number }[], classes: number): string {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  for (const [k, { bytes }] of files.entries()) writeFileSync(join(path, `${k}.bin`), bytes);
  writeFileSync(join(path, 'y_labels.csv'), files.map(({ label }, k) => `${k}.bin, ${classes}, ${label}\n`).join(''));
  return path;
}

async function serve(model: string, board: string, name: string, ...flags: string[]): Promise<string> {
  const [project, pty] = [join(folder, `${name}-project`), join(folder, `${name}-port`)];
  const built = await runCli(['--json', 'build', model, '--board', board, '-o', project, ...flags]);
  expect(built.code, built.stderr).toBe(0);
  const server = startCli(['virtual', board, '--pty', pty, '--image', imageFor(board, JSON.parse(built.stdout).image)]);
  servers.push(server);
  await server.said('Ctrl-C ends it');
  return pty;
}

/** The boot loader of an Uno takes Intel HEX. */
const imageFor = (board: string, image: string): string =>
  board === 'arduino-uno' ? image.replace(/\.elf$/, '.hex') : image;

const drive = (...args: string[]) => execa(PYTHON, [client, ...args], { reject: false, timeout: 90_000 });

const withoutSerial = spawnSync(PYTHON, ['-c', 'import serial']).status !== 0;
const missing = [...(withoutSerial ? ['python3-serial'] : []), ...['cc'].filter((tool) => !onPath(tool))];

describe.skipIf(missing.length > 0)(
  `MLPerf Tiny’s dialect${missing.length ? ` (needs ${missing.join(', ')})` : ''}`,
  () => {
    let dataset: string;
    let wanted: number[][]; // as m-results tells them
    beforeAll(async () => {
      const { code } = await runCli([
        'compress',
        writeModel(folder),
        '--data',
        writeSamples(folder),
        '-o',
        join(folder, 'small'),
      ]);
      expect(code).toBe(0);
      const { graph } = await loadModel(int8);
      const interpreter = createInterpreter(graph);
      const { scale, zeroPoint } = graph.tensors.get(graph.outputs[0]!)!.quant!;
      wanted = samples.map((sample) =>
        [...interpreter.run([sample])[0]!].map((q) => Number((scale[0]! * (Number(q) - zeroPoint[0]!)).toFixed(3))),
      );
      const files = samples.map((sample, k) => ({
        bytes: new Uint8Array(sample.buffer),
        label: wanted[k]!.indexOf(Math.max(...wanted[k]!)),
      }));
      dataset = writeDataset('set', files, 2);
    });

    const boards = [
      { id: 'host', tools: ['cc'], runs: 20 },
      { id: 'rpi-pico', tools: ['arm-none-eabi-gcc'], runs: 10 },
      { id: 'arduino-uno', tools: ['avr-gcc'], runs: 10 }, // text alone, in 2 KB of RAM
    ];
    for (const { id, tools, runs } of boards) {
      const absent = tools.filter((tool) => !onPath(tool));
      it.skipIf(absent.length > 0)(`drives ${id}${absent.length ? ` (needs ${absent.join(', ')})` : ''}`, async () => {
        const pty = await serve(int8, id, id, '--mlperf-id', 'ic01');
        const { stdout, stderr, exitCode } = await drive(
          ...[pty, dataset, '--infer', `${runs}`, '2', '--seconds', '0', '--accuracy', `${samples.length}`],
        );
        expect(exitCode, stderr).toBe(0);
        const heard = JSON.parse(stdout);
        expect(heard).toMatchObject({ name: 'thimble', model: 'ic01' });
        expect(heard.timestamps[1]).toBeGreaterThan(heard.timestamps[0]);
        expect(heard.accuracy).toEqual({ n: samples.length, hits: samples.length, outputs: wanted });
        expect(heard.performance.rates).toHaveLength(5);
        for (const rate of heard.performance.rates) expect(rate).toBeGreaterThan(0);
      });
    }

    it('is refused by the runner’s own rules where it should be', async () => {
      const pty = await serve(int8, 'host', 'rules', '--mlperf-id', 'kws01');
      const short = await drive(pty, dataset, '--infer', '10', '0');
      expect(short.stderr).toContain('error 2'); // ten inferences of this model take no ten seconds
      const other = writeDataset('other', [{ bytes: new Uint8Array(17), label: 0 }], 2);
      expect((await drive(pty, other, '--infer', '10', '0')).stderr).toContain('e-[The model takes 16 bytes of input]');
      const unnamed = await serve(int8, 'host', 'unnamed');
      expect((await drive(unnamed, dataset, '--infer', '10', '0')).stderr).toMatch(/no test for .* 'model'/);
      const wrong = await runCli(['build', int8, '--board', 'host', '--mlperf-id', 'kws02']);
      expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('kws01, vww01, ad01, ic01, strww01') });
    });

    it.skipIf(withoutShared)(
      'gives the accuracy of TensorFlow Lite Micro on 200 keywords (needs ../shared)',
      async () => {
        const BYTES = 490;
        const all = sharedBytes('data/kws01/samples.bin');
        const rows = Buffer.from(sharedBytes('data/kws01/labels.csv')).toString().trim().split('\n');
        const labels = rows.filter((row) => /,\s*\d+\s*$/.test(row)).map((row) => Number(row.split(',').at(-1)));
        expect(labels).toHaveLength(200);
        const files = labels.map((label, k) => ({ bytes: all.slice(k * BYTES, (k + 1) * BYTES), label }));
        const model = join(folder, 'kws.tflite');
        writeFileSync(model, sharedBytes('models/kws_ref_model.tflite'));
        const pty = await serve(model, 'host', 'kws', '--mlperf-id', 'kws01');
        const { stdout, stderr, exitCode } = await drive(
          ...[pty, writeDataset('kws', files, 12), '--infer', '10', '1', '--seconds', '0', '--accuracy', '200'],
        );
        expect(exitCode, stderr).toBe(0);
        expect(JSON.parse(stdout)).toMatchObject({ model: 'kws01', accuracy: { n: 200, hits: 183 } });
      },
    );

    it('knows nothing of Thimble', () => {
      const code = readFileSync(client, 'utf8').split('"""')[2]!;
      expect(code).not.toMatch(/thimble|sum=|frames/i);
    });
  },
);
