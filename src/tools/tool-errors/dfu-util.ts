/** dfu-util 0.9 to 0.11. */
import type { ToolPatterns } from '../tool-pattern.js';
import { BUILD_AGAIN, DOUBLE_RESET, UDEV_RULE } from './advice.js';

export const dfuUtil: ToolPatterns = {
  programs: ['dfu-util'],
  speaksAs: /\bdfu-util\b/,
  patterns: [
    {
      id: 'dfu-no-permission',
      match: /Cannot open DFU device \S+.*LIBUSB_ERROR_ACCESS|LIBUSB_ERROR_ACCESS/,
      code: 'E_PORT_BUSY',
      what: 'no permission to open the boot loader’s USB device',
      why: 'it is no serial port: a udev rule lets users open it',
      next: [UDEV_RULE],
    },
    {
      id: 'dfu-no-device',
      match: /No DFU capable USB device (?:available|found)/,
      code: 'E_FLASH_FAILED',
      what: 'no boot loader shows itself on USB',
      why: 'the board runs its program, or the cable only charges; the board is unchanged',
      next: [DOUBLE_RESET, 'dfu-util -l shows what is there.'],
    },
    {
      id: 'dfu-several',
      match: /More than one DFU capable USB device/,
      code: 'E_FLASH_FAILED',
      what: 'several boards are in their boot loaders',
      why: 'dfu-util does not guess which one is meant',
      next: ['Unplug the others.'],
    },
    {
      id: 'dfu-no-file',
      match: /Could not open file (\S+) for reading/,
      code: 'E_FILE',
      what: 'there is no file $1',
      why: 'dfu-util was to write it',
      next: [BUILD_AGAIN],
    },
    {
      id: 'dfu-address',
      match: /Last page at 0x[0-9a-f]+ is not writeable|Page at 0x[0-9a-f]+ is not writeable/i,
      code: 'E_DOES_NOT_FIT',
      what: 'the image does not belong where it was to be written',
      why: 'it is larger than the flash, or the address is the boot loader’s own',
      next: ['Choose the board that is plugged in: thimble boards', BUILD_AGAIN],
    },
    {
      id: 'dfu-transfer',
      match:
        /Error during (?:special command|download)|dfu_download.*error|Failed to retrieve state|failed to write whole memory/i,
      code: 'E_FLASH_FAILED',
      what: 'the transfer broke off',
      why: 'the board may hold half a program; its boot loader is untouched',
      next: [DOUBLE_RESET, 'Use a shorter cable, without a hub.'],
    },
  ],
};
