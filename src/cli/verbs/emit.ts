import { basename } from 'node:path';
import { Option } from 'commander';
import { loadBoard } from '../../boards/load-board.js';
import { type Core, cores } from '../../core/board-spec.js';
import { emitToFolder } from '../../pipeline/emit-model.js';
import { loadModel, requireInt8 } from '../../pipeline/load-model.js';
import type { Context } from '../context.js';
import { type KernelFlags, kernelOptions, withKernelChoice } from '../options.js';
import { bytesText } from '../table.js';
import type { Verb } from './index.js';

interface Options extends KernelFlags {
  readonly target?: Core;
  readonly board?: string;
  readonly name?: string;
  readonly as: 'c-model' | 'c-array';
  readonly output: string;
}

export const emit: Verb = (program, action) => {
  const command = program
    .command('emit')
    .argument('<model>', 'an int8 .tflite')
    .description('write the model as C: a whole C99 model, or the .tflite as a C array for TensorFlow Lite Micro')
    .addOption(
      new Option('--target <core>', 'core that the code is for (default: the board’s, or generic)').choices([...cores]),
    )
    .option('--board <board>', 'board that it is for: its core, and a static assertion that the arena fits')
    .option('--name <name>', 'prefix of every file, symbol and macro (default: from the file’s name)')
    .addOption(
      new Option('--as <form>', 'c-model, or c-array with its op list for TFLM')
        .choices(['c-model', 'c-array'])
        .default('c-model'),
    )
    .requiredOption('-o, --output <folder>', 'folder to write; what an earlier emit wrote there is replaced');
  withKernelChoice(command)
    .addHelpText(
      'after',
      '\nExample:\n  thimble emit kws.tflite --target cortex-m4 --name kws -o kws\n  cc -std=c99 -O2 -I kws -c kws/*.c',
    )
    .action(action(run));
};

async function run(context: Context, path: string, options: Options): Promise<void> {
  const board = options.board === undefined ? undefined : loadBoard(options.board);
  const model = await loadModel(path);
  requireInt8(model, 'emit');
  const emitted = emitToFolder(model, options.output, {
    as: options.as,
    name: options.name,
    target: options.target,
    board,
    ...kernelOptions(options),
  });
  context.printJson({ folder: options.output, ...emitted });
  context.print(`${context.colors.bold(options.output)}  ${emitted.files.length} files from ${basename(model.path)}`);
  for (const file of emitted.files) context.print(`  ${file}`);
  if (emitted.arenaBytes !== null)
    context.print(
      `  arena ${bytesText(emitted.arenaBytes)} (lower bound ${bytesText(emitted.arenaLowerBoundBytes ?? 0)}), weights and tables ${bytesText(emitted.weightBytes ?? 0)}`,
    );
  if (emitted.kernels) context.print(`  kernels, ${options.optimize}: ${kernelCounts(emitted.kernels)}`);
}

/** 'portable 3, dsp 9' */
function kernelCounts(kernels: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const kernel of kernels) counts.set(kernel, (counts.get(kernel) ?? 0) + 1);
  return [...counts].map(([kernel, count]) => `${kernel} ${count}`).join(', ');
}
