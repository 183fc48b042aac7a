import { basename } from 'node:path';
import { chosenPreprocessing, findConfig } from '../../pipeline/config.js';
import { type Explanation, explain as explainModel } from '../../pipeline/explain.js';
import { loadModel, sampleShapeOf } from '../../pipeline/load-model.js';
import { loadRecipe, recipeNames } from '../../pipeline/load-recipe.js';
import type { Context } from '../context.js';
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
    .option('--seed <n>', 'of the choice of samples', positiveInteger, 1);
  withPreprocessing(withDataFormat(command))
    .addHelpText('after', '\nExample:\n  thimble explain model.h5 --data train.npz --recipe a8w8-equalized')
    .action(action(run));
};

async function run(context: Context, path: string, flags: Flags): Promise<void> {
  const model = await loadModel(path);
  const recipe = loadRecipe(flags.recipe);
  const { config } = findConfig(model.path, flags.config);
  const data = await openData(flags.data, flags, sampleShapeOf(model));
  const explanation = await explainModel(model, data, {
    recipe,
    calibration: flags.calibration,
    samples: flags.samples,
    seed: flags.seed,
    preprocessing: chosenPreprocessing(flags, config, model.graph.metadata?.preprocessing),
    onEvent: context.onEvent,
    signal: context.signal,
  });
  context.printJson({
    model: model.path,
    sha256: model.sha256,
    data: { name: data.name, sha256: data.sha256 },
    recipe,
    seed: flags.seed,
    ...explanation,
  });
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

const decibels = (sqnr: number): string => (Number.isFinite(sqnr) ? `${sqnr.toFixed(1)} dB` : 'exact');

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
