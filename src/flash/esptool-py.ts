/** Espressif's esptool as a program, where somebody prefers it to the one in this process. */
import { findProgram } from '../tools/find-program.js';
import { espBauds, espBrokenOff, esptoolArgs } from './esp-image.js';
import { lastPercent } from './progress.js';
import { flashByTool } from './tool-method.js';

export const esptoolPy = flashByTool({
  name: 'esptool-py',
  needsPort: true,
  bauds: espBauds,
  commands: (request, port, baud) => [
    {
      does: 'write, compare checksums and restart',
      program: findProgram('esptool') ?? findProgram('esptool.py') ?? 'esptool',
      args: esptoolArgs(request, port, baud),
    },
  ],
  progress: lastPercent,
  brokenOff: espBrokenOff,
});
