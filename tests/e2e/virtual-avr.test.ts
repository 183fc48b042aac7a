/** Uno and Mega without a board: the real avrdude and the boot loaders that Arduino ships, over a pty, through the command line. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadBoard } from '../../src/boards/load-board.js';
import type { FirmwareImage } from '../../src/core/firmware-image.js';
import { decodeIntelHex } from '../../src/core/intel-hex.js';
import { connect } from '../../src/device/protocol.js';
import { openSerialPort } from '../../src/device/serial-port.js';
import { buildFirmware } from '../../src/firmware/build-firmware.js';
import { flashMethodOf } from '../../src/flash/index.js';
import { findBootLoader } from '../../src/virtual/avr-boot-loader.js';
import { onPath } from '../../src/virtual/child-process.js';
import { openVirtualBoard, serveOnPty } from '../../src/virtual/index.js';
import { tinyFiles, tinyGraph, tinyOutput } from '../unit/firmware/tiny-model.js';
import { runCli, startCli } from './run-cli.js';
import { writeModel, writeSamples } from './sample-model.js';

const folder = mkdtempSync(join(tmpdir(), 'thimble-virtual-avr-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const core = '/usr/share/arduino/hardware/arduino/avr';
const missing = [
  ...['avr-gcc', 'avrdude', 'cc'].filter((tool) => !onPath(tool)),
  ...(existsSync(core) ? [] : ['arduino-core-avr']),
];
const needs = missing.length ? ` (needs ${missing})` : '';
const TIMEOUT = { timeout: 180_000 };

const build = (id: string): Promise<FirmwareImage> =>
  buildFirmware({
    ...{ board: loadBoard(id), modelFiles: tinyFiles(), modelName: 'tiny', graph: tinyGraph, hooks: false },
    folder: join(folder, `tiny-${id}`),
  });

describe.skipIf(missing.length > 0)(`the boot loaders of an Arduino core${needs}`, () => {
  it('are used as shipped, or compiled where they overrun', async () => {
    const mega = await findBootLoader('ATmega2560');
    const shipped = readFileSync(join(core, 'bootloaders/stk500v2/stk500boot_v2_mega2560.hex'), 'latin1');
    expect(mega).toEqual(decodeIntelHex(shipped));
    const uno = await findBootLoader('ATmega328P');
    expect(uno!.map(({ address }) => address)).toEqual([0x7e00, 0x7ffe]); // code, and its version
    expect(uno!.every(({ address, bytes }) => address + bytes.length <= 0x8000)).toBe(true);
    expect(await findBootLoader('ATmega328P', [join(folder, 'no-core')])).toBeUndefined();
  });
});

describe.skipIf(missing.length > 0)(`thimble deploy, from a float model to readings of a virtual board${needs}`, () => {
  it.each(['uno', 'mega'])('%s', TIMEOUT, async (name) => {
    const pty = join(folder, name);
    const server = startCli(['virtual', name, '--pty', pty], { timeoutMs: 170_000 });
    try {
      await server.said('Ctrl-C ends it');
      const samples = writeSamples(folder, `${name}.csv`);
      const output = join(folder, `deployed-${name}`);
      const args = ['deploy', writeModel(folder, `${name}.tflite`), '--data', samples, '--board', name, '--port', pty];
      const deployed = await runCli(['--json', ...args, '--verify', '8', '--count', '3', '-o', output], {
        timeoutMs: 170_000,
      });
      expect(deployed.stderr).toContain('write and verify: avrdude');
      expect(deployed.code).toBe(0);
      const report = JSON.parse(deployed.stdout);
      expect(report).toMatchObject({
        board: loadBoard(name).id,
        origin: 'virtual-cycles',
        verified: { n: 8, bitExact: 8 },
        latency: { n: 3 },
      });
      expect(report.latency.median).toBeGreaterThan(100); // 584 multiplications at 16 MHz
    } finally {
      server.child.kill('SIGTERM');
      await server.result;
    }
  });
});

describe.skipIf(missing.length > 0)(`flashing a virtual Uno that is disturbed${needs}`, () => {
  it('says in what state an interrupted board is, and is whole after the next try', TIMEOUT, async () => {
    const board = loadBoard('uno');
    const image = await build('uno');
    const virtual = await openVirtualBoard(board);
    const port = join(folder, 'disturbed');
    const server = await serveOnPty(virtual, port);
    try {
      const controller = new AbortController();
      const flashing = flashMethodOf(board).flash({
        ...{ board, image, port, signal: controller.signal },
        onEvent: ({ done }) => {
          if (done !== undefined && done >= 30) controller.abort();
        },
      });
      await expect(flashing).rejects.toMatchObject({
        code: 'E_INTERRUPTED',
        message: expect.stringContaining('may hold half a program; its boot loader is untouched'),
        hints: expect.arrayContaining(['Flash again.']),
      });
      await flashMethodOf(board).flash({ board, image, port });
      const link = await connect(await openSerialPort(port, { baud: 115_200 }), { resetsOnOpen: true });
      const input = Int8Array.of(5, 4, 3, 2, 1, 0, -1, 127);
      await link.loadInput(new Uint8Array(input.buffer));
      const [reading] = await link.run(1);
      expect(reading!.origin).toBe('virtual-cycles');
      expect(Buffer.from(await link.output())).toEqual(Buffer.from(tinyOutput(input).buffer));
      await link.close();
    } finally {
      await server.close();
      await virtual.close();
    }
  });

  it('refuses the program of another chip before it writes, and a port that is not there', TIMEOUT, async () => {
    const uno = loadBoard('uno');
    const image = await build('uno');
    const virtual = await openVirtualBoard(loadBoard('nano'));
    const port = join(folder, 'other');
    const server = await serveOnPty(virtual, port);
    try {
      const mistaken = { ...uno, flash: { method: 'avrdude', options: { part: 'm168', programmer: 'arduino' } } };
      await expect(flashMethodOf(uno).flash({ board: mistaken, image, port })).rejects.toMatchObject({
        code: 'E_FLASH_FAILED',
        message: expect.stringContaining('the chip on the board is no'),
      });
      const mega = loadBoard('mega');
      const absent = join(folder, 'nothing-here');
      await expect(flashMethodOf(mega).flash({ board: mega, image, port: absent })).rejects.toMatchObject({
        code: 'E_NO_PORT',
        message: `there is no port ${absent}; the board is unchanged`,
      });
    } finally {
      await server.close();
      await virtual.close();
    }
  });
});
