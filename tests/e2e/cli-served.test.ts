/** Boards served by one process and used by others: wrong arithmetic is found, and figures keep their origin. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { onPath } from '../../src/virtual/child-process.js';
import { type RunningCli, runCli, startCli } from './run-cli.js';
import { writeModel, writeSamples } from './sample-model.js';

const folder = mkdtempSync(join(tmpdir(), 'thimble-cli-served-'));
const servers: RunningCli[] = [];
afterAll(async () => {
  for (const { child } of servers) child.kill('SIGTERM');
  await Promise.all(servers.map(({ result }) => result));
  rmSync(folder, { recursive: true, force: true });
});

let samples: string;
const int8 = join(folder, 'small', 'model.tflite');
beforeAll(async () => {
  samples = writeSamples(folder);
  const { code } = await runCli(['compress', writeModel(folder), '--data', samples, '-o', join(folder, 'small')]);
  expect(code).toBe(0);
});

async function serve(board: string, image: string): Promise<string> {
  const pty = join(folder, board);
  const server = startCli(['virtual', board, '--pty', pty, '--image', image]);
  servers.push(server);
  await server.said('Ctrl-C ends it');
  return pty;
}

/** One document, even where the command fails. */
async function json(...args: string[]) {
  const { code, stdout, stderr } = await runCli(['--json', ...args]);
  return { code, stderr, document: JSON.parse(stdout) };
}

const missingCc = onPath('cc') ? '' : ' (needs cc)';
describe.skipIf(missingCc !== '')(`a firmware whose weights were changed${missingCc}`, () => {
  it('is told from the right one by the first operator that differs; its pty is never a device', async () => {
    const project = join(folder, 'tampered');
    expect((await runCli(['build', int8, '--board', 'host', '-o', project])).code).toBe(0);
    const source = join(project, 'model', 'model.c');
    const text = readFileSync(source, 'utf8');
    const weights = /(?<before>const int8_t model_layer2_weights\[)8(?<after>\][^{]*\{)[^}]*/;
    expect(text).toMatch(weights);
    writeFileSync(source, text.replace(weights, `$<before>8$<after>${'127, '.repeat(8)}`)); // one answer to everything, under the same sha256
    execFileSync('sh', [join(project, 'build.sh')], { stdio: 'ignore' });
    const pty = await serve('host', join(project, 'build', 'firmware'));

    const verify = ['verify', int8, '--data', samples, '--limit', '8', '--board', 'host', '--port', pty];
    const { code, stderr, document } = await json(...verify);
    expect(code).toBe(6);
    expect(document).toMatchObject({
      error: { code: 'E_VERIFY_MISMATCH' },
      firstMismatch: { layer: { index: 2, op: 'fully_connected', elements: 2 } },
      sameClass: { n: 8, hits: 4 },
    });
    expect(document.bitExact).toBeLessThan(8);
    const { first, differing } = document.firstMismatch.layer;
    expect([differing > 0, first.board === first.host]).toEqual([true, false]);
    expect(stderr).toMatch(
      /at node "dense" \(fully_connected\), operator 2, the first that differs: in [12] of 2 values, first in value [01], -?\d+ instead of -?\d+/,
    );

    rmSync(`${pty}.json`); // nobody says any more what is behind the port
    const watched = await json('monitor', '--board', 'pico', '--port', pty, '--count', '1');
    expect([watched.code, watched.document.origin]).toEqual([0, 'host']);
  });

  it('Ctrl-C ends a verification with 130', async () => {
    const many = writeSamples(folder, 'many.csv', 60_000);
    const running = startCli(['verify', int8, '--data', many, '--board', 'host', '--port', 'virtual']);
    await running.said('restarted');
    await new Promise((resolve) => setTimeout(resolve, 200));
    running.child.kill('SIGINT');
    const { code, stdout, stderr } = await running.result;
    expect(code).toBe(130);
    // What was verified by then is told; nothing, where that was no sample yet.
    if (stdout !== '') expect(stdout).toContain('stopped before all 60,000 samples were run');
    expect(stderr).toContain('E_INTERRUPTED');
    expect(stderr).not.toMatch(/^\s+at .*:\d+:\d+/m);
  });
});

const missing = ['arm-none-eabi-gcc', 'qemu-system-arm'].filter((tool) => !onPath(tool));
describe.skipIf(missing.length > 0)(`a served emulator${missing.length > 0 ? ` (needs ${missing})` : ''}`, () => {
  it('gives instructions to the program at the other end, and is bit-exact', async () => {
    const project = join(folder, 'mps2');
    const built = await json('build', int8, '--board', 'mps2-an386', '-o', project);
    const pty = await serve('mps2-an386', built.document.image);
    const verified = await json(
      ...['verify', int8, '--data', samples, '--limit', '4', '--board', 'mps2-an386', '--port', pty],
    );
    expect(verified.document).toMatchObject({
      origin: 'virtual-instructions',
      bitExact: 4,
      latency: { unit: 'instructions' },
    });
    const { stdout, code } = await runCli(['monitor', '--board', 'mps2-an386', '--port', pty, '--count', '1']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/1 reading: median [\d,]+ instructions/);
    expect(stdout).not.toMatch(/\d (ms|µs|s)\b/);
  });
});
