/** arduino-cli uploads with whatever tool the board's core brings. */
import { dirname } from 'node:path';
import { ThimbleError } from '../core/errors.js';
import { lastPercent } from './progress.js';
import { flashByTool } from './tool-method.js';

export const arduinoCli = flashByTool({
  name: 'arduino-cli',
  needsPort: true,
  commands: ({ board, image }, port) => {
    const fqbn = board.facts?.arduino?.fqbn;
    if (fqbn === undefined)
      throw new ThimbleError(
        'E_BOARD_FILE',
        `no Arduino core is known for the ${board.name}`,
        'Choose another --method.',
        {
          where: `in board "${board.id}" at $.facts.arduino`,
        },
      );
    return [
      {
        does: 'write and verify',
        program: 'arduino-cli',
        // The folder, since some boards take several files of it.
        args: ['upload', '--fqbn', fqbn, '--port', port, '--input-dir', dirname(image.executable), '--verify'],
      },
    ];
  },
  progress: lastPercent,
  brokenOff: {
    state: 'the board may hold half a program; its boot loader is untouched',
    recover: ['Flash again; on boards with native USB press the reset button twice quickly before.'],
  },
});
