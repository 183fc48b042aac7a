/** avrdude 6 and 7. They word the same failures differently: "stk500_getsync() attempt 10 of 10: not in sync" and without. */
import type { ToolPatterns } from '../tool-pattern.js';
import { BUILD_AGAIN, CLOSE_OTHERS, JOIN_DIALOUT, LIST_PORTS } from './advice.js';

export const avrdude: ToolPatterns = {
  programs: ['avrdude'],
  speaksAs: /\bavrdude\b/,
  patterns: [
    {
      id: 'avrdude-no-permission',
      match: /(?:can't|cannot) open (?:device|port) "?([^":\n]+)"?: Permission denied/,
      code: 'E_PORT_BUSY',
      what: 'no permission to open $1',
      why: 'serial ports belong to a group that you are not in',
      next: [JOIN_DIALOUT, 'thimble doctor checks this.'],
    },
    {
      id: 'avrdude-port-busy',
      match:
        /(?:can't|cannot) open (?:device|port) "?([^":\n]+)"?: (?:Device or resource busy|Resource busy|Access is denied)/,
      code: 'E_PORT_BUSY',
      what: 'another program holds $1',
      why: 'a serial port has one user at a time',
      next: [CLOSE_OTHERS],
    },
    {
      id: 'avrdude-no-port',
      match:
        /(?:can't|cannot) open (?:device|port) "?([^":\n]+)"?: (?:No such file or directory|The system cannot find)/,
      code: 'E_NO_PORT',
      what: 'there is no port $1',
      why: 'the board is not plugged in, or it has another name now',
      next: [LIST_PORTS],
    },
    {
      id: 'avrdude-wrong-chip',
      match: /[Ee]xpected signature for (\S+) is/,
      code: 'E_FLASH_FAILED',
      what: 'the chip on the board is no $1',
      why: 'it shows another signature; nothing was written',
      next: [
        'Choose the board that is plugged in: thimble boards',
        'A signature of 0xffffff or 0x000000 means that the chip was not heard at all: check the cable.',
      ],
    },
    {
      id: 'avrdude-verify',
      match: /verification (?:error|mismatch)|content mismatch/i,
      code: 'E_FLASH_FAILED',
      what: 'the board does not hold what was written',
      why: 'bytes were lost on the way, or the flash cells are worn out; the boot loader is untouched',
      next: [
        'Flash again, with a shorter cable and no hub.',
        'If it is always the same address, the chip is worn out.',
      ],
    },
    {
      id: 'avrdude-no-file',
      match: /(?:can't|cannot) open (?:input )?file "?([^":\n]+)"?: No such file/,
      code: 'E_FILE',
      what: 'there is no file $1',
      why: 'avrdude was to write it',
      next: [BUILD_AGAIN],
    },
    {
      id: 'avrdude-too-large',
      match: /address 0x[0-9a-f]+ out of range|is out of range \(for this part\)|file .* is too big/i,
      code: 'E_DOES_NOT_FIT',
      what: 'the image is larger than the flash of the chip',
      why: 'it was built for another board',
      next: [BUILD_AGAIN],
    },
    {
      id: 'avrdude-not-in-sync',
      match: /not in sync|programmer is not responding/,
      code: 'E_FLASH_FAILED',
      what: 'the boot loader does not answer',
      why: 'it listens for a second after a reset, at one speed, on one port; the board still runs what it ran before',
      next: [
        'A Nano with the old boot loader listens at 57600 baud: thimble flash tries that by itself.',
        'Take away what is wired to pins 0 and 1 while you flash, and close serial monitors.',
        'Press reset just before it starts; check that board and port are the right ones: thimble ports',
      ],
      retrySlower: true,
    },
    {
      id: 'avrdude-wiring-timeout',
      match: /stk500v2_ReceiveMessage\(\): timeout|stk500v2_getsync\(\): timeout|avrdude error: timeout/,
      code: 'E_FLASH_FAILED',
      what: 'the boot loader of the Mega does not answer',
      why: 'it listens for a second after a reset; the board still runs what it ran before',
      next: [
        'Press reset just before it starts, and close serial monitors.',
        'An image that contains "!!!" stops its old boot loader: burn the current one with the Arduino IDE.',
      ],
      retrySlower: true,
    },
    {
      id: 'avrdude-unknown-part',
      match: /AVR [Pp]art "?(\S+?)"? not found/,
      code: 'E_BOARD_FILE',
      what: 'avrdude knows no chip "$1"',
      why: 'the board file names it, or this avrdude is older than the chip',
      next: ['avrdude -p ? lists the chips that it knows.'],
    },
    {
      id: 'avrdude-unknown-programmer',
      match: /can(?:'t|not) find programmer id "?([^"\n]+)"?/,
      code: 'E_BOARD_FILE',
      what: 'avrdude knows no programmer "$1"',
      why: 'the board file names it, or this avrdude is older than it',
      next: ['avrdude -c ? lists those that it knows.'],
    },
  ],
};
