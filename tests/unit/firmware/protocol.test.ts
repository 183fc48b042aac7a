/** The firmware's side of the protocol, as a program of this computer under address and undefined-behaviour sanitizers. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadBoard } from '../../../src/boards/load-board.js';
import { encodeFrame, frameKind } from '../../../src/device/frames.js';
import { buildFirmware } from '../../../src/firmware/build-firmware.js';
import { openVirtualBoard, type VirtualBoard } from '../../../src/virtual/index.js';
import { checkEveryCommand } from './every-command.js';
import { type Terminal, terminalOf } from './talk.js';
import { tinyFiles, tinyGraph } from './tiny-model.js';

const host = loadBoard('host');
const strict = ['-Wconversion', '-Wshadow', '-pedantic', '-Werror'];
const sanitizers = ['-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'];

const folder = mkdtempSync(join(tmpdir(), 'thimble-protocol-'));
const build = (name: string, hooks: boolean) =>
  buildFirmware({
    board: host,
    modelFiles: tinyFiles(),
    modelName: 'tiny',
    graph: tinyGraph,
    hooks,
    folder: join(folder, name),
    extraFlags: [...strict, ...sanitizers],
  });
let image: string;
beforeAll(async () => {
  image = (await build('hooks', true)).executable;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function withBoard<T>(use: (terminal: Terminal, board: VirtualBoard) => Promise<T>, program = image): Promise<T> {
  const board = await openVirtualBoard(host);
  try {
    const terminal = terminalOf(board.port);
    const boot = terminal.next();
    await board.load(program);
    expect(await boot).toEqual([
      'm-timestamp-mode-performance',
      expect.stringMatching(/^m-lap-us-\d+$/),
      'm-init-done',
      'm-ready',
    ]);
    return await use(terminal, board);
  } finally {
    await board.close();
  }
}

describe('the serial protocol in C', () => {
  it('answers every command', () => withBoard((terminal) => checkEveryCommand(terminal, 'host')));

  it('says so where it was built without layer hooks', async () => {
    const { executable } = await build('plain', false);
    await withBoard(async ({ send }) => {
      expect((await send('thimble%'))[0]).toContain(' hooks=0 ');
      for (const command of ['layers%', 'layer 0%'])
        expect(await send(command)).toEqual(['e-[Built without layer hooks]', 'm-ready']);
    }, executable);
  });

  it('survives frames with any content in any order, and speaks text again when it is asked to', () =>
    withBoard(async ({ send }, board) => {
      const SESSION = 7;
      const kind = fc.constantFrom(...Object.values(frameKind), 0, 1, 0xff);
      const command = fc
        .constantFrom(
          'run 2',
          'stream 3',
          'layers',
          'layer 1',
          'output',
          'memory',
          'help',
          'frames 9',
          'frames 7',
          'nonsense',
          '',
        )
        .map((text) => [frameKind.command, SESSION, 1, ...new TextEncoder().encode(text)]);
      const session = fc.constantFrom(SESSION, SESSION, 9);
      const bytes = fc.oneof(
        fc.uint8Array({ maxLength: 20 }),
        fc.constantFrom(2, 10, 200, 244, 245, 246, 247).map((length) => new Uint8Array(length).fill(1)),
      );
      const input = fc
        .tuple(session, fc.nat(255), fc.nat(2), bytes)
        .map(([s, transfer, block, rest]) => [frameKind.input, s, transfer, block, 0, ...rest].slice(0, 251));
      const any = fc.tuple(kind, session, bytes).map(([k, s, rest]) => [k, s, ...rest]);
      const content = fc.oneof(command, input, any);
      const frame = content.map((bytes) => encodeFrame(Uint8Array.from(bytes)));
      const pieces = fc.oneof(
        { weight: 6, arbitrary: frame },
        { weight: 1, arbitrary: fc.constantFrom(1, 10, 300, 600).map((length) => new Uint8Array(length).fill(255)) },
        { weight: 1, arbitrary: fc.uint8Array({ maxLength: 30 }) },
        { weight: 1, arbitrary: fc.constant(new TextEncoder().encode('%frames 7%')) },
      );
      const leave = Uint8Array.of(0, ...encodeFrame(Uint8Array.of(frameKind.leave, 0)));
      await fc.assert(
        fc.asyncProperty(fc.array(pieces, { maxLength: 12 }), async (parts) => {
          await send(`%frames ${SESSION}%`);
          await board.port.write(new Uint8Array(Buffer.concat(parts)));
          await board.port.write(leave);
          for (let tries = 0; tries < 50; tries++) if ((await send('%profile%')).includes('m-model-[tiny]')) return;
          throw new Error('the board does not answer any more');
        }),
        { numRuns: 300, seed: 2 },
      );
    }));

  it('survives random bytes and mangled commands, and answers the next one', () =>
    withBoard(async ({ send }, board) => {
      const words = ['db', 'load', 'print', 'infer', 'run', 'layer', 'stream', 'help', '0', '1', '8', '99999999999'];
      const pieces = fc.oneof(
        fc.constantFrom(...words, ' ', ' ', '%', '%', '\r', '\n', '-', '0a', '0102030405060708', 'x'.repeat(90)),
        fc.string({ unit: 'binary', maxLength: 6 }),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(pieces, { maxLength: 40 }), async (parts) => {
          await board.port.write(new TextEncoder().encode(parts.join('')));
          await send('%'); // ends whatever was begun; answers to the rest may come before or after it
          for (let tries = 0; tries < 100; tries++) if ((await send('profile%')).includes('m-model-[tiny]')) return;
          throw new Error('the board does not answer any more');
        }),
        { numRuns: 1000, seed: 1 },
      );
    }));
});
