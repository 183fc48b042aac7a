import { basename } from 'node:path';
import { loadBoard } from '../../boards/load-board.js';
import { shapeText } from '../../core/tensor.js';
import { describeModel, type LayerDescription, type TensorDescription } from '../../pipeline/describe-model.js';
import { loadModel } from '../../pipeline/load-model.js';
import { checkFit } from '../../plan/check-fit.js';
import { memoryPicture } from '../../plan/memory-picture.js';
import { planMemory } from '../../plan/plan-memory.js';
import type { Context } from '../context.js';
import { bytesText, countText, tableText, usageBar } from '../table.js';
import type { Verb } from './index.js';

interface Options {
  readonly memory?: boolean;
  readonly board?: string;
}

export const inspect: Verb = (program, action) => {
  program
    .command('inspect')
    .argument('<model>', '.tflite, Keras .h5, or a TF.js model.json')
    .description('show layers, sizes, quantization and the memory plan of a model')
    .option('--memory', 'the arena as a picture: which tensor lives where, and when')
    .option('--board <board>', 'whether it fits this board')
    .addHelpText('after', '\nExample:\n  thimble inspect kws.tflite --memory --board pico')
    .action(action(run));
};

async function run(context: Context, path: string, options: Options): Promise<void> {
  const board = options.board === undefined ? undefined : loadBoard(options.board);
  const model = await loadModel(path);
  const description = describeModel(model.graph);
  const plan = model.kind === 'int8' ? planMemory(model.graph) : undefined;
  const weightBytes = description.layers.reduce((sum, layer) => sum + layer.weightBytes, 0);

  context.printJson({
    file: model.path,
    kind: model.kind,
    sha256: model.sha256,
    fileBytes: model.fileBytes,
    weightBytes: model.kind === 'int8' ? weightBytes : null,
    arenaBytes: plan?.arenaBytes ?? null,
    arenaLowerBoundBytes: plan?.lowerBoundBytes ?? null,
    remarks: model.graph.remarks ?? [],
    ...description,
  });
  context.print(`${context.colors.bold(basename(model.path))}  ${model.kind}, ${bytesText(model.fileBytes)}`);
  for (const tensor of description.inputs) context.print(`  in   ${tensorText(tensor)}`);
  for (const tensor of description.outputs) context.print(`  out  ${tensorText(tensor)}`);
  if (description.labels) context.print(`  labels  ${description.labels.join(', ')}`);
  context.print('');
  context.print(layerTable(description.layers, context));
  context.print('');
  context.print(`  ${countText(description.parameters)} parameters, ${countText(description.macs)} MACs an inference`);
  if (plan)
    context.print(
      `  weights and tables ${bytesText(weightBytes)}, arena ${bytesText(plan.arenaBytes)} (lower bound ${bytesText(plan.lowerBoundBytes)})`,
    );
  else context.print('  A float model: thimble compress makes an int8 one of it, which has a memory plan.');
  for (const remark of model.graph.remarks ?? []) context.print(`  ${remark}`);
  const unpinned = description.layers.filter((layer) => layer.unpinned !== null);
  for (const { name, op, unpinned: why } of unpinned) context.print(`  unpinned: "${name}" (${op}): ${why}`);
  if (plan && options.memory === true) context.print(`\n${memoryPicture(plan)}`);
  if (plan && board) {
    const fit = checkFit(plan, weightBytes, board);
    context.print(`\n  ${board.name}, weights and memory of the model without its code:`);
    context.print(`  flash ${usageBar(fit.flashBytes, fit.flashLimitBytes)}`);
    context.print(`  RAM   ${usageBar(fit.ramBytes, fit.ramLimitBytes)} (arena + stack)`);
  }
}

function layerTable(layers: readonly LayerDescription[], context: Context): string {
  return tableText(
    [
      { title: '#', align: 'right' },
      { title: 'layer' },
      { title: 'op' },
      { title: 'output' },
      { title: 'MACs', align: 'right' },
      { title: 'parameters', align: 'right' },
      { title: 'scale', align: 'right' },
      { title: 'zero_point', align: 'right' },
    ],
    layers.map((layer) => [
      String(layer.index),
      shortened(layer.name, 30),
      layer.op,
      shapeText(layer.outputShape),
      countText(layer.macs),
      countText(layer.parameters),
      layer.quant ? layer.quant.scale.toPrecision(5) : '',
      layer.quant ? String(layer.quant.zeroPoint) : '',
    ]),
    context.colors.dim,
  );
}

const tensorText = ({ name, shape, dtype, quant }: TensorDescription): string =>
  `${shortened(name, 40)} ${shapeText(shape)} ${dtype}${quant ? `, scale ${quant.scale.toPrecision(6)}, zero_point ${quant.zeroPoint}` : ''}`;

/** Converters name layers by long paths whose end tells most. */
const shortened = (name: string, columns: number): string =>
  name.length > columns ? `…${name.slice(1 - columns)}` : name;
