/** stm32flash 0.5 to 0.7: the loader in the ROM of STM32 chips, on a serial line. */
import type { ToolPatterns } from '../tool-pattern.js';
import { BUILD_AGAIN, CLOSE_OTHERS, LIST_PORTS } from './advice.js';

const BOOT0 = 'Set BOOT0 high (the jumper, or the pin to 3.3 V), press reset, and flash again.';

export const stm32flash: ToolPatterns = {
  programs: ['stm32flash'],
  speaksAs:
    /\bstm32flash\b|Failed to init device|Unknown\/unsupported device|Failed to (?:verify at address|erase memory)/,
  patterns: [
    {
      id: 'stm32flash-no-file',
      match: /(\S+): No such file or directory/,
      code: 'E_FILE',
      what: 'there is no file $1',
      why: 'stm32flash was to write it',
      next: [BUILD_AGAIN],
    },
    {
      id: 'stm32flash-no-port',
      match: /Failed to open port: (\S+)|Cannot handle device "([^"]+)"/,
      code: 'E_NO_PORT',
      what: 'the port $1$2 cannot be opened',
      why: 'it is not there, another program holds it, or you may not open it: stm32flash does not say which',
      next: [LIST_PORTS, CLOSE_OTHERS, 'thimble doctor tells the three apart.'],
    },
    {
      id: 'stm32flash-no-answer',
      match: /Failed to init device, timeout/,
      code: 'E_FLASH_FAILED',
      what: 'the loader in the chip’s ROM does not answer',
      why: 'it runs only if BOOT0 is high at a reset; the board still runs what it ran before',
      next: [BOOT0, LIST_PORTS],
      retrySlower: true,
    },
    {
      id: 'stm32flash-garbled',
      match: /Failed to init device\.|Got NACK from device on command 0x7F|Error sending get command|Unexpected reply/i,
      code: 'E_FLASH_FAILED',
      what: 'something answers, but not the loader in the chip’s ROM',
      why: 'the board runs its program, or the line is too fast',
      next: [BOOT0],
      retrySlower: true,
    },
    {
      id: 'stm32flash-unknown-chip',
      match: /Unknown\/unsupported device \(Device ID: (0x[0-9a-f]+)\)/i,
      code: 'E_FLASH_FAILED',
      what: 'this stm32flash does not know the chip ($1)',
      why: 'it is older than the chip; nothing was written',
      next: ['Install the current version.', 'Flash by the debug probe: thimble flash --method openocd'],
    },
    {
      id: 'stm32flash-verify',
      match: /Failed to verify at address (0x[0-9a-f]+)/i,
      code: 'E_FLASH_FAILED',
      what: 'the board does not hold what was written at $1',
      why: 'bytes were lost on the way, or the flash is protected there',
      next: ['Flash again at a lower speed.', 'Take a write protection away: stm32flash -u PORT'],
      retrySlower: true,
    },
    {
      id: 'stm32flash-protected',
      match: /Failed to (?:erase|write) memory|write protect/i,
      code: 'E_FLASH_FAILED',
      what: 'the chip refuses to be written',
      why: 'its flash is protected, or the image is larger than it',
      next: ['Take a write protection away: stm32flash -u PORT', 'Choose the board that is plugged in: thimble boards'],
    },
  ],
};
