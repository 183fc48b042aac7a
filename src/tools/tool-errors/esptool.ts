/** esptool (Python) 2 to 5 and esptool-js, which took over its words. */
import type { ToolPatterns } from '../tool-pattern.js';
import { CLOSE_OTHERS, ESP_BOOT, JOIN_DIALOUT, LIST_PORTS } from './advice.js';

const SHORTER_CABLE =
  'Use a shorter cable, no hub, and flash again at 115200 baud: thimble flash tries that by itself.';

export const esptool: ToolPatterns = {
  programs: ['esptool', 'esptool.py'],
  speaksAs: /\besptool\b|A fatal error occurred:|could not open port|\bESP(?:32|8266)|ESPLoader/,
  patterns: [
    {
      id: 'esptool-no-permission',
      match: /could not open port '?([^\s':]+)'?.*Permission denied/,
      code: 'E_PORT_BUSY',
      what: 'no permission to open $1',
      why: 'serial ports belong to a group that you are not in',
      next: [JOIN_DIALOUT, 'thimble doctor checks this.'],
    },
    {
      id: 'esptool-port-busy',
      match:
        /could not open port '?([^\s':]+)'?.*(?:[Rr]esource busy|Access is denied|temporarily unavailable)|port is busy/,
      code: 'E_PORT_BUSY',
      what: 'another program holds the port $1',
      why: 'a serial port has one user at a time',
      next: [CLOSE_OTHERS],
    },
    {
      id: 'esptool-no-port',
      match: /could not open port '?([^\s':]+)'?.*(?:No such file|could not find|FileNotFound)|port doesn't exist/,
      code: 'E_NO_PORT',
      what: 'there is no port $1',
      why: 'the board is not plugged in, or it has another name now',
      next: [LIST_PORTS, 'A board whose program crashes at once has no port: hold BOOT while you plug it in.'],
    },
    {
      id: 'esptool-md5',
      match: /MD5 of file does not match|Hash of data (?:does not match|mismatch)|digest.*does not match/,
      code: 'E_FLASH_FAILED',
      what: 'the flash does not hold what was written',
      why: 'the checksum differs: a flash chip that is worn out or set up wrongly, or too little power',
      next: [
        'Flash again from a port of the computer itself, without a hub.',
        'Erase all of it once: esptool erase_flash, then flash again.',
      ],
    },
    {
      id: 'esptool-wrong-chip',
      match: /This chip is (\S+),? not (\S+?)\.|Unexpected chip (?:id|magic)[^\n]*/i,
      code: 'E_FLASH_FAILED',
      what: 'the chip on the board is another one ($1)',
      why: 'the image is for $2; nothing was written',
      next: ['Choose the board that is plugged in: thimble boards'],
    },
    {
      id: 'esptool-wrong-boot-mode',
      match: /Wrong boot mode detected \((0x[0-9a-f]+)\)/i,
      code: 'E_FLASH_FAILED',
      what: 'the chip started its program and not its loader (boot mode $1)',
      why: 'the lines that hold the BOOT pin at a reset did not reach it; the board is unchanged',
      next: [ESP_BOOT, 'Take away what is wired to GPIO0 (GPIO9 on a C3).'],
    },
    {
      id: 'esptool-tx-path-down',
      match: /Download mode successfully detected, but getting no sync reply/,
      code: 'E_FLASH_FAILED',
      what: 'the chip is in its loader but hears nothing',
      why: 'the line from the computer to the chip is broken; the board is unchanged',
      next: ['Take away what is wired to RX and TX of the board.', 'Try another cable.'],
    },
    {
      id: 'esptool-too-large',
      match: /(?:will not fit|doesn't fit|does not fit) in (?:the available |flash|the )?\s?\S*/i,
      code: 'E_DOES_NOT_FIT',
      what: 'the image is larger than the flash of the module',
      why: 'modules of one name come with different flash sizes',
      next: ['esptool flash_id tells the size.', 'Prune the model: --prune channels=0.5'],
    },
    {
      id: 'esptool-secure',
      match: /secure (?:download mode|boot)[^\n]*(?:enabled|active)|ROM does not support function/i,
      code: 'E_FLASH_FAILED',
      what: 'the chip refuses to be written this way',
      why: 'secure boot or secure download mode is burnt into its fuses',
      next: ['Flash it with the keys and the tool that it was locked with.'],
    },
    {
      id: 'esptool-noise',
      match:
        /Invalid head of packet|Possible serial noise or corruption|Invalid SLIP escape|Packet content transfer stopped|chunk.*(?:corrupt|checksum)/i,
      code: 'E_FLASH_FAILED',
      what: 'what the chip says arrives garbled',
      why: 'the line is too fast for the cable, or something else is wired to it',
      next: [SHORTER_CABLE, ESP_BOOT],
      retrySlower: true,
    },
    {
      id: 'esptool-no-answer',
      match:
        /Timed out waiting for packet|No serial data received|Failed to connect (?:to|with)|Serial data stream stopped/i,
      code: 'E_FLASH_FAILED',
      what: 'the chip’s loader does not answer',
      why: 'the chip runs its program, or hears nothing: a charge-only cable, the wrong port, or no automatic reset',
      next: [ESP_BOOT, LIST_PORTS, SHORTER_CABLE],
      retrySlower: true,
    },
  ],
};
