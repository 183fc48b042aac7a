/** What every verb is handed: where text goes, whether colours and bars are wanted, and the way to stop. */
import pc from 'picocolors';
import type { OnEvent } from '../core/stage-event.js';
import { createProgress } from './progress.js';

export interface GlobalOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly color?: boolean;
}

export interface Context {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly colors: ReturnType<typeof pc.createColors>;
  readonly interactive: boolean; // a person at a terminal: bars and pickers make sense
  readonly columns: number;
  readonly signal: AbortSignal; // aborted by Ctrl-C
  readonly onEvent: OnEvent;
  /** The verb's result for a person, on stdout; nothing with --json. */
  print(text: string): void;
  /** The verb's result for a program: one JSON document on stdout, with --json alone. */
  printJson(value: unknown): void;
  hasPrintedJson(): boolean;
  /** Remarks on stderr; nothing with --quiet. */
  log(text: string): void;
  /** Takes bars off the screen. */
  close(): void;
}

export function createContext(options: GlobalOptions, signal: AbortSignal): Context {
  const json = options.json === true;
  const quiet = options.quiet === true;
  const colors = pc.createColors(
    options.color !== false && pc.isColorSupported && process.stdout.isTTY === true && !json,
  );
  const interactive = process.stderr.isTTY === true && !json && !quiet;
  let printedJson = false;
  const progress = createProgress({ interactive, quiet });
  const write = (stream: NodeJS.WriteStream, text: string) => {
    progress.pause();
    stream.write(text.endsWith('\n') ? text : `${text}\n`);
  };
  return {
    json,
    quiet,
    colors,
    interactive,
    columns: process.stdout.columns ?? 100,
    signal,
    onEvent: progress.onEvent,
    print: (text) => {
      if (!json) write(process.stdout, text);
    },
    printJson: (value) => {
      if (!json) return;
      printedJson = true;
      process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
    },
    hasPrintedJson: () => printedJson,
    log: (text) => {
      if (!quiet) write(process.stderr, text);
    },
    close: () => progress.stop(),
  };
}
