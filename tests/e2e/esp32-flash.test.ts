/**
 * Flashing an ESP32-S3: the real esptool-js over the real serialport, through a pty, into a stand-in for the chip's
 * serial loader. Modem lines are not there on a pty; everything behind them is as on a cable.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { loadBoard } from '../../src/boards/load-board.js';
import type { FirmwareImage } from '../../src/core/firmware-image.js';
import type { StageEvent } from '../../src/core/stage-event.js';
import type { FlashRequest } from '../../src/flash/flash-method.js';
import { flashMethodOf } from '../../src/flash/index.js';
import { findProgram } from '../../src/tools/find-program.js';
import { FLASH_FILE, openVirtualEsp } from '../../src/virtual/esp-board.js';
import type { EspRomOptions } from '../../src/virtual/esp-rom.js';
import { serveOnPty } from '../../src/virtual/index.js';
import { runCli, startCli } from './run-cli.js';

const folder = mkdtempSync(join(tmpdir(), 'thimble-esp-'));
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const board = loadBoard('esp32-s3');

/** Boot loader, partition table and an application that does and does not compress. */
const app = Buffer.concat([Buffer.from([0xe9]), randomBytes(30_000), Buffer.alloc(50_000, 7), randomBytes(3)]);
const files: readonly (readonly [number, string, Buffer])[] = [
  [0, 'bootloader.bin', Buffer.concat([Buffer.from([0xe9, 3, 2, 0x2f]), randomBytes(5000)])],
  [0x8000, 'partitions.bin', Buffer.concat([Buffer.from([0xaa, 0x50]), randomBytes(3070)])],
  [0x10000, 'app.bin', app],
];
for (const [, name, bytes] of files) writeFileSync(join(folder, name), bytes);
const image: FirmwareImage = {
  boardId: board.id,
  folder,
  executable: join(folder, 'app.elf'),
  bin: join(folder, 'app.bin'),
  parts: files.map(([address, name]) => ({ address, path: join(folder, name) })),
  size: null,
};

let ports = 0;
async function serve(line: Pick<EspRomOptions, 'fastestBaud' | 'blocksUntilSilence' | 'brokenCell'> = {}) {
  const twin = await openVirtualEsp(board, { driveFolder: join(folder, `drive-${ports}`) }, line);
  const server = await serveOnPty(twin, join(folder, `port-${ports++}`));
  closing.push(async () => {
    await server.close();
    await twin.close();
  });
  return { port: server.path, flashed: () => readFileSync(join(twin.driveFolder, FLASH_FILE)) };
}

const events: StageEvent[] = [];
const flash = (port: string, more: Partial<FlashRequest> = {}) => {
  events.length = 0;
  return flashMethodOf(more.board ?? board).flash({
    board,
    image,
    port,
    onEvent: (event) => events.push(event),
    ...more,
  });
};

const withoutCompiler = !findProgram('cc');

describe.skipIf(withoutCompiler)('an ESP32-S3 is flashed over a pty (needs cc)', () => {
  it('takes all parts, each at its place, with progress to the end', async () => {
    const { port, flashed } = await serve();
    let at: string | undefined;
    await flash(port, {
      onPort: (path) => {
        at = path;
      },
    });
    const contents = flashed();
    for (const [address, name, bytes] of files)
      expect(contents.subarray(address, address + bytes.length).equals(bytes), name).toBe(true);
    expect(contents.length).toBe(0x10000 + Math.ceil(app.length / 4) * 4); // padded to words
    const done = events.flatMap((event) => event.done ?? []);
    expect(done.at(-1)).toBe(files.reduce((sum, [, , bytes]) => sum + bytes.length, 0));
    expect(done).toEqual([...done].sort((a, b) => a - b));
    expect(at).toBe(port);
    await flash(port); // the stub still runs: a tool that syncs has reset the chip
  });

  it('tries again at a lower speed where the line garbles the fast one', async () => {
    const { port, flashed } = await serve({ fastestBaud: 200_000 });
    await flash(port);
    expect(
      flashed()
        .subarray(0x10000, 0x10000 + app.length)
        .equals(app),
    ).toBe(true);
  });

  it('finds a flash cell that does not keep what was written', async () => {
    const { port } = await serve({ brokenCell: 0x10000 + 40_000 });
    const flashing = flash(port);
    await expect(flashing).rejects.toMatchObject({ code: 'E_FLASH_FAILED' });
    await expect(flashing).rejects.toThrow(/MD5|differs/);
  });

  it('says in what state the board is when the cable falls out, and how to get it back', async () => {
    const { port } = await serve({ blocksUntilSilence: 2 });
    const flashing = flash(port);
    await expect(flashing).rejects.toMatchObject({
      code: 'E_FLASH_FAILED',
      hints: expect.arrayContaining([expect.stringContaining('BOOT')]),
    });
  });

  it('refuses another chip before it writes', async () => {
    const { port } = await serve();
    const other = loadBoard('esp32-c3');
    const flashing = flash(port, { board: other });
    await expect(flashing).rejects.toThrow(
      /is an ESP32-S3; the ESP32-C3-DevKitM-1 has an esp32c3; nothing was written/,
    );
    await expect(flashing).rejects.toMatchObject({ code: 'E_FLASH_FAILED' });
  });

  it('can be interrupted', async () => {
    const { port } = await serve();
    const controller = new AbortController();
    const flashing = flash(port, {
      signal: controller.signal,
      onEvent: ({ done }) => {
        if (done !== undefined && done > 20_000) controller.abort();
      },
    });
    await expect(flashing).rejects.toMatchObject({ code: 'E_INTERRUPTED' });
    await expect(flashing).rejects.toThrow('half a program');
  });

  it('says what to do where nobody answers, and what is no image', async () => {
    const { port } = await serve({ blocksUntilSilence: 0 });
    const nobody = flash(port, {
      board: { ...board, flash: { method: 'esptool', options: { chip: 'esp32s3', baud: 115_200 } } },
    });
    await expect(nobody).rejects.toMatchObject({
      code: 'E_FLASH_FAILED',
      hints: expect.arrayContaining([expect.stringContaining('BOOT')]),
    });
    await expect(nobody).rejects.toThrow('the board is unchanged');
    const { parts: _, ...single } = image;
    const text = join(folder, 'text.bin');
    writeFileSync(text, 'no image');
    await expect(flash(port, { image: { ...single, bin: text } })).rejects.toThrow('does not begin with 0xE9');
    expect(flashMethodOf(board).describe({ board, image: single })[1]).toContain(`0x10000 ${join(folder, 'app.bin')}`);
  });

  it('through the command line: thimble virtual, thimble flash, with a project folder that idf.py built', async () => {
    const project = join(folder, 'project');
    mkdirSync(join(project, 'build'), { recursive: true });
    for (const [, name, bytes] of files) writeFileSync(join(project, 'build', name), bytes);
    for (const file of ['firmware.elf', 'firmware.bin']) writeFileSync(join(project, 'build', file), 'not looked into');
    writeFileSync(
      join(project, 'build/flasher_args.json'),
      JSON.stringify({
        flash_files: Object.fromEntries(files.map(([address, name]) => [`0x${address.toString(16)}`, name])),
      }),
    );
    writeFileSync(
      join(project, 'thimble-project.json'),
      JSON.stringify({ template: 'esp-idf', board: board.id, model: 'tiny', files: [] }),
    );
    const [port, drive] = [join(folder, 'cli-port'), join(folder, 'cli-drive')];
    const server = startCli(['virtual', 'esp32-s3', '--pty', port, '--drive', drive]);
    try {
      await server.said('Ctrl-C ends it');
      const dry = await runCli(['flash', project, '--board', 'esp32-s3', '--port', port, '--dry-run']);
      expect(dry.stderr).toBe('');
      expect(dry.stdout).toContain(`esptool --chip esp32s3 --port ${port} --baud 460800`);
      expect(existsSync(join(drive, FLASH_FILE))).toBe(false);
      const result = await runCli(['flash', project, '--board', 'esp32-s3', '--port', port, '--json']);
      expect(result.stderr).not.toContain('TRACE');
      expect(JSON.parse(result.stdout)).toMatchObject({ method: 'esptool', flashed: true, port });
      expect(result.code).toBe(0);
      expect(
        readFileSync(join(drive, FLASH_FILE))
          .subarray(0x10000, 0x10000 + app.length)
          .equals(app),
      ).toBe(true);
    } finally {
      server.child.kill('SIGINT');
      await server.result;
    }
  });
});
