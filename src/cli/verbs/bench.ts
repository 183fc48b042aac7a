import { basename, join } from 'node:path';
import { Option } from 'commander';
import { ThimbleError } from '../../core/errors.js';
import type { StageEvent } from '../../core/stage-event.js';
import { type EmulatedCore, emulatedCores } from '../../engines/core-program.js';
import { benchOnBoard } from '../../pipeline/bench-board.js';
import { benchOnCore } from '../../pipeline/bench-core.js';
import { chosenPreprocessing, findConfig } from '../../pipeline/config.js';
import { type LoadedModel, loadModel, requireInt8, sampleShapeOf } from '../../pipeline/load-model.js';
import { openModelOnBoard } from '../../pipeline/open-board.js';
import { sessionName, writeSession } from '../../pipeline/write-session.js';
import { boardBenchText } from '../bench-board-text.js';
import { coreLayerTable, coreSummary } from '../bench-core-text.js';
import { portSearch } from '../choose-port.js';
import type { Context } from '../context.js';
import {
  type DataOptions,
  type KernelFlags,
  kernelOptions,
  nonNegativeInteger,
  openData,
  type PortFlags,
  type PreprocessingOptions,
  positiveInteger,
  positiveNumber,
  withDataFormat,
  withKernelChoice,
  withPort,
  withPreprocessing,
} from '../options.js';
import { clockText } from '../reading-text.js';
import type { Verb } from './index.js';

interface Flags extends KernelFlags, DataOptions, PreprocessingOptions, PortFlags {
  readonly core?: EmulatedCore;
  readonly board?: string;
  readonly runs: number;
  readonly warmUp: number;
  readonly data?: string;
  readonly mlperf?: boolean;
  readonly window?: number;
  readonly timeout?: number;
  readonly output?: string;
}

export const bench: Verb = (program, action) => {
  const command = program
    .command('bench')
    .argument('<model>', 'an int8 .tflite')
    .description('time one inference on a board, or count what it takes on an emulated core')
    .addOption(
      new Option(
        '--core <core>',
        'count instructions (of an AVR cycles) by layer, flash and RAM on this emulated core',
      ).choices(Object.keys(emulatedCores)),
    )
    .option('--board <board>', 'time it on this board, whose firmware runs the model; see thimble boards');
  withPort(command, ' (builds and starts the board’s twin)')
    .option('--runs <n>', 'inferences to time on a board', positiveInteger, 50)
    .option('--warm-up <n>', 'inferences before them, and before each window', nonNegativeInteger, 5)
    .option('--data <data>', 'take its first sample for input (default: random bytes)')
    .option('--mlperf', 'five windows of ten seconds, in the style of MLPerf Tiny, and a folder with the results')
    .option('--window <seconds>', 'other than ten: the benchmark would not take it', positiveNumber)
    .option('--timeout <seconds>', 'of one inference on a board', positiveNumber)
    .option(
      '-o, --output <folder>',
      'for results.json, results.txt and log.txt (default with --mlperf: .thimble/sessions/TIME)',
    );
  withPreprocessing(withDataFormat(withKernelChoice(command)))
    .addHelpText(
      'after',
      '\nExample:\n  thimble bench kws.tflite --board pico --mlperf\n  thimble bench kws.tflite --core cortex-m4 --optimize speed',
    )
    .action(action(run));
};

async function run(context: Context, path: string, flags: Flags): Promise<void> {
  const { core, board } = flags;
  if ((core === undefined) === (board === undefined))
    throw new ThimbleError(
      'E_USAGE',
      core ? 'both a core and a board were named' : 'neither a board nor a core was named',
      [
        'Time on a board: --board pico, with --port virtual where there is none.',
        'Count instructions: --core cortex-m4',
      ],
    );
  const model = await loadModel(path);
  requireInt8(model, 'bench');
  if (core !== undefined) runOnCore(context, model, core, flags);
  else await runOnBoard(context, model, { ...flags, board: board! });
}

function runOnCore(context: Context, model: LoadedModel, core: EmulatedCore, flags: Flags): void {
  const result = benchOnCore(model, { ...kernelOptions(flags), core, onEvent: context.onEvent });
  context.printJson({ model: model.path, sha256: model.sha256, ...result });
  context.print(
    `${context.colors.bold(basename(model.path))} on an emulated ${result.core}, kernels for ${result.optimize}`,
  );
  context.print('');
  context.print(coreLayerTable(result, context));
  context.print('');
  context.print(coreSummary(result));
  if (!result.bitExact) throw differs(`the core computes something else than the reference: ${result.firstDifference}`);
}

async function runOnBoard(context: Context, model: LoadedModel, flags: Flags & { board: string }): Promise<void> {
  const began = new Date();
  const log: { at: Date; text: string }[] = [];
  const onEvent = (event: StageEvent): void => {
    context.onEvent(event);
    const { stage, message, done, total } = event;
    const text = message ?? (total === undefined ? undefined : `${stage} ${done} of ${total}`);
    if (text !== undefined) log.push({ at: new Date(), text });
  };
  const { signal } = context;
  const { config } = findConfig(model.path, flags.config);
  const dataset = flags.data === undefined ? undefined : await openData(flags.data, flags, sampleShapeOf(model));
  const preprocessing = chosenPreprocessing(flags, config, model.graph.metadata?.preprocessing);
  const session = await openModelOnBoard(model, {
    ...portSearch(context),
    board: flags.board,
    port: flags.port,
    baud: flags.baud,
    timeoutMs: flags.timeout === undefined ? undefined : flags.timeout * 1000,
    kernels: kernelOptions(flags),
    onEvent,
    signal,
  });
  try {
    const result = await benchOnBoard(session.link, model, {
      ...{ runs: flags.runs, warmUps: flags.warmUp, onEvent, signal },
      data: dataset && { dataset, preprocessing },
      mlperf: flags.mlperf ? { windowSeconds: flags.window ?? 10 } : undefined,
    });
    const { board } = session;
    const json = { model: model.path, sha256: model.sha256, board: board.id, began: began.toISOString(), ...result };
    const clock = result.clockHz > 0 ? ` at ${clockText(result.clockHz)}` : '';
    const head = `${basename(model.path)} on ${board.name}${clock}`;
    const folder = flags.output ?? (flags.mlperf ? join('.thimble', 'sessions', sessionName(began)) : undefined);
    const text = `${head}\n${boardBenchText(result, String)}`;
    const files = folder === undefined ? [] : writeSession(folder, { json, text, log });
    context.printJson({ ...json, folder: folder ?? null });
    context.print(context.colors.bold(head));
    context.print(boardBenchText(result, context.colors.dim));
    if (folder !== undefined) context.print(`\n  written to ${folder}: ${files.join(', ')}`);
    if (!result.bitExact) throw differs('the board computes something else than the reference', flags.board);
  } finally {
    await session.close();
  }
}

const differs = (what: string, board?: string): ThimbleError =>
  new ThimbleError(
    'E_VERIFY_MISMATCH',
    what,
    board === undefined
      ? 'This is a fault of Thimble: report it with the model.'
      : `See where it begins to differ: thimble verify MODEL --data DATA --board ${board}`,
  );
