/** The C compiler of this computer, as a function from files to a program. */
import { execa } from 'execa';
import { ThimbleError } from '../core/errors.js';

const LAST_LINES = 12;
const TIMEOUT_MS = 300_000;

/**
 * @param args as the compiler takes them; no shell is involved
 * @throws ThimbleError E_TOOL_MISSING, E_BUILD_FAILED with the compiler's last lines
 */
export async function runCompiler(compiler: string, args: readonly string[], workFolder: string): Promise<void> {
  const result = await execa(compiler, [...args], { cwd: workFolder, reject: false, all: true, timeout: TIMEOUT_MS });
  if (!result.failed) return;
  if ((result as { code?: string }).code === 'ENOENT')
    throw new ThimbleError(
      'E_TOOL_MISSING',
      `no C compiler: "${compiler}" is not installed`,
      'sudo apt-get install gcc libc6-dev',
    );
  const lines = String(result.all ?? '')
    .trim()
    .split('\n')
    .slice(-LAST_LINES)
    .join('\n');
  throw new ThimbleError(
    'E_BUILD_FAILED',
    `${compiler} failed (${result.timedOut ? 'time-out' : `exit code ${result.exitCode ?? result.signal}`})${lines ? `:\n${lines}` : ''}`,
    'If the model compiles elsewhere, choose another compiler: CC=clang',
  );
}
