/**
 * avrdude: the boot loaders of AVR boards, over the serial port that the program uses too. Where it is not installed,
 * Thimble speaks to them itself.
 */
import { findProgram } from '../tools/find-program.js';
import { avrBauds, avrBrokenOff } from './avr-boards.js';
import type { FlashMethod } from './flash-method.js';
import { stk500 } from './stk500.js';
import { fileOf, flashByTool, requiredOption } from './tool-method.js';

const byAvrdude = flashByTool({
  name: 'avrdude',
  needsPort: true,
  waitsForPort: true, // 7.1 with the programmer "wiring"
  bauds: avrBauds,
  commands: (request, port, baud) => [
    {
      does: 'write and verify',
      program: 'avrdude',
      args: [
        ...['-p', requiredOption(request, 'part'), '-c', requiredOption(request, 'programmer')],
        ...['-P', port, '-b', `${baud}`],
        '-D', // boot loaders erase page by page, and know no other way
        `-Uflash:w:${fileOf(request, 'hex')}:i`,
      ],
    },
  ],
  progress: progressOf,
  silenceMs: 30_000, // it tells of each time-out after 5 s, and draws its bars sign by sign
  brokenOff: avrBrokenOff,
});

export const avrdude: FlashMethod = {
  ...byAvrdude,
  flash: async (request) => {
    const installed = findProgram('avrdude') !== undefined;
    if (!installed)
      request.onEvent?.({ stage: 'flash', message: 'avrdude is not installed: flashing without it (method stk500)' });
    await (installed ? byAvrdude : stk500).flash(request);
  },
};

/** Its bars are of 50 signs, one after another: reading the signature, writing, verifying. Shown is the writing. */
function progressOf(said: string): number | undefined {
  const bar = /Writing \|\s*(#*)/.exec(said)?.[1];
  return bar === undefined ? undefined : bar.length / 50;
}
