/** PJRC's command-line loader: HalfKay, a USB HID boot loader in a chip of its own. */
import { lastPercent } from './progress.js';
import { fileOf, flashByTool, requiredOption } from './tool-method.js';

export const teensyLoaderCli = flashByTool({
  name: 'teensy-loader-cli',
  needsPort: false,
  commands: (request) => [
    {
      does: 'wait for the boot loader (-w, and -s restarts a running board into it), write and start',
      program: 'teensy_loader_cli',
      args: [`--mcu=${requiredOption(request, 'mcu')}`, '-w', '-s', '-v', fileOf(request, 'hex')],
    },
  ],
  progress: lastPercent,
  brokenOff: {
    state: 'the board holds half a program; its boot loader is in a chip of its own and answers',
    recover: ['Press the button on the Teensy, and flash again.'],
  },
});
