/** Boards without flash: an emulator or this computer runs the executable as it is. */
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { ThimbleError } from '../core/errors.js';
import { readFileOf } from '../files/read-file.js';
import { dropOnDrive } from './drop.js';
import type { FlashMethod } from './flash-method.js';

export const none: FlashMethod = {
  name: 'none',
  drive: true,
  describe: ({ board, image, drive }) => [
    drive === undefined
      ? `nothing to flash: ${board.name} runs ${image.executable} when it starts`
      : `copy ${image.executable} to ${drive} and wait until the virtual board has taken it`,
  ],
  flash: async ({ image, drive, onEvent, signal }) => {
    if (drive === undefined) return;
    if (!existsSync(drive))
      throw new ThimbleError(
        'E_FLASH_FAILED',
        `there is no folder ${drive}; nothing was flashed`,
        'Start the board: thimble virtual BOARD --pty PATH; PATH.json names its drive.',
      );
    await dropOnDrive({
      bytes: readFileOf('the firmware', image.executable),
      drive,
      name: basename(image.executable),
      recover: 'Is the virtual board still running? Start it again with thimble virtual.',
      ...(onEvent && { onEvent }),
      ...(signal && { signal }),
    });
  },
};
