/** The drive of a DAPLink interface chip, as the micro:bit's: a .hex copied there is written into the board's chip. */
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { BoardSpec } from '../core/board-spec.js';
import { ThimbleError } from '../core/errors.js';
import { decodeIntelHex } from '../core/intel-hex.js';
import { readFileOf } from '../files/read-file.js';
import { dropOnDrive, mountedFolders } from './drop.js';
import type { FlashMethod, FlashRequest } from './flash-method.js';
import { checkImageFits } from './image-fits.js';
import { fileOf } from './tool-method.js';

const DETAILS_FILE = 'DETAILS.TXT';
const FAILURE_FILE = 'FAIL.TXT';
const PLUG_IN = 'Plug the board in and wait for its drive, or name it with --drive.';

export const hexDrive: FlashMethod = {
  name: 'hex-drive',
  drive: true,
  describe: (request) => {
    const { drive, file } = prepare(request);
    return [
      `copy ${file} to ${drive}`,
      `wait until ${drive} has taken it; ${FAILURE_FILE} there would say what went wrong`,
    ];
  },
  flash: async (request) => {
    const { drive, file, bytes } = prepare(request);
    request.onEvent?.({ stage: 'flash', message: `copying ${basename(file)} to ${drive}` });
    await dropOnDrive({
      bytes,
      drive,
      name: basename(file),
      recover: `Copy it again. ${PLUG_IN}`,
      ...(request.onEvent && { onEvent: request.onEvent }),
      ...(request.signal && { signal: request.signal }),
    });
    refuseFailure(drive);
  },
};

function prepare(request: FlashRequest) {
  const { board, image } = request;
  const file = fileOf(request, 'hex');
  checkImageFits(board, image);
  const bytes = readFileOf('the firmware', file);
  decodeIntelHex(new TextDecoder().decode(bytes)); // the interface chip would have erased the old program by then
  return { file, bytes, drive: driveOf(board, request.drive) };
}

/**
 * The one drive with the board's name, or the one that was named: DAPLink writes its DETAILS.TXT on it.
 * @throws ThimbleError E_FLASH_FAILED: none, or several
 */
function driveOf({ name, flash }: BoardSpec, named?: string): string {
  const isOne = (folder: string): boolean => existsSync(join(folder, DETAILS_FILE));
  if (named !== undefined) {
    if (isOne(named)) return named;
    throw unchanged(
      existsSync(named) ? `${named} is not the drive of a ${name} (no ${DETAILS_FILE})` : `there is no drive ${named}`,
    );
  }
  const volume = String(flash.options?.['volume'] ?? 'DAPLINK');
  const found = mountedFolders().filter((place) => basename(place).startsWith(volume) && isOne(place));
  if (found.length === 1) return found[0]!;
  throw found.length === 0
    ? unchanged(`no drive ${volume} is mounted`)
    : unchanged(`${found.length} drives could be meant: ${found.join(', ')}`);
}

/** The drive comes back with it where the interface chip could not write the program. */
function refuseFailure(drive: string): void {
  const path = join(drive, FAILURE_FILE);
  if (!existsSync(path)) return;
  throw new ThimbleError(
    'E_FLASH_FAILED',
    `${drive} could not write the program: ${readFileSync(path, 'latin1').trim().slice(0, 300)}`,
    ['Unplug the board, plug it in again, and copy once more.', 'Is the .hex for this version of the board?'],
  );
}

const unchanged = (what: string): ThimbleError =>
  new ThimbleError('E_FLASH_FAILED', `${what}; the board is unchanged`, PLUG_IN);
