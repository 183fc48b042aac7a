import { loadBoard } from '../../boards/load-board.js';
import { isFlashOnly, openVirtualBoard, serveOnPty } from '../../virtual/index.js';
import { originText } from '../reading-text.js';
import type { Verb } from './index.js';

interface Flags {
  readonly pty: string;
  readonly image?: string;
  readonly drive?: string;
}

export const virtual: Verb = (program, action) => {
  program
    .command('virtual')
    .argument('<board>', 'uno, pico, mps2-an386, … (thimble boards says which have a twin)')
    .description('serve a virtual board as a serial port that any program can open; Ctrl-C ends it')
    .requiredOption('--pty <path>', 'name of the port: a link to a pty, with PATH.json beside it')
    .option('--image <file>', 'firmware to start with: a UF2, a .hex for Arduinos, an ELF for QEMU boards')
    .option('--drive <folder>', 'where its USB drive appears; a UF2 copied there is flashed')
    .addHelpText(
      'after',
      '\nExample:\n  thimble virtual pico --pty /tmp/pico --drive /tmp/RPI-RP2 &\n  thimble monitor --board pico --port /tmp/pico\n  thimble virtual uno --pty /tmp/uno &\n  thimble deploy model.tflite --data digits.npz --board uno --port /tmp/uno',
    )
    .action(
      action(async (context, name: string, flags: Flags) => {
        const { onEvent, signal } = context;
        const board = await openVirtualBoard(loadBoard(name), {
          onEvent,
          ...(flags.image !== undefined && { image: flags.image }),
          ...(flags.drive !== undefined && { driveFolder: flags.drive }),
        });
        try {
          const server = await serveOnPty(board, flags.pty);
          const { origin } = board.identity;
          context.printJson({ board: board.spec.id, pty: flags.pty, drive: board.driveFolder, origin });
          const about = isFlashOnly(board.spec)
            ? 'it can be flashed, and runs nothing; what is in flash lies there as flash.bin'
            : `figures: ${originText[origin]}`;
          context.print(
            `  ${board.spec.name} at ${flags.pty}, its drive at ${board.driveFolder}\n  ${about}\n  Ctrl-C ends it`,
          );
          await untilStopped(signal, server.ended);
          await server.close();
        } finally {
          await board.close();
        }
      }),
    );
};

/** Until Ctrl-C, or until the board ends by itself. */
function untilStopped(signal: AbortSignal, ended: Promise<unknown>): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
    ended.then(() => resolve(), reject);
  });
}
