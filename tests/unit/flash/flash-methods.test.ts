import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadBoard } from '../../../src/boards/load-board.js';
import type { BoardSpec } from '../../../src/core/board-spec.js';
import type { FirmwareImage } from '../../../src/core/firmware-image.js';
import { encodeUf2, RP2040_FAMILY } from '../../../src/core/uf2.js';
import { flashMethodOf, flashMethods } from '../../../src/flash/index.js';
import { driveOf } from '../../../src/flash/uf2.js';
import { projectFolder } from '../../shared-folder.js';

const pico = loadBoard('pico');
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'thimble-test-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A folder as the Pico's ROM shows it. */
function drive(name: string, boardId = 'RPI-RP2'): string {
  const path = join(folder, name);
  mkdirSync(path);
  writeFileSync(join(path, 'INFO_UF2.TXT'), `UF2 Bootloader v3.0\nModel: Raspberry Pi RP2\nBoard-ID: ${boardId}\n`);
  return path;
}

function image(): FirmwareImage {
  const uf2 = join(folder, 'firmware.uf2');
  writeFileSync(uf2, encodeUf2(new Uint8Array(1000).fill(7), 0x10000000, RP2040_FAMILY));
  return { boardId: 'rpi-pico', folder, executable: join(folder, 'firmware.elf'), uf2, size: null };
}

describe('the list of flash methods', () => {
  it('has every method of its folder, by its name', () => {
    const notMethods =
      'index flash-method drop tool-method image-fits touch progress esp-image web-serial byte-line stk500-protocols avr-boards'
        .split(' ')
        .map((name) => `${name}.ts`);
    const files = readdirSync(join(projectFolder, 'src/flash')).filter((file) => !notMethods.includes(file));
    expect(flashMethods.map(({ name }) => `${name}.ts`).sort()).toEqual(files.sort());
  });

  it('refuses a method that is not there', () => {
    expect(() => flashMethodOf({ ...pico, flash: { method: 'magic' } })).toThrow('"magic"');
  });
});

describe('a board that is flashed by hand', () => {
  const uno: BoardSpec = { ...loadBoard('uno'), flash: { method: 'by-hand' } };
  const hex: FirmwareImage = { boardId: uno.id, folder: '/p', executable: '/p/$&.hex', size: null };

  it('is shown the command of its own tool, with the image in its place', () => {
    expect(flashMethodOf(uno).describe({ board: uno, image: hex })).toEqual([
      'by hand: avrdude -C/etc/avrdude.conf -v -patmega328p -carduino -P{port} -b115200 -D -Uflash:w:/p/$&.hex:i',
    ]);
  });

  it('is never said to be flashed', async () => {
    const flashing = flashMethodOf(uno).flash({ board: uno, image: hex });
    await expect(flashing).rejects.toMatchObject({
      code: 'E_FLASH_FAILED',
      hints: [expect.stringContaining('avrdude')],
    });
    await expect(flashing).rejects.toThrow('the board is unchanged');
  });
});

describe('finding the drive', () => {
  it('knows it by its Board-ID', () => {
    const [mine, other] = [drive('a'), drive('b', 'ARDUINO')];
    expect(driveOf(pico, undefined, [other, mine, folder])).toBe(mine);
    expect(driveOf(pico, mine)).toBe(mine);
  });

  it('says that the board is unchanged where there is none, another, or several', () => {
    const [a, b, other] = [drive('a'), drive('b'), drive('c', 'ARDUINO')];
    expect(() => driveOf(pico, undefined, [folder])).toThrow('no drive RPI-RP2 is mounted; the board is unchanged');
    expect(() => driveOf(pico, undefined, [a, b])).toThrow('2 drives');
    expect(() => driveOf(pico, other)).toThrow('is not the drive');
    expect(() => driveOf(pico, join(folder, 'nowhere'))).toThrow('there is no drive');
  });
});

describe('flashing by drive', () => {
  it('copies the whole file and waits until the drive has taken it', async () => {
    const volume = drive('RPI-RP2');
    let taken: Buffer | undefined;
    const rom = setInterval(() => {
      const file = join(volume, 'firmware.uf2');
      if (!readdirSync(volume).includes(basename(file))) return;
      taken = readFileSync(file);
      rmSync(file);
    }, 200);
    const request = { board: pico, image: image(), drive: volume };
    expect(flashMethodOf(pico).describe(request)[0]).toContain('4 blocks');
    const start = Date.now();
    await flashMethodOf(pico).flash(request);
    clearInterval(rom);
    expect(taken).toEqual(readFileSync(request.image.uf2!));
    expect(Date.now() - start).toBeGreaterThan(50);
  });

  it('stops when it is interrupted, and says in what state the board is', async () => {
    const controller = new AbortController();
    const flashing = flashMethodOf(pico).flash({
      board: pico,
      image: image(),
      drive: drive('RPI-RP2'),
      signal: controller.signal,
    });
    setTimeout(() => controller.abort(), 100);
    await expect(flashing).rejects.toMatchObject({ code: 'E_INTERRUPTED' });
    await expect(flashing).rejects.toThrow('boot loader answers');
  });

  it('refuses an image that is larger than the board before it touches the drive', async () => {
    const volume = drive('RPI-RP2');
    const small = { ...pico, flashBytes: 512, facts: { ...pico.facts!, usableFlashBytes: 512 } };
    const flashing = flashMethodOf(pico).flash({ board: small, image: image(), drive: volume });
    await expect(flashing).rejects.toMatchObject({ code: 'E_DOES_NOT_FIT' });
    await expect(flashing).rejects.toThrow('1,024 bytes of flash');
    expect(readdirSync(volume)).toEqual(['INFO_UF2.TXT']);
  });

  it('refuses a damaged UF2 before it touches the drive', async () => {
    const volume = drive('RPI-RP2');
    const damaged = image();
    writeFileSync(damaged.uf2!, readFileSync(damaged.uf2!).subarray(0, 1000));
    await expect(flashMethodOf(pico).flash({ board: pico, image: damaged, drive: volume })).rejects.toMatchObject({
      code: 'E_FLASH_FAILED',
    });
    expect(readdirSync(volume)).toEqual(['INFO_UF2.TXT']);
  });
});
