import { existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { loadBoard } from '../../boards/load-board.js';
import type { BoardSpec } from '../../core/board-spec.js';
import { ThimbleError } from '../../core/errors.js';
import type { FirmwareImage } from '../../core/firmware-image.js';
import { builtFirmware } from '../../firmware/build-firmware.js';
import { projectBoard, projectCommands } from '../../firmware/build-project.js';
import { flashBytesOf, flashLimitOf } from '../../flash/image-fits.js';
import { type FlashRequest, flashMethodFor, withFlashMethod } from '../../flash/index.js';
import { AUTO, portForFlashing } from '../../pipeline/find-port.js';
import { driveFor } from '../../pipeline/open-board.js';
import { portSearch } from '../choose-port.js';
import { usageBar } from '../table.js';
import type { Verb } from './index.js';

interface Flags {
  readonly board: string;
  readonly drive?: string;
  readonly port: string;
  readonly method?: string;
  readonly dryRun?: boolean;
}

export const flash: Verb = (program, action) => {
  program
    .command('flash')
    .argument('<image>', 'a project folder of thimble build, or an image file (.uf2, .hex, .bin, .elf)')
    .description('put a built firmware into a board')
    .requiredOption('--board <board>', 'see thimble boards')
    .option('--drive <folder>', 'the board’s USB drive, where it is not found by itself; also a virtual board’s')
    .option('--port <port>', 'serial port, or auto; only for methods that need one', AUTO)
    .option('--method <name>', 'another of the board’s ways to flash; thimble boards --json lists them')
    .option('--dry-run', 'say what would be done, and do nothing')
    .addHelpText('after', '\nExample:\n  thimble flash .thimble/model-rpi-pico --board pico')
    .action(
      action(async (context, path: string, flags: Flags) => {
        const board = withFlashMethod(loadBoard(flags.board), flags.method);
        const drive = driveFor(board, flags.port, flags.drive);
        const method = flashMethodFor(board, drive);
        const { onEvent, signal } = context;
        const request: FlashRequest = {
          board,
          image: imageAt(path, board),
          onEvent,
          signal,
          ...(drive !== undefined && { drive }),
        };
        if (flags.dryRun === true) {
          const steps = method.describe(flags.port === AUTO ? request : { ...request, port: flags.port });
          context.printJson({ board: board.id, method: method.name, steps });
          context.print(steps.map((step) => `  ${step}`).join('\n'));
          return;
        }
        context.log(sizeText(board, request.image));
        let port = await portForFlashing(method, board, flags.port, portSearch(context));
        await method.flash({
          ...request,
          ...(port !== undefined && { port }),
          onPort: (now) => {
            port = now;
          },
        });
        context.printJson({ board: board.id, method: method.name, image: path, port: port ?? null, flashed: true });
        context.print(`  ${board.name} has taken ${path}${port === undefined ? '' : `; it is at ${port}`}`);
      }),
    );
};

/** Before anything is written: what the image takes of the board. */
function sizeText(board: BoardSpec, image: FirmwareImage): string {
  const bytes = flashBytesOf(image);
  return bytes === null
    ? '  flash: the image does not tell its size'
    : `  flash ${usageBar(bytes, flashLimitOf(board))}`;
}

/** Which of an image's forms a file is, by its name. */
function formOf(path: string): Partial<FirmwareImage> {
  const form = /\.(uf2|hex|bin)$/i.exec(path)?.[1]?.toLowerCase();
  return form === undefined ? {} : { [form]: path };
}

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
      ...formOf(path),
    };
  const other = projectBoard(path);
  if (other !== undefined && other !== board.id)
    throw new ThimbleError('E_USAGE', `${path} is a project for "${other}", not for "${board.id}"`, [
      `Flash it there: --board ${other}`,
      `Or build for this board: thimble build MODEL --board ${board.id}`,
    ]);
  const built = builtFirmware(board, path);
  const commands = projectCommands(board, path);
  if (!built && commands)
    throw new ThimbleError(
      'E_FILE',
      `${path}: the project was rendered, but never built`,
      commands.slice(0, -1).slice(0, 3),
    );
  if (!built) throw missing(`no firmware of ${board.name} was built in this folder`);
  return built;
}
