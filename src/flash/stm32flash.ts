/** The boot loader in the ROM of every STM32, over a serial line (AN3155): no probe needed, but BOOT0 high at reset. */
import { realpathSync } from 'node:fs';
import { fileOf, flashByTool, optionOf } from './tool-method.js';

const FLASH_START = '0x08000000';

export const stm32flash = flashByTool({
  name: 'stm32flash',
  needsPort: true,
  commands: (request, port, baud) => [
    {
      does: 'write, verify and start',
      program: 'stm32flash',
      args: [
        ...[
          '-b',
          String(baud),
          ...(isPty(port) ? ['-m', '8n1'] : []),
          '-w',
          fileOf(request, 'bin'),
          '-v',
          '-S',
          FLASH_START,
        ],
        ...['-g', optionOf(request, 'start') ?? FLASH_START, port],
      ],
    },
  ],
  // No second try at another speed: the ROM measures it once, at the first byte after reset.
  progress: (said) => {
    const percent = [...said.matchAll(/\((\d+(?:\.\d+)?)%\)/g)].at(-1)?.[1];
    return percent === undefined ? undefined : Number(percent) / 100;
  },
  brokenOff: {
    state: 'the board may hold half a program; its boot loader is in ROM and answers',
    recover: ['Set BOOT0 high, press reset, and flash again.', 'Afterwards set BOOT0 low, and press reset.'],
  },
});

/** A pseudo terminal, as virtual boards have, refuses the even parity that the ROM asks for. */
function isPty(port: string): boolean {
  try {
    return realpathSync(port).startsWith('/dev/pts/');
  } catch {
    return false; // a dry run without a port
  }
}
