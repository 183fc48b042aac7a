import { basename } from 'node:path';
import { loadBoard } from '../../boards/load-board.js';
import { shapeText } from '../../core/tensor.js';
import { describeModel, type LayerDescription, type TensorDescription } from '../../pipeline/describe-model.js';
import { type BoardEstimate, emittedReport, estimateOnBoard } from '../../pipeline/estimate-on-board.js';
import { loadModel } from '../../pipeline/load-model.js';
import { memoryPicture } from '../../plan/memory-picture.js';
import type { Context } from '../context.js';
import { type KernelFlags, withOptimize } from '../options.js';
import { latencyText } from '../reading-text.js';
import { bytesText, countText, tableText, usageBar } from '../table.js';
import type { Verb } from './index.js';

interface Options extends Pick<KernelFlags, 'optimize'> {
  readonly memory?: boolean;
  readonly board?: string;
}

export const inspect: Verb = (program, action) => {
  const command = program
    .command('inspect')
    .argument('<model>', '.tflite, Keras .h5, or a TF.js model.json')
    .description('show layers, sizes, quantization and the memory plan of a model')
    .option('--memory', 'the arena as a picture: which tensor lives where, and when')
    .option('--board <board>', 'whether it fits this board, and an estimate of its latency there');
  withOptimize(command)
    .addHelpText('after', '\nExample:\n  thimble inspect kws.tflite --memory --board pico')
    .action(action(run));
};

async function run(context: Context, path: string, options: Options): Promise<void> {
  const board = options.board === undefined ? undefined : loadBoard(options.board);
  const model = await loadModel(path);
  const description = describeModel(model.graph);
  const report = model.kind === 'int8' ? emittedReport(model, board, options.optimize) : undefined;
  const plan = report?.plan;
  const estimate = report && board ? estimateOnBoard(report, board, options.optimize) : undefined;

  context.printJson({
    file: model.path,
    kind: model.kind,
    sha256: model.sha256,
    fileBytes: model.fileBytes,
    weightBytes: report?.weightBytes ?? null,
    arenaBytes: report?.arenaBytes ?? null,
    arenaLowerBoundBytes: plan?.lowerBoundBytes ?? null,
    stateBytes: plan?.stateBytes ?? null,
    remarks: model.graph.remarks ?? [],
    ...description,
    ...(estimate && { board: estimate }),
  });
  context.print(`${context.colors.bold(basename(model.path))}  ${model.kind}, ${bytesText(model.fileBytes)}`);
  for (const tensor of description.inputs) context.print(`  in   ${tensorText(tensor)}`);
  for (const tensor of description.outputs) context.print(`  out  ${tensorText(tensor)}`);
  if (description.labels) context.print(`  labels  ${description.labels.join(', ')}`);
  context.print('');
  context.print(layerTable(description.layers, estimate, context));
  context.print('');
  context.print(`  ${countText(description.parameters)} parameters, ${countText(description.macs)} MACs an inference`);
  if (report && plan)
    context.print(
      `  weights and tables ${bytesText(report.weightBytes)}, arena ${bytesText(plan.arenaBytes)} (lower bound ${bytesText(plan.lowerBoundBytes)})${plan.stateBytes > 0 ? `, state ${bytesText(plan.stateBytes)}` : ''}`,
    );
  else context.print('  A float model: thimble compress makes an int8 one of it, which has a memory plan.');
  for (const remark of model.graph.remarks ?? []) context.print(`  ${remark}`);
  const unpinned = description.layers.filter((layer) => layer.unpinned !== null);
  for (const { name, op, unpinned: why } of unpinned) context.print(`  unpinned: "${name}" (${op}): ${why}`);
  if (plan && options.memory === true) context.print(`\n${memoryPicture(plan)}`);
  if (estimate && board) context.print(`\n${boardText(estimate, board.name)}`);
}

function boardText({ fit, latency, optimize }: BoardEstimate, boardName: string): string {
  const time = (value: number): string => latencyText({ value, unit: 'us' });
  const { value, low, high, basis } = latency.cyclesPerInstruction;
  const cycles = low === high ? value.toFixed(2) : `${value.toFixed(2)} (${low.toFixed(2)} … ${high.toFixed(2)})`;
  return [
    `  ${boardName}, kernels for ${optimize}; weights, tables and memory of the model without its code:`,
    `  flash ${usageBar(fit.flashBytes, fit.flashLimitBytes)}`,
    `  RAM   ${usageBar(fit.ramBytes, fit.ramLimitBytes)} (arena + stack)`,
    `  latency about ${time(latency.us)}, between ${time(latency.lowUs)} and ${time(latency.highUs)}: an estimate, not measured`,
    `    ${countText(latency.instructions)} instructions predicted from a cost table, each ${cycles} cycles, ${basis}`,
  ].join('\n');
}

function layerTable(
  layers: readonly LayerDescription[],
  estimate: BoardEstimate | undefined,
  context: Context,
): string {
  const mixed = layers.some(({ outputType }) => outputType === 'int16');
  return tableText(
    [
      { title: '#', align: 'right' },
      { title: 'layer' },
      { title: 'op' },
      { title: 'output' },
      ...(mixed ? [{ title: 'type' }] : []),
      { title: 'MACs', align: 'right' },
      { title: 'parameters', align: 'right' },
      { title: 'scale', align: 'right' },
      { title: 'zero_point', align: 'right' },
      ...(estimate ? [{ title: 'kernel' }, { title: 'instructions', align: 'right' as const }] : []),
    ],
    layers.map((layer) => [
      String(layer.index),
      shortened(layer.name, 30),
      layer.op,
      shapeText(layer.outputShape),
      ...(mixed ? [layer.outputType] : []),
      countText(layer.macs),
      countText(layer.parameters),
      layer.quant ? layer.quant.scale.toPrecision(5) : '',
      layer.quant ? String(layer.quant.zeroPoint) : '',
      ...(estimate ? kernelCells(estimate, layer.index) : []),
    ]),
    context.colors.dim,
  );
}

function kernelCells({ layers }: BoardEstimate, index: number): readonly string[] {
  const { variant, instructions } = layers[index]!;
  return [variant, countText(instructions)];
}

const tensorText = ({ name, shape, dtype, quant }: TensorDescription): string =>
  `${shortened(name, 40)} ${shapeText(shape)} ${dtype}${quant ? `, scale ${quant.scale.toPrecision(6)}, zero_point ${quant.zeroPoint}` : ''}`;

/** Converters name layers by long paths whose end tells most. */
const shortened = (name: string, columns: number): string =>
  name.length > columns ? `…${name.slice(1 - columns)}` : name;
