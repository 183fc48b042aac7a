/** dfu-util: USB DFU, as the boot loader of Arduino's STM32H7 boards speaks it. Entered by the 1200-baud touch. */

import { setTimeout as sleep } from 'node:timers/promises';
import { lastPercent } from './progress.js';
import { fileOf, flashByTool, optionOf, requiredOption } from './tool-method.js';
import { touch1200 } from './touch.js';

/** After the touch, until the boot loader is a USB device. */
const APPEARS_MS = 2000;

export const dfuUtil = flashByTool({
  name: 'dfu-util',
  needsPort: false, // a board whose boot loader runs already has none
  wantsPort: 'if-there',
  bootLoader: {
    does: 'where the board has a port: open it at 1200 baud and close it, so that it starts its boot loader',
    givesWay: true,
    enter: async ({ port }) => {
      if (port !== undefined) {
        await touch1200(port);
        await sleep(APPEARS_MS);
      }
      return port ?? '';
    },
  },
  commands: (request) => {
    const address = optionOf(request, 'address'); // of DfuSe, ST's dialect, which has several memories
    return [
      {
        does: 'write and start',
        program: 'dfu-util',
        args: [
          // No -w: it would wait for ever for a boot loader that a person has to start.
          ...['--device', requiredOption(request, 'device'), '-D', fileOf(request, 'bin'), '-a', '0'],
          ...(address === undefined ? ['-R'] : [`--dfuse-address=${address}:leave`]),
        ],
      },
    ];
  },
  progress: lastPercent,
  brokenOff: {
    state: 'the board holds half a program; its boot loader is untouched and waits for another try',
    recover: [
      'Press the reset button twice quickly (the LED fades in and out), and flash again.',
      'dfu-util -l shows whether the boot loader is seen.',
    ],
  },
});
