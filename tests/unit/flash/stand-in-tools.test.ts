/**
 * The flash methods that call programs, with scripts under the programs' names: they note how they were called and
 * behave as the real ones do. The ports are real ptys.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { loadBoard } from '../../../src/boards/load-board.js';
import type { FirmwareImage } from '../../../src/core/firmware-image.js';
import type { StageEvent } from '../../../src/core/stage-event.js';
import { hardReset } from '../../../src/flash/esptool.js';
import type { FlashRequest } from '../../../src/flash/flash-method.js';
import { flashMethodOf, withFlashMethod } from '../../../src/flash/index.js';
import { flashByTool } from '../../../src/flash/tool-method.js';
import { touch1200 } from '../../../src/flash/touch.js';
import { findProgram } from '../../../src/tools/find-program.js';

const folder = mkdtempSync(join(tmpdir(), 'thimble-stand-ins-'));
const bin = join(folder, 'bin');
const notes = join(folder, 'notes');
const path = process.env['PATH'];
let pty: ChildProcess | undefined;
const port = join(folder, 'board');

const withoutSocat = !findProgram('socat');
beforeAll(async () => {
  mkdirSync(bin);
  if (withoutSocat) return;
  pty = spawn('socat', [`pty,raw,echo=0,link=${port}`, `pty,raw,echo=0,link=${port}-far`], { stdio: 'ignore' });
  for (let i = 0; i < 200 && !existsSync(`${port}-far`); i++) await sleep(20);
});
afterEach(() => {
  process.env['PATH'] = path;
  rmSync(notes, { force: true });
});
afterAll(() => {
  pty?.kill();
  rmSync(folder, { recursive: true, force: true });
});

/** A program of that name at the head of PATH. */
function standIn(name: string, body: string): void {
  writeFileSync(
    join(bin, name),
    `#!/bin/sh\nfor a in "$@"; do printf '%s\\n' "$a" >> ${notes}; done\nprintf '%s\\n' -- >> ${notes}\n${body}\n`,
    { mode: 0o755 },
  );
  process.env['PATH'] = `${bin}${delimiter}${path}`;
}
const calls = () =>
  readFileSync(notes, 'utf8')
    .split('--\n')
    .slice(0, -1)
    .map((call) => call.trimEnd().split('\n'));

const file = (name: string, bytes: string | Uint8Array) => {
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
};
const image: FirmwareImage = {
  boardId: 'x',
  folder,
  executable: file('app.elf', 'elf'),
  bin: file('app.bin', new Uint8Array(64)),
  hex: file('app.hex', ':0400000001020304F2\n:00000001FF\n'),
  size: null,
};
file('platformio.ini', '');
const flash = (id: string, method: string | undefined, more: Partial<FlashRequest> = {}) => {
  const board = withFlashMethod(loadBoard(id), method);
  return flashMethodOf(board).flash({ board, image, ...more });
};

describe('programs that flash', () => {
  it.each([
    [
      'nicla-vision',
      undefined,
      'dfu-util',
      ['--device', '0x2341:0x035f', '-D', image.bin, '-a', '0', '--dfuse-address=0x08040000:leave'],
    ],
    [
      'nucleo-h743zi2',
      undefined,
      'openocd',
      [
        '-f',
        'interface/stlink.cfg',
        '-f',
        'target/stm32h7x.cfg',
        '-c',
        `program ${image.executable} verify reset exit`,
      ],
    ],
    ['teensy-40', undefined, 'teensy_loader_cli', ['--mcu=TEENSY40', '-w', '-s', '-v', image.hex]],
    ['teensy-40', 'platformio', 'pio', ['run', '--project-dir', folder, '--target', 'upload']],
  ] as const)('%s (%s) are called as shown', async (id, method, program, args) => {
    standIn(program, 'echo "Writing 50%"; echo "Writing 100%"');
    const events: StageEvent[] = [];
    await flash(id, method, { onEvent: (event) => events.push(event) });
    expect(calls()).toEqual([args]);
    if (program !== 'openocd') expect(events.at(-1)?.done).toBe(100); // OpenOCD tells nothing while it writes
  });

  it('say what their output means when they fail', async () => {
    standIn('openocd', 'echo "Error: open failed" >&2; exit 1');
    await expect(flash('nucleo-h743zi2', undefined)).rejects.toMatchObject({
      code: 'E_NO_PORT',
      message: expect.stringContaining('no debug probe'),
    });
    standIn('dfu-util', 'echo "Download [====   ] 40%"; echo "dfu-util: Error during download get_status" >&2; exit 1');
    await expect(flash('nicla-vision', undefined)).rejects.toMatchObject({
      code: 'E_FLASH_FAILED',
      message: expect.stringMatching(/broke off.*half a program/s),
      hints: expect.arrayContaining([expect.stringContaining('reset button twice')]),
    });
  });

  it('are tried again at the next lower speed where the line may be the cause, and not otherwise', async () => {
    standIn(
      'avrdude',
      `case "$*" in *57600*) exit 0;; esac; echo "avrdude: stk500_getsync() attempt 10 of 10: not in sync: resp=0x00" >&2; exit 1`,
    );
    const method = flashByTool({
      name: 'test',
      needsPort: true,
      bauds: () => [115_200, 57_600],
      commands: (_, at, baud) => [{ does: 'write', program: 'avrdude', args: [`-P${at}`, `-b${baud}`] }],
      brokenOff: { state: 'half', recover: ['again'] },
    });
    const events: StageEvent[] = [];
    const request = {
      board: loadBoard('uno'),
      image,
      port: '/dev/x',
      onEvent: (event: StageEvent) => events.push(event),
    };
    await method.flash(request);
    expect(calls()).toEqual([
      ['-P/dev/x', '-b115200'],
      ['-P/dev/x', '-b57600'],
    ]);
    expect(events.some(({ message }) => message === 'no luck at 115200 baud: trying 57600')).toBe(true);
    rmSync(notes);
    standIn('avrdude', 'echo "avrdude: Expected signature for ATmega328P is 1E 95 0F" >&2; exit 1');
    await expect(method.flash(request)).rejects.toThrow('is no ATmega328P');
    expect(calls()).toHaveLength(1);
  });
});

it('an ESP32 is restarted by a pulse of RTS with the boot pin high', async () => {
  const lines: [string, boolean][] = [];
  await hardReset({
    setDTR: async (on) => void lines.push(['DTR', on]),
    setRTS: async (on) => void lines.push(['RTS', on]),
  });
  expect(lines).toEqual([
    ['DTR', false],
    ['RTS', true],
    ['RTS', false],
  ]);
});

describe.skipIf(withoutSocat)('the 1200-baud touch, on a pty (needs socat)', () => {
  it('leaves the port at 1200 baud, closed', async () => {
    execFileSync('stty', ['-F', port, '115200']);
    await touch1200(port);
    expect(execFileSync('stty', ['-F', port, 'speed'], { encoding: 'utf8' }).trim()).toBe('1200');
  });

  it('comes before bossac, which gets the boot loader’s port; then the port is awaited', async () => {
    execFileSync('stty', ['-F', port, '115200']);
    // Notes the speed that it finds: the touch must have been before.
    standIn('bossac', `stty -F ${port} speed >> ${notes}; echo "[=====] 100% (10/10 pages)"`);
    let at: string | undefined;
    await flash('nano33ble-sense', undefined, {
      port,
      onPort: (now) => {
        at = now;
      },
    });
    const said = readFileSync(notes, 'utf8');
    expect(said).toContain(`--port=${port}\n`);
    expect(said.trimEnd().endsWith('1200')).toBe(true);
    expect(at).toBe(port);
  }, 30_000);

  it('refuses a port that is not there', async () => {
    await expect(touch1200(join(folder, 'nowhere'))).rejects.toMatchObject({ code: 'E_NO_PORT' });
  });
});
