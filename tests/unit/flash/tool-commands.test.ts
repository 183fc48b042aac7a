/** The exact command of each way to flash each board, as --dry-run shows it and as it is run. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { listBoards, loadBoard } from '../../../src/boards/load-board.js';
import type { FirmwareImage } from '../../../src/core/firmware-image.js';
import { flashMethodOf, withFlashMethod } from '../../../src/flash/index.js';
import { lastPercent } from '../../../src/flash/progress.js';

const folder = mkdtempSync(join(tmpdir(), 'thimble-commands-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = (name: string) => join(folder, name);
writeFileSync(path('app.elf'), 'elf');
writeFileSync(path('app.bin'), Uint8Array.of(0xe9, 1, 2, 3));
writeFileSync(path('app.hex'), ':0400000001020304F2\n:00000001FF\n');
writeFileSync(path('boot.bin'), Uint8Array.of(0xe9));
writeFileSync(path('platformio.ini'), '');
const image: FirmwareImage = {
  boardId: 'x',
  folder,
  executable: path('app.elf'),
  bin: path('app.bin'),
  hex: path('app.hex'),
  parts: [
    { address: 0, path: path('boot.bin') },
    { address: 0x10000, path: path('app.bin') },
  ],
  size: null,
};
const steps = (id: string, method?: string, port?: string) => {
  const board = withFlashMethod(loadBoard(id), method);
  return flashMethodOf(board)
    .describe({ board, image, ...(port !== undefined && { port }) })
    .map((step) => step.replaceAll(`${folder}/`, ''));
};

describe('the command', () => {
  it.each([
    ['nano33ble-sense', undefined, 'bossac -d --port=/dev/ttyACM0 -U -i -e -w -v app.bin -R'],
    ['nicla-vision', undefined, 'dfu-util --device 0x2341:0x035f -D app.bin -a 0 --dfuse-address=0x08040000:leave'],
    ['teensy-41', undefined, 'teensy_loader_cli --mcu=TEENSY41 -w -s -v app.hex'],
    [
      'nucleo-f767zi',
      undefined,
      "openocd -f interface/stlink.cfg -f target/stm32f7x.cfg -c 'program app.elf verify reset exit'",
    ],
    [
      'xiao-esp32s3-sense',
      undefined,
      'esptool --chip esp32s3 --port /dev/ttyACM0 --baud 460800 --before default_reset --after hard_reset write_flash -z --flash_mode keep --flash_freq keep --flash_size keep 0x0 boot.bin 0x10000 app.bin',
    ],
    ['xiao-esp32s3-sense', 'platformio', `pio run --project-dir ${folder} --target upload --upload-port /dev/ttyACM0`],
    [
      'esp32-devkit',
      'arduino-cli',
      `arduino-cli upload --fqbn esp32:esp32:esp32 --port /dev/ttyACM0 --input-dir ${folder} --verify`,
    ],
  ] as const)('%s by %s', (id, method, command) => {
    expect(steps(id, method, '/dev/ttyACM0').at(-1)?.replace('esptool.py', 'esptool')).toBe(command);
  });

  it('says what comes before it, and leaves an unnamed port open', () => {
    expect(steps('nano33ble-sense')[0]).toMatch(/^# open the port at 1200 baud/);
    expect(steps('nano33ble-sense')[1]).toContain('--port={port}');
    expect(steps('xiao-esp32s3-sense')[0]).toContain('esptool-js in this process');
    expect(steps('xiao-esp32s3-sense', 'platformio')[0]).not.toContain('--upload-port');
  });

  it('is there for every way that a board file lists', () => {
    const seen = new Set<string>();
    for (const board of listBoards())
      for (const { method } of [board.flash, ...(board.flash.others ?? [])]) {
        const chosen = withFlashMethod(board, method);
        seen.add(method);
        expect(chosen.flash.method).toBe(method);
        if (['none', 'uf2', 'by-hand'].includes(method) || flashMethodOf(chosen).name !== method) continue;
        // Drives and boot loaders that must be there are other methods' business: these are commands.
        if (
          ![
            'arduino-cli',
            'bossac',
            'dfu-util',
            'esptool',
            'esptool-py',
            'openocd',
            'platformio',
            'teensy-loader-cli',
          ].includes(method)
        )
          continue;
        expect(
          flashMethodOf(chosen).describe({ board: chosen, image }).length,
          `${board.id} ${method}`,
        ).toBeGreaterThan(0);
      }
    expect([...seen]).toEqual(
      expect.arrayContaining(['bossac', 'dfu-util', 'esptool', 'openocd', 'platformio', 'teensy-loader-cli', 'uf2']),
    );
  });

  it('is not made up where the board file lists no such way', () => {
    expect(() => withFlashMethod(loadBoard('teensy-40'), 'bossac')).toThrow('is not flashed by "bossac"');
  });

  it('needs the right file', () => {
    const board = loadBoard('teensy-40');
    const { hex: _, ...without } = image;
    expect(() => flashMethodOf(board).describe({ board, image: without })).toThrow('takes a .hex file');
  });
});

it.each([
  ['bossac', '[====          ] 30% (12/40 pages)\r[=====] 45% (18/40 pages)', 0.45],
  ['dfu-util', 'Download\t[=========                ]  36%       98304 bytes', 0.36],
  ['esptool.py', 'Writing at 0x00010000... (12 %)\rWriting at 0x00014000... (25 %)', 0.25],
  ['nothing yet', 'Connecting....', undefined],
])('reads the progress of %s', (_, said, fraction) => {
  expect(lastPercent(said)).toBe(fraction);
});
