/** Flashing an AVR without avrdude: against the boot loaders that Arduino ships, and against a line that spoils the talk. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadBoard } from '../../../src/boards/load-board.js';
import type { Port } from '../../../src/core/port.js';
import type { StageEvent } from '../../../src/core/stage-event.js';
import { ByteLine, LineSilent } from '../../../src/flash/byte-line.js';
import { flashMethodOf, withFlashMethod } from '../../../src/flash/index.js';
import { stk500 } from '../../../src/flash/stk500.js';
import {
  type BootLoader,
  BootLoaderRefused,
  Stk500Version1,
  Stk500Version2,
} from '../../../src/flash/stk500-protocols.js';
import { onPath } from '../../../src/virtual/child-process.js';
import { openVirtualBoard, serveOnPty } from '../../../src/virtual/index.js';
import { VirtualPort } from '../../../src/virtual/virtual-port.js';

const folder = mkdtempSync(join(tmpdir(), 'thimble-stk500-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A program for any AVR: 1,000 bytes that count, and a few far away, at an odd place in their page. */
const record = (address: number, bytes: readonly number[]): string => {
  const record = [bytes.length, address >> 8, address & 0xff, 0, ...bytes];
  const all = [...record, -record.reduce((sum, byte) => sum + byte, 0) & 0xff];
  return `:${all.map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
};
const program = [
  record(0, [0xff, 0xcf]), // rjmp to itself
  ...Array.from({ length: 60 }, (_, i) =>
    record(
      2 + 16 * i,
      Array.from({ length: 16 }, (_, k) => (i * 16 + k) & 0xff),
    ),
  ),
  record(0x1234, [1, 2, 3]),
  ':00000001FF',
].join('\n');
const hex = join(folder, 'program.hex');
writeFileSync(hex, program);
const image = { boardId: 'arduino-uno', folder, executable: hex, hex, size: null };

const boards = [
  { name: 'uno', Protocol: Stk500Version1, pageBytes: 128, signature: '1e950f' },
  { name: 'mega', Protocol: Stk500Version2, pageBytes: 256, signature: '1e9801' },
] as const;
const core = existsSync('/usr/share/arduino/hardware/arduino/avr') && onPath('avr-gcc');
const needs = core ? '' : ' (needs arduino-core-avr and avr-gcc)';

/** A boot loader may be blinking when it is spoken to, or listen no more: another reset helps. */
async function untilInSync(port: Port, loader: BootLoader): Promise<void> {
  for (let attempt = 0; attempt < 5; attempt++) {
    await port.reset!();
    await new Promise((resolve) => setTimeout(resolve, 500));
    if (await loader.sync()) return;
  }
  throw new Error('not in sync');
}

/** The port with every byte of the board's answers given to a function; undefined swallows it. */
function spoiled(port: Port, spoil: (byte: number, index: number) => number | undefined): Port {
  let index = 0;
  return {
    ...port,
    identity: port.identity,
    write: (bytes) => port.write(bytes),
    onClose: (listener) => port.onClose(listener),
    close: () => port.close(),
    onBytes: (listener) =>
      port.onBytes((bytes) => {
        const passed = [...bytes].flatMap((byte) => spoil(byte, index++) ?? []);
        listener(Uint8Array.from(passed));
      }),
  };
}

describe.skipIf(!core)(`a boot loader that is spoken to directly${needs}`, () => {
  it.each(boards)('$name writes, reads back, and says what chip it is on', async (each) => {
    const board = await openVirtualBoard(loadBoard(each.name));
    try {
      const line = new ByteLine(board.port);
      const loader = new each.Protocol(line);
      await untilInSync(board.port, loader);
      expect(await loader.signature()).toBe(each.signature);
      await loader.begin();
      const page = Uint8Array.from({ length: each.pageBytes }, (_, i) => (7 * i) & 0xff);
      for (const address of [0, 0x2000]) {
        await loader.writePage(address, page);
        expect(Buffer.from(await loader.readPage(address, page.length))).toEqual(Buffer.from(page));
      }
      const empty = await loader.readPage(0x4000, page.length);
      expect(empty.every((byte) => byte === 0xff)).toBe(true);
      await loader.end();
      line.end();
    } finally {
      await board.close();
    }
  });

  it.each(boards)('$name a damaged answer is refused, and none at all is silence', async (each) => {
    const board = await openVirtualBoard(loadBoard(each.name));
    try {
      let broken: 'no' | 'flip' | 'swallow' = 'no';
      const port = spoiled(board.port, (byte) => (broken === 'flip' ? byte ^ 4 : broken === 'no' ? byte : undefined));
      const line = new ByteLine(port);
      const loader = new each.Protocol(line);
      await untilInSync(board.port, loader);
      broken = 'flip';
      await expect(loader.signature()).rejects.toThrow(BootLoaderRefused);
      broken = 'swallow';
      await new Promise((resolve) => setTimeout(resolve, 100)); // the rest of the damaged answer
      line.drain();
      await expect(line.read(1, 50)).rejects.toThrow(LineSilent);
      line.end();
    } finally {
      await board.close();
    }
  });
});

describe.skipIf(!core || !onPath('cc'))(`the method stk500 through a pty${needs}`, () => {
  const events: StageEvent[] = [];

  it.each(boards)('$name flashes, verifies and starts', { timeout: 60_000 }, async ({ name, pageBytes }) => {
    const spec = withFlashMethod(loadBoard(name), 'stk500');
    const board = await openVirtualBoard(spec);
    const port = join(folder, name);
    const server = await serveOnPty(board, port);
    try {
      const method = flashMethodOf(spec);
      expect(method.describe({ board: spec, image, port }).join('\n')).toContain(`write ${hex} page by page`);
      await method.flash({ board: spec, image, port, onEvent: (event) => events.push(event) });
      const pages = Math.ceil(962 / pageBytes) + 1;
      expect(events.at(-1)).toMatchObject({ done: pages, total: pages });
      const other = { ...spec, flash: { method: 'stk500', options: { part: 'm328p', programmer: 'wiring' } } };
      const wrong =
        name === 'mega' ? stk500.flash({ board: other, image, port }) : Promise.reject({ message: 'no m328p' });
      await expect(wrong).rejects.toMatchObject({ message: expect.stringContaining('no m328p') });
    } finally {
      await server.close();
      await board.close();
    }
  });

  it('uno: says what state an interrupted board is in, and does not reach one that does not listen', {
    timeout: 60_000,
  }, async () => {
    const spec = loadBoard('uno');
    const board = await openVirtualBoard(spec);
    const port = join(folder, 'interrupted');
    const server = await serveOnPty(board, port);
    try {
      const controller = new AbortController();
      const onEvent = ({ done }: StageEvent): void => {
        if (done === 3) controller.abort();
      };
      const flashing = stk500.flash({ board: spec, image, port, onEvent, signal: controller.signal });
      await expect(flashing).rejects.toMatchObject({
        code: 'E_INTERRUPTED',
        message: expect.stringContaining('may hold half a program; its boot loader is untouched'),
      });
      const deaf = { ...spec, flash: { method: 'stk500', options: { part: 'm328p', programmer: 'wiring' } } };
      await expect(stk500.flash({ board: deaf, image, port })).rejects.toMatchObject({
        code: 'E_FLASH_FAILED',
        message: expect.stringContaining('the boot loader does not answer'),
      });
      await stk500.flash({ board: spec, image, port });
    } finally {
      await server.close();
      await board.close();
    }
  });

  it('avrdude: is done without where it is not installed', { timeout: 60_000 }, async () => {
    const board = await openVirtualBoard(loadBoard('uno'));
    const port = join(folder, 'without');
    const server = await serveOnPty(board, port);
    const path = process.env['PATH'];
    const messages: string[] = [];
    try {
      process.env['PATH'] = folder;
      const onEvent = ({ message }: StageEvent): void => {
        if (message !== undefined) messages.push(message);
      };
      await flashMethodOf(board.spec).flash({ board: board.spec, image, port, onEvent });
      expect(messages).toEqual([
        'avrdude is not installed: flashing without it (method stk500)',
        expect.stringMatching(/the m328p answers at 115200 baud: writing 9 pages/),
      ]);
    } finally {
      process.env['PATH'] = path;
      await server.close();
      await board.close();
    }
  });
});

describe('a line of bytes', () => {
  const openLine = () => {
    const actions = { write: () => {}, reset: async () => {}, close: async () => {} };
    const port = new VirtualPort({ path: 'x', kind: 'virtual', origin: 'host' }, actions);
    return { port, line: new ByteLine(port) };
  };

  it('gives bytes in the numbers that are asked for, however they come', async () => {
    const { port, line } = openLine();
    const first = line.read(3, 1000);
    for (const byte of [1, 2, 3, 4, 5]) port.deliver(Uint8Array.of(byte));
    expect([...(await first)]).toEqual([1, 2, 3]);
    line.drain();
    port.deliver(Uint8Array.of(6, 7));
    expect([...(await line.read(2, 1000))]).toEqual([6, 7]);
  });

  it('ends with the port', async () => {
    const { port, line } = openLine();
    const read = line.read(1, 10_000);
    port.ended(new Error('the cable fell out'));
    await expect(read).rejects.toThrow('the cable fell out');
  });
});
