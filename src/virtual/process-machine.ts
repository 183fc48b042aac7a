/** One run of the firmware as a program of this computer: the protocol over its standard input and output. */
import { ThimbleError } from '../core/errors.js';
import { startOwned } from './child-process.js';
import type { MachineRun, RunListeners } from './qemu-machine.js';

/** @throws ThimbleError E_TOOL_MISSING where the program is not there, E_ENGINE where it does not start */
export async function startProcess(program: string, { onBytes, onEnd }: RunListeners): Promise<MachineRun> {
  const run = await startOwned(program, [], 'pipe', 'Build it: thimble build --board host');
  const { stdin, stdout } = run.child;
  let wanted = false;
  stdout!.on('data', onBytes);
  stdin!.on('error', () => {}); // the program ended: 'exit' follows
  run.child.once('exit', (code, signal) => {
    if (!wanted)
      onEnd(
        new ThimbleError(
          'E_ENGINE',
          `the firmware's program ended (${signal ?? code})${run.lastWords() && `: ${run.lastWords()}`}`,
          'Build it again: thimble build --board host',
        ),
      );
  });
  return {
    write: (bytes) =>
      new Promise((resolve, reject) => {
        stdin!.write(bytes, (cause) => {
          if (cause) reject(new ThimbleError('E_PORT_LOST', 'the firmware is gone', 'Start it again.', { cause }));
          else resolve();
        });
      }),
    end: async () => {
      wanted = true;
      await run.end();
    },
  };
}
