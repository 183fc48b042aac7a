/** Boards without a framework, from the command line: served on a pty, flashed, verified and read through serialport. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { onPath } from '../../src/virtual/child-process.js';
import { type RunningCli, runCli, startCli } from './run-cli.js';
import { writeModel, writeSamples } from './sample-model.js';

const folder = mkdtempSync(join(tmpdir(), 'thimble-bare-metal-'));
const servers: RunningCli[] = [];
afterAll(async () => {
  for (const { child } of servers) child.kill('SIGTERM');
  await Promise.all(servers.map(({ result }) => result));
  rmSync(folder, { recursive: true, force: true });
});

const arm = ['arm-none-eabi-gcc', 'qemu-system-arm', 'cc'];
const boards = [
  { id: 'olimex-stm32-h405', drive: 'h405', tools: arm },
  { id: 'microbit-v1', drive: 'MICROBIT', tools: arm },
  { id: 'virt-m55', drive: 'm55', tools: arm },
  { id: 'virt-rv32', drive: 'rv32', tools: ['riscv64-unknown-elf-gcc', 'qemu-system-riscv32', 'cc'] },
] as const;

let samples: string;
const int8 = join(folder, 'small', 'model.tflite');
beforeAll(async () => {
  samples = writeSamples(folder);
  const { code } = await runCli(['compress', writeModel(folder), '--data', samples, '-o', join(folder, 'small')]);
  expect(code).toBe(0);
});

for (const { id, drive: name, tools } of boards) {
  const missing = tools.filter((tool) => !onPath(tool));
  describe.skipIf(missing.length > 0)(`${id}${missing.length ? ` (needs ${missing.join(', ')})` : ''}`, () => {
    it('is deployed to, gives the right answers and counts instructions', async () => {
      const [pty, drive] = [join(folder, `port-${id}`), join(folder, name)];
      const server = startCli(['virtual', id, '--pty', pty, '--drive', drive]);
      servers.push(server);
      await server.said('Ctrl-C ends it');
      const output = join(folder, `deployed-${id}`);
      const { code, stdout, stderr } = await runCli([
        ...['--json', 'deploy', int8, '--data', samples, '--board', id, '--port', pty, '--drive', drive],
        ...['--verify', '6', '--count', '3', '-o', output],
      ]);
      expect(code, stderr).toBe(0);
      const report = JSON.parse(stdout);
      expect(report).toMatchObject({
        origin: 'virtual-instructions',
        verified: { n: 6, bitExact: 6 },
        latency: { unit: 'instructions', n: 3 },
      });
      // Some 800 multiplications; between two runs lies a tick at most.
      expect(report.latency.median).toBeGreaterThan(1000);
      expect(report.latency.median).toBeLessThan(30_000);
      expect(report.latency.max - report.latency.min).toBeLessThanOrEqual(2);
      expect(report.memory.stackHighWaterBytes).toBeGreaterThan(0);
      expect(existsSync(join(drive, 'firmware.hex')) || existsSync(join(drive, 'firmware.elf'))).toBe(false);
      expect(readFileSync(join(output, 'firmware', 'build.sh'), 'utf8')).toContain('-o build/firmware.elf');
    });
  });
}

const withoutRom = ['stm32flash', ...arm].filter((tool) => !onPath(tool));
describe.skipIf(withoutRom.length > 0)(
  `an STM32’s ROM${withoutRom.length ? ` (needs ${withoutRom.join(', ')})` : ''}`,
  () => {
    it('takes a program from the real stm32flash, which reads it back and starts it', async () => {
      const pty = join(folder, 'port-rom');
      const server = startCli(['virtual', 'h405', '--pty', pty]);
      servers.push(server);
      await server.said('Ctrl-C ends it');
      const deploy = (output: string) =>
        runCli([
          ...['--json', 'deploy', int8, '--data', samples, '--board', 'h405', '--port', pty],
          ...['--verify', '4', '--count', '2', '-o', join(folder, output)],
        ]);
      for (const output of ['rom-first', 'rom-again']) {
        const { code, stdout, stderr } = await deploy(output);
        expect(code, stderr).toBe(0);
        expect(stderr).toContain('stm32flash -b 115200');
        expect(JSON.parse(stdout)).toMatchObject({
          origin: 'virtual-instructions',
          verified: { n: 4, bitExact: 4 },
        });
      }
    });
  },
);
