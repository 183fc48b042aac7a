import { basename } from 'node:path';
import { loadBoard } from '../../boards/load-board.js';
import { type BoardUse, type Built, build as buildModel, defaultProjectFolder } from '../../pipeline/build.js';
import { loadModel, requireInt8 } from '../../pipeline/load-model.js';
import { type BenchmarkFlags, type KernelFlags, kernelOptions, withKernelChoice, withMlperfId } from '../options.js';
import { bytesText, usageBar } from '../table.js';
import type { Verb } from './index.js';

interface Flags extends KernelFlags, BenchmarkFlags {
  readonly board: string;
  readonly template?: string;
  readonly output?: string;
  readonly name?: string;
  readonly hooks: boolean;
}

export const build: Verb = (program, action) => {
  const command = program
    .command('build')
    .argument('<model>', 'an int8 .tflite')
    .description('build the firmware of a board around a model')
    .requiredOption('--board <board>', 'see thimble boards')
    .option('--template <name>', 'arduino, platformio, esp-idf, pico-sdk, zephyr … (default: the board’s)')
    .option('-o, --output <folder>', 'project folder (default: .thimble/MODEL-BOARD)')
    .option('--name <name>', 'of the C model (default: from the file’s name)')
    .option('--no-hooks', 'leave the per-layer readings out');
  withMlperfId(withKernelChoice(command))
    .addHelpText('after', '\nExample:\n  thimble build small/model.tflite --board pico')
    .action(
      action(async (context, path: string, flags: Flags) => {
        const board = loadBoard(flags.board);
        const model = await loadModel(path);
        requireInt8(model, 'build');
        const { onEvent, signal } = context;
        const folder = flags.output ?? defaultProjectFolder(model, board);
        const built = await buildModel(model, {
          board,
          folder,
          name: flags.name,
          template: flags.template,
          hooks: flags.hooks,
          mlperfId: flags.mlperfId,
          ...kernelOptions(flags),
          onEvent,
          signal,
        });
        const file = built.image && (built.image.uf2 ?? built.image.executable);
        context.printJson({ ...built, board: board.id, folder, image: file });
        context.print(`${context.colors.bold(basename(path))} for ${board.name}: ${file ?? folder}`);
        context.print(built.image ? useText(built.use, built.template) : renderedText(built));
        if (built.kept.length > 0) context.print(`  left as you wrote it: ${built.kept.join(', ')}`);
        context.print(`  arena ${bytesText(built.arenaBytes)}, weights and tables ${bytesText(built.weightBytes)}`);
      }),
    );
};

/** A project whose toolchain is not here: what to type, the next line first. */
const renderedText = ({ template, files, next }: Built): string =>
  `  rendered as ${/^[aeiou]/.test(template) ? 'an' : 'a'} ${template} project of ${files.length} files, not built: its toolchain is not installed here; next:\n${next.map((line) => `    ${line}`).join('\n')}`;

/** Flash and RAM as bars; shown before anything is flashed. */
export const useText = (use: BoardUse | null, template: string): string =>
  use === null
    ? template === 'host'
      ? '  a program of this computer: no flash, no fixed RAM'
      : '  flash and RAM: see what the toolchain says'
    : `  flash ${usageBar(use.flashBytes, use.flashLimitBytes)}\n  RAM   ${usageBar(use.ramBytes, use.ramLimitBytes)} (variables + reserved stack)`;
