/** Compilers, flashers and their kin as child processes: argument arrays, time-outs, errors that a person can act on. */
import { ExecaError, execa } from 'execa';
import { type ErrorCode, ThimbleError } from '../core/errors.js';
import { installHint } from './install-hint.js';
import { translate } from './translate.js';

const TOOL_TIMEOUT_MS = 300_000; // a large model at -O2 on a slow laptop
const SHOWN_LINES = 12;

export interface ToolRun {
  readonly folder?: string; // to run in
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number;
  /** How long it may say nothing before it counts as hanging: for tools that tell what they wait for. */
  readonly silenceMs?: number | undefined;
  /** All that the tool says, as it says it: progress bars are in there. */
  readonly onText?: (text: string) => void;
  /** What failed, where no pattern knows better. */
  readonly failure?: { readonly code: ErrorCode; readonly hints: readonly string[] };
  readonly env?: Readonly<Record<string, string>>;
}

const buildFailure = {
  code: 'E_BUILD_FAILED',
  hints: ['Run build.sh in that folder to see all it says.'],
} as const;

/**
 * Runs a command to its end.
 * @returns all it said, on both of its outputs
 * @throws ThimbleError E_TOOL_MISSING; what tool-errors/ makes of its words (E_DOES_NOT_FIT …); `failure` with the tool's
 * last lines; E_INTERRUPTED
 */
export async function runTool(command: readonly string[], run: ToolRun = {}): Promise<string> {
  const [tool, ...args] = command as [string, ...string[]];
  const silence = new Silence(run.silenceMs);
  try {
    const child = execa(tool, args, {
      ...(run.folder !== undefined && { cwd: run.folder }),
      timeout: run.timeoutMs ?? TOOL_TIMEOUT_MS,
      all: true,
      stdin: 'ignore',
      cancelSignal: AbortSignal.any([silence.signal, ...(run.signal ? [run.signal] : [])]),
      env: { LC_ALL: 'C', ...run.env }, // messages are searched below
    });
    child.all.on('data', (chunk: Buffer) => {
      silence.broken();
      run.onText?.(chunk.toString('utf8'));
    });
    return String((await child).all ?? '');
  } catch (cause) {
    if (!(cause instanceof ExecaError)) throw cause;
    throw toolError(tool, cause, run);
  } finally {
    silence.end();
  }
}

/** A signal that fires when nothing was said for too long. */
class Silence {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout | undefined;

  constructor(limitMs: number | undefined) {
    if (limitMs !== undefined) this.#timer = setTimeout(() => this.#controller.abort(), limitMs);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  broken(): void {
    this.#timer?.refresh();
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}

function toolError(tool: string, cause: ExecaError, run: ToolRun): ThimbleError {
  const output = String(cause.all ?? '');
  const context = { cause, ...(run.folder !== undefined && { where: `in ${run.folder}` }) };
  if (cause.isCanceled && run.signal?.aborted)
    return new ThimbleError('E_INTERRUPTED', `${tool} was interrupted`, 'Start it again.');
  if (cause.code === 'ENOENT' || /cannot (find|read spec file).*(nano\.specs|libc)/.test(output))
    return new ThimbleError(
      'E_TOOL_MISSING',
      cause.code === 'ENOENT' ? `${tool} is not installed` : `${tool} lacks its C library`,
      installHint(tool),
      context,
    );
  const lines = lastLines(output);
  const known = translate(tool, output);
  if (known)
    return new ThimbleError(known.code, `${known.what}: ${known.why}`, known.next, {
      ...context,
      cause: new ToolFailure(tool, lines, known.retrySlower),
    });
  const { code, hints } = run.failure ?? buildFailure;
  return new ThimbleError(code, whyItFailed(tool, cause, run, lines), hints, context);
}

function whyItFailed(tool: string, cause: ExecaError, run: ToolRun, lines: string): string {
  const seconds = (milliseconds: number): string => `${Math.round(milliseconds / 1000)} s`;
  if (cause.isCanceled) return `${tool} said nothing for ${seconds(run.silenceMs ?? 0)} and was ended`;
  if (cause.timedOut) return `${tool} did not finish within ${seconds(run.timeoutMs ?? TOOL_TIMEOUT_MS)}`;
  return `${tool} failed:\n${lines || cause.shortMessage}`;
}

/** The tool's own last words, shown below ours. */
export class ToolFailure extends Error {
  readonly retrySlower: boolean;

  constructor(tool: string, lines: string, retrySlower: boolean) {
    super(`${tool} said:\n${lines}`);
    this.retrySlower = retrySlower;
  }
}

/** A progress bar rewrites its line by carriage returns: its last state is what was on the screen. */
const lastLines = (output: string): string =>
  output
    .trimEnd()
    .split('\n')
    .map((line) => line.trimEnd().replace(/^.*\r/, ''))
    .filter((line) => line !== '')
    .slice(-SHOWN_LINES)
    .join('\n');
