/** UF2: the boot ROM shows a drive, and a file copied there is the program. The Pico and its many relatives. */
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { BoardSpec } from '../core/board-spec.js';
import { ThimbleError } from '../core/errors.js';
import { decodeUf2, RP2040_FAMILY } from '../core/uf2.js';
import { readFileOf } from '../files/read-file.js';
import { dropOnDrive, mountedFolders } from './drop.js';
import type { FlashMethod, FlashRequest } from './flash-method.js';
import { checkImageFits } from './image-fits.js';

const INFO_FILE = 'INFO_UF2.TXT';
const BOOT_LOADER_HINT =
  'Hold BOOTSEL while plugging the board in, wait for its drive, and try again; or name it with --drive.';

export const uf2: FlashMethod = {
  name: 'uf2',
  drive: true,
  describe: (request) => {
    const { drive, file, blocks } = prepare(request);
    return [
      `copy ${file} (${blocks} blocks of 256 bytes) to ${drive}`,
      `wait until ${drive} has taken it and ${request.board.name} restarts`,
    ];
  },
  flash: async (request) => {
    const { drive, file, bytes } = prepare(request);
    request.onEvent?.({ stage: 'flash', message: `copying ${basename(file)} to ${drive}` });
    await dropOnDrive({
      bytes,
      drive,
      name: basename(file),
      recover: BOOT_LOADER_HINT,
      ...(request.onEvent && { onEvent: request.onEvent }),
      ...(request.signal && { signal: request.signal }),
    });
  },
};

function prepare({ board, image, drive }: FlashRequest) {
  if (image.uf2 === undefined)
    throw unchanged(
      `${image.executable} is no UF2 file`,
      `Give one, or build it: thimble build MODEL --board ${board.id}`,
    );
  checkImageFits(board, image);
  const bytes = readFileOf('the firmware', image.uf2);
  const blocks = decodeUf2(bytes, Number(board.flash.options?.['familyId'] ?? RP2040_FAMILY)).length;
  return { file: image.uf2, bytes, blocks, drive: driveOf(board, drive) };
}

/**
 * The one drive that the board's boot loader shows, or the one that was named.
 * @throws ThimbleError E_FLASH_FAILED: none, or several
 */
export function driveOf(board: BoardSpec, named?: string, places = mountedFolders()): string {
  const wanted = String(board.flash.options?.['volume'] ?? 'RPI-RP2');
  if (named !== undefined) {
    if (boardIdOf(named) === wanted) return named;
    throw unchanged(
      existsSync(named)
        ? `${named} is not the drive of a ${board.name} in boot loader mode (no ${INFO_FILE} with Board-ID ${wanted})`
        : `there is no drive ${named}`,
      BOOT_LOADER_HINT,
    );
  }
  const found = places.filter((place) => boardIdOf(place) === wanted);
  if (found.length === 1) return found[0]!;
  if (found.length === 0) throw unchanged(`no drive ${wanted} is mounted`, BOOT_LOADER_HINT);
  throw unchanged(
    `${found.length} drives could be meant: ${found.join(', ')}`,
    'Name one: --drive PATH, or unplug the others.',
  );
}

const unchanged = (what: string, hint: string): ThimbleError =>
  new ThimbleError('E_FLASH_FAILED', `${what}; the board is unchanged`, hint);

function boardIdOf(folder: string): string | undefined {
  try {
    return /^Board-ID:\s*(\S+)/m.exec(readFileSync(join(folder, INFO_FILE), 'latin1'))?.[1];
  } catch {
    return undefined;
  }
}
