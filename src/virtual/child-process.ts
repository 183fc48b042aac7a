/** Programs that must not outlive us: emulators and firmwares of this computer. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { ThimbleError } from '../core/errors.js';

const SETPRIV = '/usr/bin/setpriv'; // util-linux: lets the kernel end a child with its parent, however that dies
const KEPT_CHARACTERS = 2000;

export interface OwnedProcess {
  readonly child: ChildProcess;
  lastWords(): string; // the end of its standard error
  /** Kills it and resolves when it is gone. */
  end(): Promise<void>;
}

/**
 * @param stdio of its standard input and output
 * @throws ThimbleError E_TOOL_MISSING with the hint, once it turns out that the program is not there
 */
export async function startOwned(
  command: string,
  args: readonly string[],
  stdio: 'pipe' | 'ignore',
  installHint: string,
  endsWithItsInput = false, // it needs no killing, and has something to tidy up
): Promise<OwnedProcess> {
  const guarded = !endsWithItsInput && process.platform === 'linux' && existsSync(SETPRIV);
  const [file, all] = guarded ? [SETPRIV, ['--pdeathsig', 'KILL', command, ...args]] : [command, [...args]];
  const child = spawn(file, all, { stdio: [stdio, stdio, 'pipe'] });
  let words = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    words = (words + chunk.toString('utf8')).slice(-KEPT_CHARACTERS);
  });
  const killNow = (): void => {
    child.kill('SIGKILL');
  };
  if (!endsWithItsInput) process.once('exit', killNow);
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => {
      process.off('exit', killNow);
      resolve();
    });
    child.once('error', () => resolve());
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        cause.code === 'ENOENT'
          ? missing(command, installHint, cause)
          : new ThimbleError('E_ENGINE', `${command} does not start: ${cause.message}`, installHint, { cause }),
      ),
    );
  });
  child.on('error', () => {}); // a kill that comes too late
  return {
    child,
    lastWords: () => words.trim(),
    end: async () => {
      if (endsWithItsInput) child.stdin?.end();
      else killNow();
      await gone;
    },
  };
}

export const missing = (command: string, installHint: string, cause?: unknown): ThimbleError =>
  new ThimbleError('E_TOOL_MISSING', `${command} is not installed`, installHint, cause === undefined ? {} : { cause });

/** Whether a program can be found, without running it. */
export function onPath(command: string): boolean {
  if (command.includes('/')) return existsSync(command);
  return (process.env['PATH'] ?? '').split(':').some((folder) => folder !== '' && existsSync(`${folder}/${command}`));
}
