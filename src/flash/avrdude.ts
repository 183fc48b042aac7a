/** avrdude: the boot loaders of AVR boards, over the serial port that the program uses too. */
import { fileOf, flashByTool, requiredOption } from './tool-method.js';

/** A Nano's old boot loader listens at this speed, whatever its program uses. */
const OLD_BOOT_LOADER_BAUD = 57_600;

export const avrdude = flashByTool({
  name: 'avrdude',
  needsPort: true,
  waitsForPort: true, // 7.1 with the programmer "wiring"
  bauds: ({ board }) => [...new Set([board.serial.baud, OLD_BOOT_LOADER_BAUD])],
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
  brokenOff: {
    state: 'the board may hold half a program; its boot loader is untouched',
    recover: ['Flash again.', 'Press reset just before it starts if the board does not answer.'],
  },
});

/** Its bars are of 50 signs, one after another: reading the signature, writing, verifying. Shown is the writing. */
function progressOf(said: string): number | undefined {
  const bar = /Writing \|\s*(#*)/.exec(said)?.[1];
  return bar === undefined ? undefined : bar.length / 50;
}
