/** PlatformIO uploads a project of its own, with the tool that it fetched for the board. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ThimbleError } from '../core/errors.js';
import { lastPercent } from './progress.js';
import { flashByTool, OPEN_PORT } from './tool-method.js';

export const platformio = flashByTool({
  name: 'platformio',
  needsPort: false, // it finds one itself
  wantsPort: 'if-named',
  commands: ({ image, board, port: named }, port) => {
    const { folder } = image;
    if (!existsSync(join(folder, 'platformio.ini')))
      throw new ThimbleError('E_FILE', `${folder} is no PlatformIO project`, [
        `Make one: thimble build MODEL --board ${board.id} --template platformio`,
      ]);
    const upload = ['run', '--project-dir', folder, '--target', 'upload'];
    return [
      {
        does: 'build what changed, and write it',
        program: 'pio',
        args: named === undefined || port === OPEN_PORT ? upload : [...upload, '--upload-port', port],
      },
    ];
  },
  progress: lastPercent,
  brokenOff: {
    state: 'the board may hold half a program; its boot loader is untouched',
    recover: [
      'Flash again.',
      'Where the board is not found: its boot button or a double press of reset starts the boot loader.',
    ],
  },
});
