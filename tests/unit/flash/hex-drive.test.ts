/** The drive of an interface chip: only the right one is written to, and its refusal is passed on. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { loadBoard } from '../../../src/boards/load-board.js';
import type { FirmwareImage } from '../../../src/core/firmware-image.js';
import { hexDrive } from '../../../src/flash/hex-drive.js';
import { openDrive } from '../../../src/virtual/drive-folder.js';

const folder = mkdtempSync(join(tmpdir(), 'thimble-hex-drive-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const board = loadBoard('microbit-v1');
const hex = join(folder, 'firmware.hex');
writeFileSync(hex, ':0400000001020304F2\n:00000001FF\n');
const image: FirmwareImage = { boardId: board.id, folder, executable: hex, hex, size: null };
const details = { 'DETAILS.TXT': 'Daplink Mode: Interface' };

function driveThat(name: string, answers: (drive: string) => void) {
  const drive = join(folder, name);
  const taken: string[] = [];
  const open = openDrive({
    ...{ folder: drive, name, files: details, accepts: (file: string) => file.endsWith('.hex') },
    onFile: (path) => {
      taken.push(path);
      answers(drive);
    },
  });
  return { drive, taken, close: () => open.close() };
}

it('copies the .hex and waits until it was taken', async () => {
  const { drive, taken, close } = driveThat('MICROBIT', () => {});
  try {
    await hexDrive.flash({ board, image, drive });
    expect(taken).toEqual([join(drive, 'firmware.hex')]);
    expect(existsSync(taken[0]!)).toBe(false);
  } finally {
    close();
  }
});

it('passes on what FAIL.TXT says', async () => {
  const { drive, close } = driveThat('FAILING', (folder) =>
    writeFileSync(join(folder, 'FAIL.TXT'), 'error: The hex file cannot be decoded.'),
  );
  try {
    await expect(hexDrive.flash({ board, image, drive })).rejects.toMatchObject({
      code: 'E_FLASH_FAILED',
      message: expect.stringContaining('cannot be decoded'),
    });
  } finally {
    close();
  }
});

it('leaves a board alone whose drive is another’s, or for which the file is none', async () => {
  const other = join(folder, 'stick');
  mkdirSync(other);
  await expect(hexDrive.flash({ board, image, drive: other })).rejects.toThrow(
    /is not the drive of a BBC micro:bit V1/,
  );
  writeFileSync(join(other, 'DETAILS.TXT'), 'Daplink');
  const cut = join(folder, 'cut.hex');
  writeFileSync(cut, ':0400000001020304F2\n');
  await expect(hexDrive.flash({ board, image: { ...image, hex: cut }, drive: other })).rejects.toThrow(/cut off/);
  expect(existsSync(join(other, 'cut.hex'))).toBe(false);
});
