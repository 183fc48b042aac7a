import { existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { loadBoard } from '../../boards/load-board.js';
import type { BoardSpec } from '../../core/board-spec.js';
import { ThimbleError } from '../../core/errors.js';
import type { FirmwareImage } from '../../core/firmware-image.js';
import { builtFirmware } from '../../firmware/build-firmware.js';
import { type FlashRequest, flashMethodOf } from '../../flash/index.js';
import type { Verb } from './index.js';

interface Flags {
  readonly board: string;
  readonly drive?: string;
  readonly dryRun?: boolean;
}

export const flash: Verb = (program, action) => {
  program
    .command('flash')
    .argument('<image>', 'a project folder of thimble build, or an image file (.uf2)')
    .description('put a built firmware into a board')
    .requiredOption('--board <board>', 'see thimble boards')
    .option('--drive <folder>', 'the board’s USB drive, where it is not found by itself; also a virtual board’s')
    .option('--dry-run', 'say what would be done, and do nothing')
    .addHelpText('after', '\nExample:\n  thimble flash .thimble/model-rpi-pico --board pico')
    .action(
      action(async (context, path: string, flags: Flags) => {
        const board = loadBoard(flags.board);
        const method = flashMethodOf(board);
        const { onEvent, signal } = context;
        const request: FlashRequest = {
          board,
          image: imageAt(path, board),
          onEvent,
          signal,
          ...(flags.drive !== undefined && { drive: flags.drive }),
        };
        if (flags.dryRun === true) {
          const steps = method.describe(request);
          context.printJson({ board: board.id, method: method.name, steps });
          context.print(steps.map((step) => `  ${step}`).join('\n'));
          return;
        }
        await method.flash(request);
        context.printJson({ board: board.id, method: method.name, image: path, flashed: true });
        context.print(`  ${board.name} has taken ${path}`);
      }),
    );
};

/** @throws ThimbleError E_FILE */
function imageAt(path: string, board: BoardSpec): FirmwareImage {
  const missing = (what: string) =>
    new ThimbleError('E_FILE', `${path}: ${what}`, `Build it first: thimble build MODEL --board ${board.id}`);
  if (!existsSync(path)) throw missing('there is no such file or folder');
  if (!statSync(path).isDirectory())
    return {
      boardId: board.id,
      folder: dirname(path),
      executable: path,
      size: null,
      ...(path.toLowerCase().endsWith('.uf2') && { uf2: path }),
    };
  const built = builtFirmware(board, path);
  if (!built) throw missing(`no firmware of ${board.name} was built in this folder`);
  return built;
}
