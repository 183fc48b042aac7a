/** Compilers and their kin as child processes: argument arrays, time-outs, and errors that a person can act on. */
import { ExecaError, execa } from 'execa';
import { ThimbleError } from '../core/errors.js';

const TOOL_TIMEOUT_MS = 300_000; // a large model at -O2 on a slow laptop
const SHOWN_LINES = 12;

const packages: Readonly<Record<string, string>> = {
  'arm-none-eabi-gcc': 'gcc-arm-none-eabi libnewlib-arm-none-eabi',
  'arm-none-eabi-objcopy': 'gcc-arm-none-eabi libnewlib-arm-none-eabi',
  cc: 'gcc libc6-dev',
};

/**
 * Runs a command in a folder.
 * @throws ThimbleError E_TOOL_MISSING, E_DOES_NOT_FIT (the linker ran out of a memory), E_BUILD_FAILED with the tool's
 * last lines, E_INTERRUPTED
 */
export async function runTool(command: readonly string[], folder: string, signal?: AbortSignal): Promise<void> {
  const [tool, ...args] = command as [string, ...string[]];
  try {
    await execa(tool, args, {
      cwd: folder,
      timeout: TOOL_TIMEOUT_MS,
      all: true,
      ...(signal && { cancelSignal: signal }),
      env: { LC_ALL: 'C' }, // messages are searched below
    });
  } catch (cause) {
    if (!(cause instanceof ExecaError)) throw cause;
    throw toolError(tool, cause, folder);
  }
}

function toolError(tool: string, cause: ExecaError, folder: string): ThimbleError {
  const output = String(cause.all ?? '');
  const where = `in ${folder}`;
  if (cause.isCanceled) return new ThimbleError('E_INTERRUPTED', 'the build was interrupted', 'Start it again.');
  if (cause.code === 'ENOENT' || /cannot (find|read spec file).*(nano\.specs|libc)/.test(output))
    return new ThimbleError(
      'E_TOOL_MISSING',
      cause.code === 'ENOENT' ? `${tool} is not installed` : `${tool} lacks its C library`,
      `sudo apt-get install ${packages[tool] ?? tool}`,
      { cause },
    );
  const overflow = /region [`'"]?(\w+)'? overflowed by (\d+) bytes/.exec(output);
  if (overflow)
    return new ThimbleError(
      'E_DOES_NOT_FIT',
      `the firmware needs ${Number(overflow[2]).toLocaleString('en-US')} bytes more ${overflow[1] === 'RAM' ? 'RAM' : 'flash'} than the board has`,
      ['Prune the model: --prune channels=0.5', 'Choose a larger board: thimble boards'],
      { where, cause },
    );
  const lines = output.trimEnd().split('\n').slice(-SHOWN_LINES).join('\n');
  return new ThimbleError(
    'E_BUILD_FAILED',
    cause.timedOut
      ? `${tool} did not finish within ${TOOL_TIMEOUT_MS / 60_000} minutes`
      : `${tool} failed:\n${lines || cause.shortMessage}`,
    'Run build.sh in that folder to see all it says.',
    { where, cause },
  );
}
