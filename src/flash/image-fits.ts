/** The size of an image against the board, before anything is written to it. */
import { statSync } from 'node:fs';
import type { BoardSpec } from '../core/board-spec.js';
import { ThimbleError } from '../core/errors.js';
import type { FirmwareImage } from '../core/firmware-image.js';
import { decodeIntelHex } from '../core/intel-hex.js';
import { readFileOf } from '../files/read-file.js';

/** What a program may take beside the boot loader. */
export const flashLimitOf = ({ flashBytes, facts }: BoardSpec): number => facts?.usableFlashBytes ?? flashBytes;

/**
 * @throws ThimbleError E_DOES_NOT_FIT, E_FILE, E_FLASH_FAILED for a damaged HEX file; the board is untouched then
 */
export function checkImageFits(board: BoardSpec, image: FirmwareImage): void {
  const bytes = flashBytesOf(image);
  const limit = flashLimitOf(board);
  if (bytes === null || bytes <= limit) return;
  throw new ThimbleError(
    'E_DOES_NOT_FIT',
    `the image takes ${bytes.toLocaleString('en-US')} bytes of flash; ${board.name} has ${limit.toLocaleString('en-US')} for a program; the board is unchanged`,
    ['Prune the model: --prune channels=0.5', 'Choose a larger board: thimble boards'],
  );
}

/** Null where no file of the image tells: an ELF that was never measured. */
export function flashBytesOf({ size, hex, bin, uf2, parts }: FirmwareImage): number | null {
  if (size !== null) return size.flashBytes;
  // Of several parts the program is the largest; boot loader and tables have places of their own.
  if (parts !== undefined) return Math.max(0, ...parts.map(({ path }) => fileBytes(path)));
  if (bin !== undefined) return fileBytes(bin);
  if (hex !== undefined) {
    const runs = decodeIntelHex(new TextDecoder().decode(readFileOf('the firmware', hex)));
    return runs.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }
  if (uf2 !== undefined) return fileBytes(uf2) / 2; // blocks of 512 bytes carry 256
  return null;
}

/** @throws ThimbleError E_FILE */
function fileBytes(path: string): number {
  try {
    return statSync(path).size;
  } catch {
    return readFileOf('the firmware', path).length; // says in words what is wrong with it
  }
}
