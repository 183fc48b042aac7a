/** teensy_loader_cli 2. */
import type { ToolPatterns } from '../tool-pattern.js';
import { BUILD_AGAIN, UDEV_RULE } from './advice.js';

export const teensyLoader: ToolPatterns = {
  programs: ['teensy_loader_cli'],
  speaksAs: /Teensy|HalfKay|^Unknown MCU type/m,
  patterns: [
    {
      id: 'teensy-no-file',
      match: /error reading intel hex file "([^"]+)"/,
      code: 'E_FILE',
      what: '$1 is no Intel HEX file, or not there',
      why: 'teensy_loader_cli was to write it',
      next: [BUILD_AGAIN],
    },
    {
      id: 'teensy-unknown-mcu',
      match: /Unknown MCU type "([^"]+)"/,
      code: 'E_BOARD_FILE',
      what: 'teensy_loader_cli knows no board "$1"',
      why: 'the board file names it, or this version is older than the board',
      next: ['Install the current version: thimble doctor says how.'],
    },
    {
      id: 'teensy-no-device',
      match: /Unable to (?:open device|soft reboot)|hint: try -w option|Waiting for Teensy device/,
      code: 'E_FLASH_FAILED',
      what: 'no Teensy shows its boot loader',
      why: 'it is not plugged in, or Linux does not let you open it; the board is unchanged',
      next: ['Press the button on the Teensy.', UDEV_RULE],
    },
    {
      id: 'teensy-write',
      match: /error writing to Teensy/,
      code: 'E_FLASH_FAILED',
      what: 'the transfer broke off',
      why: 'the board may hold half a program; its boot loader is in a chip of its own',
      next: ['Press the button on the Teensy, and flash again.'],
    },
  ],
};
