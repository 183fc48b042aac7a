/** The frame around every flash method that calls a program, with small programs of our own in the tool's place. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadBoard } from '../../../src/boards/load-board.js';
import type { FirmwareImage } from '../../../src/core/firmware-image.js';
import type { StageEvent } from '../../../src/core/stage-event.js';
import type { FlashRequest } from '../../../src/flash/flash-method.js';
import { type FlashTool, fileOf, flashByTool, OPEN_PORT } from '../../../src/flash/tool-method.js';

const folder = mkdtempSync(join(tmpdir(), 'thimble-tool-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const board = loadBoard('uno');
const image = (bytes: number): FirmwareImage => {
  const bin = join(folder, `firmware ${bytes}.bin`); // a space: quoted for people, never by a shell
  writeFileSync(bin, new Uint8Array(bytes));
  return { boardId: board.id, folder, executable: join(folder, 'firmware.elf'), bin, size: null };
};
/** A program that notes how it was called, says something and ends with a code. */
const program = (name: string, body: string): string => {
  const path = join(folder, `${name}.mjs`);
  writeFileSync(path, `import { appendFileSync } from 'node:fs';\nconst args = process.argv.slice(2);\n${body}\n`);
  return path;
};
const tool = (script: string, more: Partial<FlashTool> = {}): FlashTool => ({
  name: 'test',
  needsPort: true,
  commands: (request, port, baud) => [
    { does: 'write', program: process.execPath, args: [script, port, `${baud}`, fileOf(request, 'bin')] },
  ],
  progress: (said) => (said.match(/#/g) ?? []).length / 4,
  brokenOff: { state: 'the board holds half a program', recover: ['Flash again.'] },
  ...more,
});
const request = (bytes: number, more: Partial<FlashRequest> = {}): FlashRequest => ({
  board,
  image: image(bytes),
  port: '/dev/ttyTEST',
  ...more,
});

describe('a flash method that calls a program', () => {
  it('shows the very command that it runs', async () => {
    const notes = join(folder, 'notes');
    const script = program('note', `appendFileSync(${JSON.stringify(notes)}, JSON.stringify(args) + '\\n');`);
    const method = flashByTool(tool(script));
    const [line] = method.describe(request(8));
    await method.flash(request(8));
    const args = JSON.parse(readFileSync(notes, 'utf8')) as string[];
    expect(args).toEqual(['/dev/ttyTEST', '115200', join(folder, 'firmware 8.bin')]);
    expect(line).toBe(`${process.execPath} ${script} /dev/ttyTEST 115200 '${join(folder, 'firmware 8.bin')}'`);
    const { port: _, ...portless } = request(8);
    expect(method.describe(portless)[0]).toContain(` ${OPEN_PORT} `);
    await expect(method.flash(portless)).rejects.toMatchObject({ code: 'E_NO_PORT' });
  });

  it('tells the progress that the tool prints', async () => {
    const script = program(
      'bar',
      `for (let i = 0; i < 4; i++) { process.stdout.write('#'); await new Promise((r) => setTimeout(r, 30)); }`,
    );
    const events: StageEvent[] = [];
    await flashByTool(tool(script)).flash(request(8, { onEvent: (event) => events.push(event) }));
    const done = events.flatMap((event) => event.done ?? []);
    expect(done.at(-1)).toBe(100);
    expect(done).toEqual([...done].sort((a, b) => a - b));
  });

  it('refuses an image that is too large before it touches anything', async () => {
    const touched: string[] = [];
    const method = flashByTool(
      tool('never', {
        bootLoader: {
          does: 'touch',
          enter: async () => {
            touched.push('touched');
            return 'x';
          },
        },
      }),
    );
    const limit = board.facts!.usableFlashBytes;
    expect(() => method.describe(request(limit))).not.toThrow();
    expect(() => method.describe(request(limit + 1))).toThrow('32,257 bytes of flash');
    await expect(method.flash(request(limit + 1))).rejects.toMatchObject({ code: 'E_DOES_NOT_FIT' });
    expect(touched).toEqual([]);
  });

  it('says what state the board is in when the write broke off, and what the tool said', async () => {
    const script = program(
      'dies',
      `console.log('##'); setTimeout(() => { console.error('cable fell out'); process.exit(1); }, 50);`,
    );
    const flashing = flashByTool(tool(script)).flash(request(8));
    await expect(flashing).rejects.toMatchObject({ code: 'E_FLASH_FAILED', hints: ['Flash again.'] });
    await expect(flashing).rejects.toThrow(/cable fell out[\s\S]*the board holds half a program/);
    const before = program('refuses', 'process.exit(1);');
    await expect(flashByTool(tool(before)).flash(request(8))).rejects.not.toThrow('half a program');
  });

  it('can be interrupted, and names the program that is not there', async () => {
    const controller = new AbortController();
    const script = program('sleeps', 'setTimeout(() => {}, 60_000);');
    const flashing = flashByTool(tool(script)).flash(request(8, { signal: controller.signal }));
    setTimeout(() => controller.abort(), 200);
    await expect(flashing).rejects.toMatchObject({ code: 'E_INTERRUPTED' });
    const absent = flashByTool(
      tool('', { commands: () => [{ does: 'write', program: 'thimble-no-such-tool', args: [] }] }),
    ).flash(request(8));
    await expect(absent).rejects.toMatchObject({ code: 'E_TOOL_MISSING' });
  });

  it('ends a program that says nothing for too long, but not one that is merely slow', async () => {
    const hangs = program('hangs', `console.log('##'); setTimeout(() => {}, 60_000);`);
    const flashing = flashByTool(tool(hangs, { silenceMs: 1500 })).flash(request(8));
    await expect(flashing).rejects.toMatchObject({ code: 'E_FLASH_FAILED', hints: ['Flash again.'] });
    await expect(flashing).rejects.toThrow(/said nothing for 2 s and was ended; the board holds half a program/);
    const talks = program('talks', `setInterval(() => console.log('#'), 300); setTimeout(() => process.exit(), 2500);`);
    await flashByTool(tool(talks, { silenceMs: 1500 })).flash(request(8));
  });
});
