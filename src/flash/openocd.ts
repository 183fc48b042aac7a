/** OpenOCD through a debug probe: ST-LINK on the Nucleos, CMSIS-DAP on the micro:bit. It verifies what it wrote. */
import { fileOf, flashByTool, optionOf, requiredOption } from './tool-method.js';

export const openocd = flashByTool({
  name: 'openocd',
  needsPort: false,
  commands: (request) => {
    const transport = optionOf(request, 'transport');
    const form = optionOf(request, 'form') === 'hex' ? 'hex' : 'elf';
    return [
      {
        does: 'write, verify and restart',
        program: 'openocd',
        args: [
          ...['-f', requiredOption(request, 'interface')],
          ...(transport === undefined ? [] : ['-c', `transport select ${transport}`]),
          ...['-f', requiredOption(request, 'target')],
          ...['-c', `program ${tclWord(fileOf(request, form))} verify reset exit`],
        ],
      },
    ];
  },
  brokenOff: {
    state: 'the board may hold half a program; the probe on it is another chip and still works',
    recover: ['Flash again.', 'Where the chip does not answer: hold its reset button, start flashing, and let go.'],
  },
});

/** OpenOCD reads its -c as Tcl: braces keep blanks and brackets together. */
const tclWord = (text: string): string => (/^[\w./:+-]+$/.test(text) ? text : `{${text}}`);
