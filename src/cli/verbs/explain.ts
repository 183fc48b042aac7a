import { basename } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { ThimbleError } from '../../core/errors.js';
import { chosenPreprocessing, findConfig } from '../../pipeline/config.js';
import { type ExplainOptions, type Explanation, explain as explainModel } from '../../pipeline/explain.js';
import { explainMath } from '../../pipeline/explain-math.js';
import { loadModel, sampleShapeOf } from '../../pipeline/load-model.js';
import { loadRecipe, recipeNames } from '../../pipeline/load-recipe.js';
import type { Context } from '../context.js';
import { decibels, mathText } from '../math-text.js';
import {
  type DataOptions,
  openData,
  type PreprocessingOptions,
  positiveInteger,
  withDataFormat,
  withPreprocessing,
} from '../options.js';
import { percentText, tableText } from '../table.js';
import type { Verb } from './index.js';

interface Flags extends DataOptions, PreprocessingOptions {
  readonly data: string;
  readonly recipe: string;
  readonly calibration: number;
  readonly samples: number;
  readonly seed: number;
  readonly math?: string;
  readonly at?: readonly number[];
}

export const explain: Verb = (program, action) => {
  const command = program
    .command('explain')
    .argument('<model>', 'a float model: Keras .h5, TF.js model.json, .tflite')
    .description(
      'say which layers lose by INT8: float, fake quantization and int8, layer by layer, and one layer at a time',
    )
    .requiredOption('--data <data>', 'representative samples')
    .option('--recipe <recipe>', `a JSON file, or one of ${recipeNames.join(', ')} (without training)`, 'a8w8')
    .option('--calibration <n>', 'samples that set the int8 ranges, class-stratified', positiveInteger, 500)
    .option('--samples <n>', 'samples to run through the layers, others than those', positiveInteger, 32)
    .option('--seed <n>', 'of the choice of samples', positiveInteger, 1)
    .option('--math <layer>', 'work one layer out by hand: ranges, scales, one output byte in steps')
    .option('--at <place>', 'with --math: which output, such as 3,12,5 (default: one that is not clamped)', place);
  withPreprocessing(withDataFormat(command))
    .addHelpText(
      'after',
      `
Examples:
  thimble explain model.h5 --data train.npz --recipe a8w8-equalized
  thimble explain model.h5 --data train.npz --math conv2d`,
    )
    .action(action(run));
};

/** '3,12,5' → [3, 12, 5] */
function place(text: string): readonly number[] {
  const numbers = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  if (numbers.every((n) => Number.isInteger(n) && n >= 0)) return numbers;
  throw new InvalidArgumentError('It takes row, column and channel, counted from 0: 3,12,5.');
}

async function run(context: Context, path: string, flags: Flags): Promise<void> {
  const model = await loadModel(path);
  const recipe = loadRecipe(flags.recipe);
  if (flags.at !== undefined && flags.math === undefined)
    throw new ThimbleError('E_USAGE', '--at names an output of the layer that only --math works out', [
      'Say which layer: --math LAYER',
    ]);
  const { config } = findConfig(model.path, flags.config);
  const data = await openData(flags.data, flags, sampleShapeOf(model));
  const options: ExplainOptions = {
    recipe,
    calibration: flags.calibration,
    samples: flags.samples,
    seed: flags.seed,
    preprocessing: chosenPreprocessing(flags, config, model.graph.metadata?.preprocessing),
    onEvent: context.onEvent,
    signal: context.signal,
  };
  const about = {
    model: model.path,
    sha256: model.sha256,
    data: { name: data.name, sha256: data.sha256 },
    recipe,
    seed: flags.seed,
  };
  if (flags.math !== undefined) {
    const explained = await explainMath(model, data, { ...options, layer: flags.math, at: flags.at });
    const of = explained.class === null ? '' : `, "${explained.class}"`;
    context.printJson({ ...about, ...explained });
    context.print(
      `${context.colors.bold(`${explained.math.node} (${explained.math.op})`)} of ${basename(model.path)} by ${recipe.name}, on sample ${explained.sample} of ${data.name}${of}`,
    );
    context.print('');
    context.print(mathText(explained, context));
    return;
  }
  const explanation = await explainModel(model, data, options);
  context.printJson({ ...about, ...explanation });
  context.print(`${context.colors.bold(basename(model.path))} by ${recipe.name}: ${explanation.samples} samples`);
  context.print('');
  context.print(layerTable(explanation, context));
  context.print(`\n${summary(explanation)}`);
}

function layerTable({ layers }: Explanation, context: Context): string {
  return tableText(
    [
      { title: '#', align: 'right' },
      { title: 'layer' },
      { title: 'op' },
      { title: 'int8', align: 'right' },
      { title: 'cosine', align: 'right' },
      { title: 'fake-quant', align: 'right' },
      { title: 'clipped', align: 'right' },
      { title: 'alone: output', align: 'right' },
      { title: 'other class', align: 'right' },
      { title: 'at most' },
    ],
    layers.map((layer, i) => [
      String(i),
      layer.node,
      layer.op,
      decibels(layer.int8.sqnrDb),
      layer.int8.cosine.toFixed(5),
      decibels(layer.fakeQuant.sqnrDb),
      percentText(layer.clipped),
      decibels(layer.alone.sqnrDb),
      layer.changedClass ? `${layer.changedClass.hits} of ${layer.changedClass.n}` : '–',
      layer.changedClass ? percentText(layer.changedClass.high) : '',
    ]),
    context.colors.dim,
  );
}

function summary({ layers, firstThatHurt }: Explanation): string {
  const weakest = layers.reduce((worst, layer) => (layer.alone.sqnrDb < worst.alone.sqnrDb ? layer : worst));
  return [
    firstThatHurt.length > 0
      ? `  First layers that hurt (3 dB and more below what they read): ${firstThatHurt.join(', ')}`
      : '  No layer is 3 dB or more below what it reads: the error grows evenly.',
    `  Most sensitive when quantized alone: "${weakest.node}" (${decibels(weakest.alone.sqnrDb)} at the output)`,
    '  int8, fake-quant: signal to quantization noise against float, higher is better. alone: only this layer quantized.',
    '  clipped: share of the float values outside the int8 range. at most: the upper end of the 95 % interval.',
  ].join('\n');
}
