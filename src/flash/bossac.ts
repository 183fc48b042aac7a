/** bossac: Arduino's SAM-BA boot loader, as on the Nano 33 BLE. It is entered by the 1200-baud touch. */
import { lastPercent } from './progress.js';
import { fileOf, flashByTool } from './tool-method.js';
import { touchAndWait } from './touch.js';

export const bossac = flashByTool({
  name: 'bossac',
  needsPort: true,
  bootLoader: {
    does: 'open the port at 1200 baud and close it: the board starts its boot loader, whose port may have another name',
    enter: ({ port, signal }) => touchAndWait(port!, { signal }),
    givesWay: true,
  },
  commands: (request, port) => [
    {
      does: 'write and verify',
      program: 'bossac',
      args: ['-d', `--port=${port}`, '-U', '-i', '-e', '-w', '-v', fileOf(request, 'bin'), '-R'],
    },
  ],
  progress: lastPercent,
  brokenOff: {
    state: 'the board holds half a program and stays in its boot loader, which is protected',
    recover: [
      'Press the reset button twice quickly (its LED pulses), and flash again.',
      'The boot loader’s port may have another name: thimble ports',
    ],
  },
});
