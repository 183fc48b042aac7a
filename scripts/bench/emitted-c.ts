/**
 * The emitted C on emulated cores: instructions (QEMU -icount; exact, and no time), RAM and flash of the model alone,
 * what start-up and harness take being subtracted. Beside it, TensorFlow Lite Micro with CMSIS-NN.
 */
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { goldenModel, goldenModelNames } from '../../tests/conformance/golden-files.js';
import {
  CProgram,
  canRun,
  instructionsOf,
  type Platform,
  type ProgramModel,
  platforms,
} from '../../tests/emulated-core/c-program.js';
import { sharedPath, withoutShared } from '../../tests/shared-folder.js';
import type { Row } from './row.js';
import { tflmCmsisNn } from './tflm-cmsis-nn.js';

interface Sizes {
  readonly flash: number; // code, constants and initial values
  readonly constants: number; // of them the model's arrays: weights, biases, multipliers, tables
  readonly ram: number; // .data and .bss
}

/** All allocated sections of a linked program, and the arrays among them. */
function sizesOf(program: CProgram): Sizes {
  const tool = (name: string, flags: string): string =>
    execFileSync(`arm-none-eabi-${name}`, [flags, join(program.folder, 'program')], { encoding: 'utf8' });
  const sections = tool('size', '-A');
  const section = (name: string): number => Number(new RegExp(`^\\${name}\\s+(\\d+)`, 'm').exec(sections)?.[1] ?? 0);
  const arrays = [...tool('readelf', '-sW').matchAll(/^\s*\d+: 0[0-9a-f]{7}\s+(\d+) OBJECT .* model_\w+$/gm)];
  return {
    flash: section('.text') + section('.ARM.exidx') + section('.data'),
    constants: arrays.reduce((sum, [, bytes]) => sum + Number(bytes), 0),
    ram: section('.data') + section('.bss'),
  };
}

const inProgram = <T>(models: readonly ProgramModel[], platform: Platform, use: (program: CProgram) => T): T => {
  const program = new CProgram(models, platform, { hooks: false });
  try {
    return use(program);
  } finally {
    program.close();
  }
};

const cores = ['cortex-m0plus', 'cortex-m4'] as const;

export function benchEmittedC(): readonly Row[] {
  if (withoutShared) return [{ skipped: 'needs ../shared' }];
  return cores.flatMap((core): readonly Row[] =>
    canRun(platforms[core]) ? rowsOf(core) : [{ core, engine: 'skipped: needs arm-none-eabi-gcc and qemu-system-arm' }],
  );
}

function rowsOf(core: (typeof cores)[number]): readonly Row[] {
  const platform = platforms[core];
  const base = inProgram([], platform, sizesOf); // start-up and the harness
  return goldenModelNames.flatMap((name) => {
    const { graph, runs } = goldenModel(name);
    return inProgram([{ name: 'model', graph }], platform, (program) => {
      const answers = program.run(runs.slice(0, 3).map(({ inputs }) => ({ model: 0, inputs })));
      const sizes = sizesOf(program);
      const flash = sizes.flash - base.flash;
      const thimble: Row = {
        core,
        model: name,
        engine: 'Thimble, plain C',
        instructions: Math.max(...answers.map(({ ticks }) => instructionsOf(ticks))),
        'flash: code': flash - sizes.constants,
        'flash: model': sizes.constants,
        'flash: sum': flash,
        'static RAM': sizes.ram - base.ram,
        stack: Math.max(...answers.map(({ stackBytes }) => stackBytes)),
      };
      return [thimble, publishedRow(core, name)];
    });
  });
}

/** The same columns; the engine reads the .tflite where it lies, so that this file is its model. */
function publishedRow(core: (typeof cores)[number], name: (typeof goldenModelNames)[number]): Row {
  const { instructions, codeBytes, staticRamBytes, stackBytes } = tflmCmsisNn[name];
  const model = statSync(sharedPath(`models/${name}.tflite`)).size;
  return {
    core,
    model: name,
    engine: 'TFLM + CMSIS-NN *',
    instructions: instructions[core],
    'flash: code': codeBytes[core],
    'flash: model': model,
    'flash: sum': codeBytes[core] + model,
    ...(core === 'cortex-m4' && { 'static RAM': staticRamBytes, stack: stackBytes }),
  };
}
