/** What the ways to flash an AVR board have in common: its boot loader. */
import type { FlashRequest } from './flash-method.js';

/** A Nano's old boot loader listens at this speed, whatever its program uses. */
const OLD_BOOT_LOADER_BAUD = 57_600;

export const avrBauds = ({ board }: FlashRequest): readonly number[] => [
  ...new Set([board.serial.baud, OLD_BOOT_LOADER_BAUD]),
];

export const avrBrokenOff = {
  state: 'the board may hold half a program; its boot loader is untouched',
  recover: ['Flash again.', 'Press reset just before it starts if the board does not answer.'],
} as const;
