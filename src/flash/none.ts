/** Boards without flash: an emulator or this computer runs the executable as it is. */
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { ThimbleError } from '../core/errors.js';
import { readFileOf } from '../files/read-file.js';
import { dropOnDrive } from './drop.js';
import type { FlashMethod, FlashRequest } from './flash-method.js';
import { fileOf } from './tool-method.js';

export const none: FlashMethod = {
  name: 'none',
  drive: true,
  describe: (request) => [
    request.drive === undefined
      ? `nothing to flash: ${request.board.name} runs ${takenFile(request)} when it starts`
      : `copy ${takenFile(request)} to ${request.drive} and wait until the virtual board has taken it`,
  ],
  flash: async (request) => {
    const { drive, onEvent, signal } = request;
    if (drive === undefined) return;
    if (!existsSync(drive))
      throw new ThimbleError(
        'E_FLASH_FAILED',
        `there is no folder ${drive}; nothing was flashed`,
        'Start the board: thimble virtual BOARD --pty PATH; PATH.json names its drive.',
      );
    const file = takenFile(request);
    await dropOnDrive({
      bytes: readFileOf('the firmware', file),
      drive,
      name: basename(file),
      recover: 'Is the virtual board still running? Start it again with thimble virtual.',
      ...(onEvent && { onEvent }),
      ...(signal && { signal }),
    });
  },
};

/** Emulators load the executable; a virtual AVR has flash of its own, and takes what a programmer does. */
const takenFile = (request: FlashRequest): string =>
  request.board.virtual?.backend === 'avr8js' ? fileOf(request, 'hex') : request.image.executable;
