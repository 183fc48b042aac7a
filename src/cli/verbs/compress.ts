import { rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type Command, Option } from 'commander';
import type { Dataset } from '../../core/dataset.js';
import { ThimbleError } from '../../core/errors.js';
import {
  type Compressed,
  type CompressOptions,
  compress as compressModel,
  type Stage,
} from '../../pipeline/compress.js';
import { chosenPreprocessing, findConfig } from '../../pipeline/config.js';
import { type LoadedModel, loadModel, sampleShapeOf } from '../../pipeline/load-model.js';
import { loadRecipe, recipeNames } from '../../pipeline/load-recipe.js';
import type { QatReport } from '../../pipeline/quantize-model.js';
import { writeCompressed } from '../../pipeline/write-compressed.js';
import { type RungName, rungNames } from '../../quantize/rungs.js';
import { fineTuneDefaults } from '../../train/fine-tune.js';
import { qatDefaults } from '../../train/quantize-aware.js';
import type { Context } from '../context.js';
import { ladderText } from '../ladder-text.js';
import {
  type DataOptions,
  nonNegativeNumber,
  openData,
  type PreprocessingOptions,
  positiveInteger,
  positiveNumber,
  pruneRatio,
  withDataFormat,
  withPreprocessing,
} from '../options.js';
import { bytesText, countText, percentText, tableText } from '../table.js';
import type { Verb } from './index.js';

export interface CompressFlags extends DataOptions, PreprocessingOptions {
  readonly data: string;
  readonly test?: string;
  readonly calibration: number;
  readonly prune?: string;
  readonly refit?: boolean;
  readonly epochs?: number;
  readonly learningRate?: number;
  readonly recipe: string;
  readonly maxDrop?: number;
  readonly lastRung?: RungName;
  readonly seed: number;
  readonly score: number;
}

/** The flags of compressing, which `deploy` takes too. */
export const withCompression = (command: Command): Command =>
  withPreprocessing(
    withDataFormat(
      command
        .option('--test <data>', 'samples to score with (default: some are held out of --data)')
        .option('--calibration <n>', 'samples that set the int8 ranges, class-stratified', positiveInteger, 500)
        .option('--prune <what>', 'channels=0.5 removes half of the channels and fine-tunes')
        .option(
          '--refit',
          'solve for weights that make up for pruned channels before fine-tuning; without labels always',
        )
        .option(
          '--epochs <n>',
          `of training, in place of the recipe’s (default: ${fineTuneDefaults.epochs} after pruning, ${qatDefaults.epochs} of qat)`,
          positiveInteger,
        )
        .option(
          '--learning-rate <rate>',
          `of training, in place of the recipe’s (default: ${fineTuneDefaults.learningRate}; qat ${qatDefaults.learningRate})`,
          positiveNumber,
        )
        .option('--recipe <recipe>', `a JSON file, or one of ${recipeNames.join(', ')}`, 'a8w8')
        .option(
          '--max-drop <points>',
          'accuracy that INT8 may lose at most: tries recipe after recipe, cheapest first, until one holds',
          nonNegativeNumber,
        )
        .addOption(
          new Option('--last-rung <rung>', 'with --max-drop: where to stop trying (default: 16-bit)').choices(
            rungNames,
          ),
        )
        .option('--seed <n>', 'of every random choice', positiveInteger, 1)
        .option('--score <n>', 'samples to score at most', positiveInteger, 2000),
    ),
  );

export const compress: Verb = (program, action) => {
  const command = program
    .command('compress')
    .argument('<model>', 'a float model: Keras .h5, TF.js model.json, .tflite')
    .description('prune and quantize a float model to INT8; writes DIR/model.tflite and DIR/report.json')
    .requiredOption('--data <data>', 'representative samples: .npz, CSV, folder of images, IDX, CIFAR-10, …')
    .requiredOption('-o, --output <folder>', 'folder to write');
  withCompression(command)
    .addHelpText(
      'after',
      `
Examples:
  thimble compress model.h5 --data train.npz --prune channels=0.5 -o small
  thimble compress model.h5 --data train.npz --test test.npz --max-drop 0.5 -o small`,
    )
    .action(action(run));
};

async function run(context: Context, path: string, flags: CompressFlags & { output: string }): Promise<void> {
  const model = await loadModel(path);
  const checkpoints = join(flags.output, 'training');
  const { compressed } = await compressFromFlags(context, model, flags, checkpoints);
  const written = writeCompressed(flags.output, model, compressed);
  rmSync(checkpoints, { recursive: true, force: true }); // of trainings that are through
  context.printJson(written.report);
  context.print(`${context.colors.bold(basename(model.path))} → ${join(flags.output, 'model.tflite')}`);
  context.print(stageTable(compressed, model, context));
  if (compressed.ladder) context.print(`\n${ladderText(compressed.ladder, context.colors.dim)}`);
  if (compressed.qat) context.print(`\n  ${qatText(compressed.qat)}`);
  context.print(`\n  Full figures: ${join(flags.output, 'report.json')}`);
}

/** What `compress` and `deploy` share: flags, project file and data to a compressed model. */
export async function compressFromFlags(
  context: Context,
  model: LoadedModel,
  flags: CompressFlags,
  checkpoints: string,
): Promise<{ data: Dataset; compressed: Compressed }> {
  const recipe = loadRecipe(flags.recipe);
  if (flags.lastRung !== undefined && flags.maxDrop === undefined)
    throw new ThimbleError('E_USAGE', '--last-rung is the end of a ladder that only --max-drop climbs', [
      'Say how much accuracy may go: --max-drop 0.5',
    ]);
  const prune = flags.prune === undefined ? undefined : pruneRatio(flags.prune);
  const { config, path: configPath } = findConfig(model.path, flags.config);
  if (configPath !== null) context.log(context.colors.dim(`  settings from ${configPath}`));
  if (model.kind !== 'float32')
    throw new ThimbleError(
      'E_USAGE',
      `${model.path} is an int8 model already`,
      'Compress the float model that it came from.',
    );
  for (const remark of model.graph.remarks ?? []) context.log(`  ${remark}`);
  const expected = sampleShapeOf(model);
  const data = await openData(flags.data, flags, expected);
  const test = flags.test === undefined ? undefined : await openData(flags.test, flags, expected);
  const options: CompressOptions = {
    recipe,
    maxDrop: flags.maxDrop,
    lastRung: flags.lastRung,
    calibration: flags.calibration,
    prune,
    refit: flags.refit,
    epochs: flags.epochs,
    learningRate: flags.learningRate,
    seed: flags.seed,
    test,
    scoreLimit: flags.score,
    labels: config.labels,
    checkpoints,
    preprocessing: chosenPreprocessing(flags, config, model.graph.metadata?.preprocessing),
    onEvent: context.onEvent,
    signal: context.signal,
  };
  try {
    return { data: test ?? data, compressed: await compressModel(model, data, options) };
  } catch (error) {
    // A training that was stopped goes on there; one that ended and did not help has nothing to go on with.
    if (error instanceof ThimbleError && error.code === 'E_GATE') rmSync(checkpoints, { recursive: true, force: true });
    throw error;
  }
}

/** What quantization-aware training came to, in words. */
export function qatText({ history, bestEpoch, agreement }: QatReport): string {
  const [before, best] = [history[0]?.validationLoss, history[bestEpoch]?.validationLoss];
  const loss = before != null && best != null ? `, held-out loss ${before.toFixed(4)} → ${best.toFixed(4)}` : '';
  const ended =
    bestEpoch > 0
      ? `epoch ${bestEpoch} of ${history.length - 1} was best${loss}`
      : 'no epoch lowered the loss on held-out samples by more than chance: quantized without it';
  const count = (key: 'equal' | 'values'): number => agreement.reduce((sum, layer) => sum + layer[key], 0);
  const worst = Math.max(...agreement.map((layer) => layer.worst));
  return `quantization-aware training: ${ended}
  fake quantization and the int8 reference agree in ${percentText(count('equal') / count('values'), 2)} of the bytes, layer by layer; largest difference ${worst}`;
}

/** Float, pruned and INT8 side by side. */
export function stageTable({ stages, choice }: Compressed, model: LoadedModel, context: Context): string {
  const names: Readonly<Record<Stage['stage'], string>> = {
    float32: 'float32',
    pruned: 'pruned float32',
    int8: 'INT8',
  };
  const text = tableText(
    [
      { title: '' },
      { title: 'parameters', align: 'right' },
      { title: 'MACs', align: 'right' },
      { title: '.tflite', align: 'right' },
      { title: 'accuracy', align: 'right' },
      { title: '95 % interval' },
    ],
    stages.map(({ stage, parameters, macs, fileBytes, score }) => {
      const accuracy = score?.accuracy;
      return [
        names[stage],
        countText(parameters),
        countText(macs),
        bytesText(fileBytes),
        accuracy ? percentText(accuracy.value, 2) : '–',
        accuracy ? `${percentText(accuracy.low)} … ${percentText(accuracy.high)}` : '',
      ];
    }),
    context.colors.dim,
  );
  const n = stages[0]?.score?.n ?? 0;
  return `${text}\n  ${bytesText(model.fileBytes)} in the source format; scored on ${n} samples (${choice.scoredOn})`;
}
