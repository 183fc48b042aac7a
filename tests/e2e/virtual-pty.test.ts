/** A virtual board on a pty: what another program sees of it, through the same serialport as for a real board. */
import { spawn } from 'node:child_process';
import { existsSync, lstatSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadBoard } from '../../src/boards/load-board.js';
import type { FirmwareImage } from '../../src/core/firmware-image.js';
import { connect } from '../../src/device/protocol.js';
import { openSerialPort } from '../../src/device/serial-port.js';
import { buildFirmware } from '../../src/firmware/build-firmware.js';
import { flashMethodOf } from '../../src/flash/index.js';
import { onPath } from '../../src/virtual/child-process.js';
import { openVirtualBoard, serveOnPty } from '../../src/virtual/index.js';
import { projectFolder } from '../shared-folder.js';
import { tinyFiles, tinyGraph, tinyOutput } from '../unit/firmware/tiny-model.js';

const folder = mkdtempSync(join(tmpdir(), 'thimble-pty-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = join(folder, 'board');
const build = (id: string, hooks: boolean): Promise<FirmwareImage> =>
  buildFirmware({
    ...{ board: loadBoard(id), modelFiles: tinyFiles(), modelName: 'tiny', graph: tinyGraph, hooks },
    folder: join(folder, `${id}-${hooks}`),
  });

const input = Int8Array.of(5, 4, 3, 2, 1, 0, -1, 127);
async function runOverSerial(): Promise<{ origin: string; hooks: boolean; kind: string }> {
  const port = await openSerialPort(path, { baud: 115200 });
  const link = await connect(port);
  try {
    await link.loadInput(new Uint8Array(input.buffer));
    const [reading] = await link.run(1);
    expect(Buffer.from(await link.output())).toEqual(Buffer.from(tinyOutput(input).buffer));
    return { origin: reading!.origin, hooks: link.handshake.hasLayerHooks, kind: port.identity.kind };
  } finally {
    await link.close();
  }
}

const missing = ['arm-none-eabi-gcc', 'cc'].filter((tool) => !onPath(tool));

describe.skipIf(missing.length > 0)(`a virtual Pico on a pty${missing.length ? ` (needs ${missing})` : ''}`, () => {
  let image: FirmwareImage;
  let other: FirmwareImage;
  beforeAll(async () => {
    image = await build('rpi-pico', false);
    other = await build('rpi-pico', true);
  });

  it('is found, described, opened twice, flashed while it serves, and gone afterwards', async () => {
    const board = await openVirtualBoard(loadBoard('pico'), { image: image.uf2! });
    try {
      const server = await serveOnPty(board, path);
      expect(lstatSync(path).isSymbolicLink()).toBe(true);
      expect(JSON.parse(readFileSync(`${path}.json`, 'utf8'))).toEqual({
        board: 'rpi-pico',
        origin: 'virtual-cycles',
        drive: board.driveFolder,
        pid: process.pid,
      });
      await expect(serveOnPty(board, path)).rejects.toMatchObject({ code: 'E_PORT_BUSY' });
      expect(await runOverSerial()).toEqual({ origin: 'virtual-cycles', hooks: false, kind: 'pty' });
      expect(await runOverSerial()).toMatchObject({ hooks: false });
      const { drive } = JSON.parse(readFileSync(`${path}.json`, 'utf8'));
      await flashMethodOf(board.spec).flash({ board: board.spec, image: other, drive });
      expect(await runOverSerial()).toMatchObject({ hooks: true });
      await server.close();
      expect(existsSync(path) || existsSync(`${path}.json`)).toBe(false);
      await server.close();
    } finally {
      await board.close();
    }
  });

  it('replaces a link that leads nowhere, and touches no file', async () => {
    const board = await openVirtualBoard(loadBoard('pico'));
    try {
      symlinkSync('/dev/pts/nowhere', path);
      const server = await serveOnPty(board, path);
      await board.close(); // the server ends with its board
      await server.ended;
      expect(existsSync(`${path}.json`)).toBe(false);
      const file = join(folder, 'precious');
      writeFileSync(file, 'text');
      await expect(serveOnPty(board, file)).rejects.toMatchObject({ code: 'E_FILE' });
      expect(readFileSync(file, 'utf8')).toBe('text');
      await expect(serveOnPty(board, join(folder, 'no', 'such', 'place'))).rejects.toMatchObject({ code: 'E_FILE' });
    } finally {
      await board.close();
    }
  });
});

const withoutQemu = missing.length > 0 || !onPath('qemu-system-arm');
describe.skipIf(withoutQemu)('a process that serves a QEMU board and is killed (needs qemu-system-arm)', () => {
  it('leaves neither port nor emulator behind', async () => {
    const { executable } = await build('mps2-an386', true);
    const script = join(folder, 'serve.ts');
    const from = (file: string) => JSON.stringify(join(projectFolder, 'src', file));
    writeFileSync(
      script,
      `import { loadBoard } from ${from('boards/load-board.ts')};
       import { openVirtualBoard, serveOnPty } from ${from('virtual/index.ts')};
       const open = async () => {
         const board = await openVirtualBoard(loadBoard('mps2-an386'), { image: ${JSON.stringify(executable)} });
         await serveOnPty(board, ${JSON.stringify(path)});
       };
       void open();`,
    );
    const server = spawn(process.execPath, ['--import', 'tsx', script], { cwd: projectFolder, stdio: 'inherit' });
    try {
      await until(() => existsSync(path));
      expect(JSON.parse(readFileSync(`${path}.json`, 'utf8'))).toMatchObject({
        origin: 'virtual-instructions',
        nanosecondsPerInstruction: 64,
        pid: server.pid,
      });
      expect(await runOverSerial()).toMatchObject({ origin: 'virtual-instructions', hooks: true });
      const emulator = childOf(server.pid!);
      expect(emulator).toBeGreaterThan(0);
      server.kill('SIGKILL'); // no handler runs
      await until(() => !existsSync(path) && !existsSync(`${path}.json`) && !isRunning(emulator!));
    } finally {
      server.kill('SIGKILL');
    }
  });
});

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition(); tries++) {
    if (tries > 1000) throw new Error('it did not happen within 20 s');
    await sleep(20);
  }
}

/** The process id of the child that runs QEMU. */
const childOf = (pid: number): number | undefined =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .map(Number)
    .find((child) => readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('qemu-system-arm'));

const isRunning = (pid: number): boolean =>
  existsSync(`/proc/${pid}/stat`) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
