/** Virtual boards by the backend that a board file names. */
import type { BoardSpec } from '../core/board-spec.js';
import { ThimbleError } from '../core/errors.js';
import { openVirtualAvr } from './avr-board.js';
import { openVirtualEsp } from './esp-board.js';
import { openProcessBoard, openQemuBoard } from './external-board.js';
import { openVirtualPico } from './pico.js';
import { openVirtualStm32 } from './stm32-board.js';
import type { VirtualBoard, VirtualBoardOptions } from './virtual-board.js';

export { type PtyServer, serveOnPty } from './serve-on-pty.js';
export type { VirtualBoard, VirtualBoardOptions } from './virtual-board.js';

const backends = {
  avr8js: openVirtualAvr,
  'esp-rom': (spec: BoardSpec, options: VirtualBoardOptions) => openVirtualEsp(spec, options),
  rp2040js: openVirtualPico,
  qemu: (spec: BoardSpec, options: VirtualBoardOptions) =>
    spec.flash.method === 'stm32flash' ? openVirtualStm32(spec, options) : openQemuBoard(spec, options),
  process: openProcessBoard,
} as const;

/** A twin that takes images and runs none. */
export const isFlashOnly = ({ virtual }: BoardSpec): boolean => virtual?.backend === 'esp-rom';

/**
 * Opens the virtual twin of a board and starts the image, if there is one.
 * @throws ThimbleError E_BOARD_FILE (the board has no twin), E_TOOL_MISSING, E_FLASH_FAILED, E_ENGINE, E_TIMEOUT
 */
export async function openVirtualBoard(spec: BoardSpec, options: VirtualBoardOptions = {}): Promise<VirtualBoard> {
  if (!spec.virtual)
    throw new ThimbleError('E_BOARD_FILE', `${spec.name} cannot be emulated`, 'Choose another board: thimble boards', {
      where: `in board "${spec.id}" at $.virtual`,
    });
  return backends[spec.virtual.backend](spec, options);
}
