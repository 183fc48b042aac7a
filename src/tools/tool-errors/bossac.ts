/** bossac 1.7 to 1.9. */
import type { ToolPatterns } from '../tool-pattern.js';
import { DOUBLE_RESET, LIST_PORTS } from './advice.js';

export const bossac: ToolPatterns = {
  programs: ['bossac'],
  speaksAs: /\bBOSSA\b|SAM-BA|No device found on|Set binary mode|^Verify \d+ bytes of flash|FileSizeError/m,
  patterns: [
    {
      id: 'bossac-no-device',
      match: /No device found on (\S+)/,
      code: 'E_FLASH_FAILED',
      what: 'no boot loader answers at $1',
      why: 'the board runs its program, or the port is another one now; the board is unchanged',
      next: [DOUBLE_RESET, LIST_PORTS],
    },
    {
      id: 'bossac-unsupported',
      match: /Device unsupported|Unsupported (?:device|chip)/i,
      code: 'E_FLASH_FAILED',
      what: 'this bossac does not know the chip',
      why: 'Arduino’s nRF52 boards need version 1.9.1 or newer; nothing was written',
      next: ['Install the current version: thimble doctor says how.', 'thimble flash --method arduino-cli'],
    },
    {
      id: 'bossac-verify',
      match: /Verify failed|Page errors?: (\d+)/i,
      code: 'E_FLASH_FAILED',
      what: 'the board does not hold what was written',
      why: 'it was read back and differs',
      next: ['Flash again, with a shorter cable and no hub.'],
    },
    {
      id: 'bossac-too-large',
      match: /FileSizeError|file (?:is larger|exceeds|too large)/i,
      code: 'E_DOES_NOT_FIT',
      what: 'the image is larger than the flash of the chip',
      why: 'bossac compared them before it wrote',
      next: ['Prune the model: --prune channels=0.5'],
    },
    {
      id: 'bossac-broke-off',
      match: /SAM-BA operation failed|Flash(?:Page|Command|Erase)Error|Operation error/i,
      code: 'E_FLASH_FAILED',
      what: 'the transfer broke off',
      why: 'the board may hold half a program; its boot loader is protected',
      next: [DOUBLE_RESET],
    },
  ],
};
