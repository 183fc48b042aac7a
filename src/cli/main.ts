/** argv in, exit code out. The only place that turns errors into text and codes. */
import { Command, CommanderError } from 'commander';
import pc from 'picocolors';
import { exitCodeOf, ThimbleError } from '../core/errors.js';
import { packageVersion } from '../files/package-folder.js';
import { type Context, createContext, type GlobalOptions } from './context.js';
import { errorJson, errorText, usageJson } from './error-text.js';
import { verbs } from './verbs/index.js';

/** Errors of verbs that have said all in their JSON document already: a second one would make both unreadable. */
const toldAsJson = new WeakSet<object>();

/** Wraps a verb's body so that it gets a Context and the last word stays with `main`. */
export type Action = <Args extends unknown[]>(
  body: (context: Context, ...args: Args) => Promise<void>,
) => (...args: Args) => Promise<void>;

export async function main(argv: readonly string[]): Promise<number> {
  const stop = new AbortController();
  const onInterrupt = () => {
    if (stop.signal.aborted) process.exit(130); // the second Ctrl-C does not wait
    stop.abort();
  };
  process.on('SIGINT', onInterrupt);
  process.on('SIGTERM', onInterrupt);
  process.stdout.on('error', leaveQuietlyOnClosedPipe);

  const program = createProgram(stop.signal);
  try {
    await program.parseAsync(argv, { from: 'user' });
    return typeof process.exitCode === 'number' ? process.exitCode : 0;
  } catch (error) {
    return report(error, program.opts<GlobalOptions>());
  } finally {
    process.off('SIGINT', onInterrupt);
    process.off('SIGTERM', onInterrupt);
  }
}

export function createProgram(signal: AbortSignal): Command {
  const program = new Command('thimble')
    .description(
      'Fits a neural network onto a microcontroller kit, and proves that the board computes what the host computed.',
    )
    .version(packageVersion())
    .option('--json', 'one JSON document on stdout, remarks on stderr')
    .option('--quiet', 'no remarks, no bars')
    .option('--no-color', 'no colours (also: NO_COLOR=1)')
    .helpCommand(false) // `thimble help CODE` is ours
    .showHelpAfterError('(thimble --help lists the commands)')
    .exitOverride();
  const action: Action =
    (body) =>
    async (...args) => {
      const context = createContext(program.opts<GlobalOptions>(), signal);
      try {
        await body(context, ...args);
      } catch (error) {
        if (context.hasPrintedJson() && error instanceof Error) toldAsJson.add(error);
        throw error;
      } finally {
        context.close();
      }
    };
  for (const verb of verbs) verb(program, action);
  for (const command of program.commands)
    command
      .exitOverride()
      .showHelpAfterError(`(thimble ${command.name()} --help explains what it takes and shows an example)`);
  return program;
}

function report(error: unknown, options: GlobalOptions): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0; // --help, --version
    if (options.json === true) process.stdout.write(`${JSON.stringify(usageJson(error), null, 2)}\n`);
    return exitCodeOf.E_USAGE; // the words for a person have gone to stderr already
  }
  const colors = pc.createColors(options.color !== false && pc.isColorSupported && process.stderr.isTTY === true);
  const told = error instanceof Error && toldAsJson.has(error);
  if (options.json === true && !told) process.stdout.write(`${JSON.stringify(errorJson(error), null, 2)}\n`);
  process.stderr.write(`${errorText(error, colors)}\n`);
  return error instanceof ThimbleError ? exitCodeOf[error.code] : 1;
}

/** `thimble inspect m.tflite | head` closes our stdout: that is no error. */
function leaveQuietlyOnClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
}
