import { basename } from 'node:path';
import { Option } from 'commander';
import { ThimbleError } from '../../core/errors.js';
import { type EmulatedCore, emulatedCores } from '../../engines/core-program.js';
import { benchOnCore, type CoreBench } from '../../pipeline/bench-core.js';
import { loadModel, requireInt8 } from '../../pipeline/load-model.js';
import type { Context } from '../context.js';
import { type KernelFlags, kernelOptions, withKernelChoice } from '../options.js';
import { bytesText, countText, tableText } from '../table.js';
import type { Verb } from './index.js';

interface Flags extends KernelFlags {
  readonly core: EmulatedCore;
}

export const bench: Verb = (program, action) => {
  const command = program
    .command('bench')
    .argument('<model>', 'an int8 .tflite')
    .description('count what one inference takes on an emulated core: instructions by layer, flash, RAM, bit-exactness')
    .addOption(
      new Option('--core <core>', 'core to emulate').choices(Object.keys(emulatedCores)).makeOptionMandatory(),
    );
  withKernelChoice(command)
    .addHelpText('after', '\nExample:\n  thimble bench kws.tflite --core cortex-m4 --optimize speed')
    .action(action(run));
};

async function run(context: Context, path: string, flags: Flags): Promise<void> {
  const model = await loadModel(path);
  requireInt8(model, 'bench');
  const result = benchOnCore(model, { ...kernelOptions(flags), core: flags.core, onEvent: context.onEvent });
  context.printJson({ model: model.path, sha256: model.sha256, ...result });
  context.print(`${context.colors.bold(basename(path))} on an emulated ${result.core}, kernels for ${result.optimize}`);
  context.print('');
  context.print(layerTable(result, context));
  context.print('');
  context.print(summary(result));
  if (!result.bitExact)
    throw new ThimbleError(
      'E_VERIFY_MISMATCH',
      `the core computes something else than the reference: ${result.firstDifference}`,
      'This is a fault of Thimble: report it with the model.',
    );
}

function layerTable({ layers, instructions, macs }: CoreBench, context: Context): string {
  const perMac = (count: number, of: number): string => (of > 0 ? (count / of).toFixed(2) : '');
  const row = (cells: readonly string[]): readonly string[] => cells;
  const inLayers = layers.reduce((sum, layer) => sum + layer.instructions, 0);
  return tableText(
    [
      { title: '#', align: 'right' },
      { title: 'op' },
      { title: 'kernel' },
      { title: 'output' },
      { title: 'MACs', align: 'right' },
      { title: 'instructions', align: 'right' },
      { title: 'per MAC', align: 'right' },
      { title: 'predicted', align: 'right' },
    ],
    [
      ...layers.map((layer) =>
        row([
          String(layer.index),
          layer.op,
          layer.kernel,
          layer.output,
          layer.macs > 0 ? countText(layer.macs) : '',
          countText(layer.instructions),
          perMac(layer.instructions, layer.macs),
          countText(layer.predicted),
        ]),
      ),
      row(['', 'input, output, calls', '', '', '', countText(Math.max(0, instructions - inLayers)), '', '']),
      row(['', 'sum', '', '', countText(macs), countText(instructions), perMac(instructions, macs), '']),
    ],
    context.colors.dim,
  );
}

const summary = ({ flash, ram, inputs, bitExact }: CoreBench): string =>
  [
    `  flash  ${bytesText(flash.totalBytes)}: weights and tables ${bytesText(flash.weightBytes)}, code ${bytesText(flash.codeBytes)}`,
    `  RAM    ${bytesText(ram.totalBytes)}: arena ${bytesText(ram.arenaBytes)}, static ${bytesText(ram.staticBytes)}, stack ${bytesText(ram.stackBytes)}`,
    `  ${bitExact ? 'bit-exact: every layer and output equals the reference' : 'NOT bit-exact'}, ${inputs} inputs, the worst counts`,
    '  Instructions of an emulator compare code on one core; they are no time.',
  ].join('\n');
