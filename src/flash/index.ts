/** The ways to flash, one line each; a test compares this list with the folder. */
import type { BoardSpec } from '../core/board-spec.js';
import { ThimbleError } from '../core/errors.js';
import { arduinoCli } from './arduino-cli.js';
import { avrdude } from './avrdude.js';
import { bossac } from './bossac.js';
import { byHand } from './by-hand.js';
import { dfuUtil } from './dfu-util.js';
import { esptool } from './esptool.js';
import { esptoolPy } from './esptool-py.js';
import type { FlashMethod } from './flash-method.js';
import { hexDrive } from './hex-drive.js';
import { none } from './none.js';
import { openocd } from './openocd.js';
import { platformio } from './platformio.js';
import { stk500 } from './stk500.js';
import { stm32flash } from './stm32flash.js';
import { teensyLoaderCli } from './teensy-loader-cli.js';
import { uf2 } from './uf2.js';

export type { FlashMethod, FlashRequest } from './flash-method.js';

export const flashMethods: readonly FlashMethod[] = [
  arduinoCli,
  avrdude,
  bossac,
  byHand,
  dfuUtil,
  esptool,
  esptoolPy,
  hexDrive,
  none,
  openocd,
  platformio,
  stk500,
  stm32flash,
  teensyLoaderCli,
  uf2,
];

/** @throws ThimbleError E_BOARD_FILE where the board file names a method that is not there */
export function flashMethodOf({ id, flash }: BoardSpec): FlashMethod {
  const method = flashMethods.find(({ name }) => name === flash.method);
  if (method) return method;
  throw new ThimbleError(
    'E_BOARD_FILE',
    `there is no flash method "${flash.method}"; there are ${flashMethods.map(({ name }) => name).join(', ')}`,
    'Correct the board file.',
    { where: `in board "${id}" at $.flash.method` },
  );
}

/**
 * The method that a board is flashed by, or the folder of its virtual twin where that was named and the method itself
 * has no use for a drive: probes and boot loaders at a port belong to boards that are there.
 * @throws ThimbleError E_BOARD_FILE
 */
export function flashMethodFor(board: BoardSpec, drive: string | undefined): FlashMethod {
  const method = flashMethodOf(board);
  const twinShowsDrive = board.virtual?.backend === 'qemu' || board.virtual?.backend === 'avr8js';
  return drive !== undefined && !method.drive && twinShowsDrive ? none : method;
}

/**
 * The board with another of its flash methods in the first place, as --method asks for.
 * @throws ThimbleError E_USAGE where the board's file does not list it
 */
export function withFlashMethod(board: BoardSpec, name: string | undefined): BoardSpec {
  const { others = [], ...first } = board.flash;
  if (name === undefined || name === first.method) return board;
  const chosen = others.find(({ method }) => method === name);
  if (chosen) return { ...board, flash: { ...chosen, others: [first, ...others.filter((each) => each !== chosen)] } };
  const names = [first, ...others].map(({ method }) => method).join(', ');
  throw new ThimbleError('E_USAGE', `the ${board.name} is not flashed by "${name}"`, `Choose one of: ${names}`);
}
