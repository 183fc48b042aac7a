/** The firmware for AVR on the virtual Uno: every command of the protocol, and what is built and flashed. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadBoard } from '../../src/boards/load-board.js';
import { buildFirmware } from '../../src/firmware/build-firmware.js';
import { flashMethodOf } from '../../src/flash/index.js';
import { onPath } from '../../src/virtual/child-process.js';
import { openVirtualBoard } from '../../src/virtual/index.js';
import { checkEveryCommand } from '../unit/firmware/every-command.js';
import { terminalOf } from '../unit/firmware/talk.js';
import { tinyFiles, tinyGraph } from '../unit/firmware/tiny-model.js';

const folder = mkdtempSync(join(tmpdir(), 'thimble-avr-firmware-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const missing = ['avr-gcc'].filter((tool) => !onPath(tool));

const build = (id: string) =>
  buildFirmware({
    ...{ board: loadBoard(id), modelFiles: tinyFiles(), modelName: 'tiny', graph: tinyGraph, hooks: true },
    folder: join(folder, id),
  });

describe.skipIf(missing.length > 0)(`firmware for AVR${missing.length ? ` (needs ${missing})` : ''}`, () => {
  it('answers every command of the protocol in 2 KB of RAM', { timeout: 60_000 }, async () => {
    const image = await build('arduino-uno');
    expect(image.size!.ramBytes).toBeLessThan(512);
    const virtual = await openVirtualBoard(loadBoard('arduino-uno'));
    const terminal = terminalOf(virtual.port);
    const boot = terminal.next();
    await virtual.load(image.hex!);
    expect((await boot)[0]).toBe('m-timestamp-mode-performance');
    await checkEveryCommand(terminal, 'arduino-uno', false);
    const [memory] = await terminal.send('memory%');
    const { stack, high } = /stack=(?<stack>\d+) stack-high=(?<high>\d+)/.exec(memory!)!.groups!;
    expect(Number(high)).toBeGreaterThan(0);
    expect(Number(high)).toBeLessThanOrEqual(loadBoard('arduino-uno').reserved.stackBytes);
    expect(Number(stack)).toBe(2048 - image.size!.ramBytes);
    await virtual.close();
  });

  it.each(['arduino-uno', 'arduino-nano', 'arduino-mega2560'])('%s: a dry run names the command', async (id) => {
    const board = loadBoard(id);
    const image = await build(id);
    const [line] = flashMethodOf(board).describe({ board, image, port: '/dev/ttyACM0' });
    const programmer = id.endsWith('2560') ? '-p m2560 -c wiring' : '-p m328p -c arduino';
    expect(line).toBe(`avrdude ${programmer} -P /dev/ttyACM0 -b 115200 -D -Uflash:w:${image.hex}:i`);
  });

  it('refuses what leaves no room for the stack', async () => {
    const board = loadBoard('arduino-uno');
    const big = tinyFiles().map(({ path, content }) => ({
      path,
      content: String(content).replace('arena[TINY_ARENA_BYTES]', 'arena[1600]'),
    }));
    const parts = { board, modelFiles: big, modelName: 'tiny', graph: tinyGraph, hooks: false };
    await expect(buildFirmware({ ...parts, folder: join(folder, 'big') })).rejects.toMatchObject({
      code: 'E_DOES_NOT_FIT',
    });
  });
});
