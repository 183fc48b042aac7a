import type { Dataset } from '../../core/dataset.js';
import { ThimbleError } from '../../core/errors.js';
import { stratifiedIndices } from '../../datasets/index.js';
import { type ComparisonRow, type Contestant, compare as compareContestants } from '../../pipeline/compare.js';
import { chosenPreprocessing, findConfig } from '../../pipeline/config.js';
import { type EngineName, engineNames, openEngine } from '../../pipeline/engines.js';
import { type LoadedModel, loadModel, sampleShapeOf } from '../../pipeline/load-model.js';
import type { Context } from '../context.js';
import {
  type DataOptions,
  openData,
  type PreprocessingOptions,
  positiveInteger,
  withDataFormat,
  withPreprocessing,
} from '../options.js';
import { classTables, qualityTable } from '../quality-text.js';
import { originText } from '../reading-text.js';
import { percentText, tableText } from '../table.js';
import type { Verb } from './index.js';

interface Flags extends DataOptions, PreprocessingOptions {
  readonly data: string;
  readonly engine: string;
  readonly classes?: boolean;
  readonly limit?: number;
  readonly port: string;
  readonly board?: string;
}

export const compare: Verb = (program, action) => {
  const command = program
    .command('compare')
    .argument('<models...>', 'models of one task, the float one first')
    .description('score models side by side, on one or several engines')
    .requiredOption('--data <data>', 'samples to score with')
    .option('--engine <engines>', `one or several of ${engineNames.join(',')}`, 'reference')
    .option('--classes', 'also precision, recall, F1 and AUC of every class, and the confusion matrices')
    .option('--limit <n>', 'score this many samples, class-stratified (default: all)', positiveInteger)
    .option('--board <board>', 'for the engine device')
    .option('--port <port>', 'for the engine device: a serial port, or virtual', 'virtual');
  withPreprocessing(withDataFormat(command))
    .addHelpText(
      'after',
      '\nExample:\n  thimble compare model.h5 small/model.tflite --data test.npz --engine reference,c,tflite',
    )
    .action(action(run));
};

async function run(context: Context, paths: string[], flags: Flags): Promise<void> {
  const names = flags.engine.split(',').map(engineName);
  const models: LoadedModel[] = [];
  for (const path of paths) models.push(await loadModel(path));
  const data = await openData(flags.data, flags, sampleShapeOf(models[0]!));
  const contestants = models.flatMap((model) => contestantsOf(model, names, flags, context));
  const rows = await compareContestants(contestants, data, {
    indices: indicesOf(data, flags.limit),
    onEvent: context.onEvent,
    signal: context.signal,
  });
  context.printJson({
    data: { name: data.name, sha256: data.sha256, samples: data.sampleCount, labels: data.labels },
    seed: SEED,
    rows,
  });
  context.print(comparisonTable(rows, context));
  const texts = [
    qualityTable(rows, data.labels, context),
    ...(flags.classes ? classTables(rows, data.labels, context) : []),
  ];
  for (const text of texts) if (text !== '') context.print(`\n${text}`);
}

/** Of the choice of samples with --limit. */
const SEED = 1;

function engineName(text: string): EngineName {
  const name = engineNames.find((known) => known === text.trim());
  if (name) return name;
  throw new ThimbleError('E_USAGE', `no engine is called "${text}"`, `Engines: ${engineNames.join(', ')}`);
}

/** A float model runs on the engines that know floats; the C model and boards are int8. */
function contestantsOf(model: LoadedModel, names: readonly EngineName[], flags: Flags, context: Context): Contestant[] {
  const { config } = findConfig(model.path, flags.config);
  const preprocessing = chosenPreprocessing(flags, config, model.graph.metadata?.preprocessing);
  const able = model.kind === 'int8' ? names : names.filter((name) => name === 'reference' || name === 'tflite');
  return (able.length > 0 ? able : ['reference' as const]).map((name) => ({
    model,
    preprocessing,
    open: () =>
      openEngine(name, model, {
        board: flags.board,
        port: flags.port,
        onEvent: context.onEvent,
        signal: context.signal,
      }),
  }));
}

export function indicesOf(data: Dataset, limit: number | undefined): readonly number[] {
  return limit === undefined || limit >= data.sampleCount
    ? Array.from({ length: data.sampleCount }, (_, i) => i)
    : stratifiedIndices(data, limit, SEED);
}

function comparisonTable(rows: readonly ComparisonRow[], context: Context): string {
  return tableText(
    [
      { title: 'model' },
      { title: 'type' },
      { title: 'engine' },
      { title: 'n', align: 'right' },
      { title: 'accuracy', align: 'right' },
      { title: '95 % interval' },
      { title: 'same class', align: 'right' },
      { title: 'largest difference', align: 'right' },
      { title: 'where' },
    ],
    rows.map((row) => [
      row.model,
      row.kind,
      row.engine,
      String(row.n),
      row.accuracy ? percentText(row.accuracy.value, 2) : '–',
      row.accuracy ? `${percentText(row.accuracy.low)} … ${percentText(row.accuracy.high)}` : '',
      percentText(row.sameClass.value),
      row.largestDifference === null
        ? ''
        : row.kind === 'int8'
          ? `${row.largestDifference} LSB`
          : row.largestDifference.toExponential(1),
      originText[row.origin],
    ]),
    context.colors.dim,
  );
}
