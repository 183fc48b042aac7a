import { availableParallelism } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { Option } from 'commander';
import { loadBoard } from '../../boards/load-board.js';
import { ThimbleError } from '../../core/errors.js';
import { chosenPreprocessing, findConfig, numberList } from '../../pipeline/config.js';
import { type DataSource, openWorkbench, type SweepContext } from '../../pipeline/sweep/context.js';
import { queueHere } from '../../pipeline/sweep/job-queue.js';
import { stagesIn } from '../../pipeline/sweep/stage-store.js';
import { sweep as runSweep, type SweepResult } from '../../pipeline/sweep/sweep.js';
import { loadSweepSet, sweepSetNames } from '../../pipeline/sweep/sweep-set.js';
import { workerQueue } from '../../pipeline/sweep/worker-queue.js';
import { writeSweep } from '../../pipeline/sweep/write-sweep.js';
import type { Context } from '../context.js';
import {
  type DataOptions,
  type KernelFlags,
  type PreprocessingOptions,
  positiveInteger,
  withDataFormat,
  withOptimize,
  withPreprocessing,
} from '../options.js';
import { sweepText } from '../sweep-text.js';
import { counted } from '../table.js';
import type { Verb } from './index.js';

interface Flags extends DataOptions, PreprocessingOptions, Pick<KernelFlags, 'optimize'> {
  readonly data: string;
  readonly test?: string;
  readonly board?: string;
  readonly set: string;
  readonly strategy?: 'grid' | 'halving';
  readonly workers: number;
  readonly calibration: number;
  readonly score: number;
  readonly seed: number;
  readonly output: string;
}

export const sweep: Verb = (program, action) => {
  const command = program
    .command('sweep')
    .argument('<model>', 'a float model: Keras .h5, TF.js model.json, .tflite')
    .description('compress a model in many ways, measure each, and show which are worth having: table, CSV, JSON, SVG')
    .requiredOption('--data <data>', 'samples that train, calibrate and choose')
    .option('--test <data>', 'samples that score the front in the end (default: a fifth of --data)')
    .option('--board <board>', 'what flash, RAM and instructions are meant for')
    .option('--set <set>', `a JSON file, or one of ${sweepSetNames().join(', ')}`, 'compression-frontier')
    .addOption(
      new Option(
        '--strategy <strategy>',
        'grid: every point to its end; halving: the better half goes on (default: the set’s)',
      ).choices(['grid', 'halving']),
    )
    .option('--workers <n>', 'processes that work side by side', positiveInteger, availableParallelism())
    .option('--calibration <n>', 'samples that set the int8 ranges, class-stratified', positiveInteger, 500)
    .option('--score <n>', 'samples to score at most', positiveInteger, 2000)
    .option('--seed <n>', 'of every random choice', positiveInteger, 1)
    .requiredOption('-o, --output <folder>', 'folder to write; a sweep that was stopped goes on there');
  withPreprocessing(withDataFormat(withOptimize(command)))
    .addHelpText(
      'after',
      `
Examples:
  thimble sweep model.h5 --data train.npz --test test.npz --board pico -o frontier
  thimble sweep model.h5 --data train.npz --set order-experiment --workers 2 -o order`,
    )
    .action(action(run));
};

async function run(context: Context, path: string, flags: Flags): Promise<void> {
  const loaded = loadSweepSet(flags.set);
  const set = flags.strategy === undefined ? loaded : { ...loaded, strategy: strategyOf(flags.strategy) };
  if (flags.board !== undefined) loadBoard(flags.board); // told before minutes of loading
  const { config, path: configPath } = findConfig(path, flags.config);
  if (configPath !== null) context.log(context.colors.dim(`  settings from ${configPath}`));
  const stages = join(flags.output, 'stages');
  const source = (data: string): DataSource => ({
    path: resolve(data),
    format: flags.format,
    shape: flags.shape === undefined ? undefined : numberList('--shape', flags.shape),
    resize: flags.resize,
  });
  const asked: SweepContext = {
    model: resolve(path),
    data: source(flags.data),
    test: flags.test === undefined ? undefined : source(flags.test),
    board: flags.board,
    optimize: flags.optimize,
    preprocessing: chosenPreprocessing(flags, config, undefined),
    labels: config.labels,
    seed: flags.seed,
    calibration: flags.calibration,
    scoreLimit: flags.score,
    checkpoints: resolve(stages, 'training'),
  };
  const bench = await openWorkbench(asked);
  const settled: SweepContext = { ...bench.context, expected: bench.fingerprint };
  const workers = Math.min(flags.workers, set.points.length);
  const { onEvent, signal } = context;
  context.log(
    `  ${set.name}: ${counted(set.points.length, 'point')}, ${counted(workers, 'worker')}; ${bench.choice.training.length} samples train, ${bench.choice.selection.length} choose, ${bench.choice.scoring.length} score the end`,
  );
  const queue = workers === 1 ? queueHere(bench, { signal }) : workerQueue(settled, workers, signal);
  try {
    const result = await runSweep(bench, set, { queue, store: stagesIn(stages), onEvent });
    const { report, files } = await writeSweep(flags.output, result, bench);
    context.printJson(report);
    context.print(
      `${context.colors.bold(basename(bench.model.path))}: ${set.name}${flags.board === undefined ? '' : ` for ${flags.board}`}`,
    );
    context.print('');
    context.print(sweepText(result, context));
    context.print('');
    if (result.jobs.found > 0)
      context.print(
        `  ${counted(result.jobs.found, 'stage')} of an earlier run used, ${result.jobs.computed} computed.`,
      );
    context.print(`  Written to ${flags.output}: ${files.join(', ')}`);
    checkSomethingFits(result, flags.board);
  } catch (error) {
    if (error instanceof ThimbleError && error.code === 'E_INTERRUPTED')
      throw new ThimbleError('E_INTERRUPTED', 'the sweep was stopped', [
        `Finished stages are kept in ${stages}: the same command goes on from there.`,
      ]);
    throw error;
  } finally {
    await queue.close();
  }
}

/** Everything is written by then: what was measured says how far the limit is. */
function checkSomethingFits({ points }: SweepResult, board: string | undefined): void {
  if (points.some(({ measured }) => measured.doesNotFit === null)) return;
  const least = points.reduce((a, b) => (b.measured.ram.bytes < a.measured.ram.bytes ? b : a));
  throw new ThimbleError(
    'E_DOES_NOT_FIT',
    `none of ${counted(points.length, 'model')} fits "${board}"; the one that needs least RAM: ${least.measured.doesNotFit}`,
    [
      'Prune more: a set of your own with larger shares (--set FILE.json).',
      'Take a smaller input or a smaller model, or another board: thimble boards',
    ],
    { where: `point "${least.name}"` },
  );
}

const strategyOf = (kind: 'grid' | 'halving') => (kind === 'grid' ? { kind } : { kind, rounds: [0.25, 1], keep: 0.5 });
