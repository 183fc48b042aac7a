/**
 * The emitted C on emulated cores, as `thimble bench` measures it: instructions (QEMU -icount; exact, and no time), RAM and
 * flash of the model alone. Beside it, TensorFlow Lite Micro with CMSIS-NN.
 */
import { statSync } from 'node:fs';
import { canRun, type EmulatedCore, emulatedCores } from '../../src/engines/core-program.js';
import { benchOnCore } from '../../src/pipeline/bench-core.js';
import { optimizations } from '../../src/plan/choose-implementations.js';
import { goldenModel, goldenModelNames } from '../../tests/conformance/golden-files.js';
import { sharedPath, withoutShared } from '../../tests/shared-folder.js';
import type { Row } from './row.js';
import { tflmCmsisNn } from './tflm-cmsis-nn.js';

const cores = ['cortex-m0plus', 'cortex-m4', 'cortex-m55', 'rv32imc'] as const;

export function benchEmittedC(): readonly Row[] {
  if (withoutShared) return [{ skipped: 'needs ../shared' }];
  return cores.flatMap((core): readonly Row[] =>
    canRun(emulatedCores[core])
      ? goldenModelNames.flatMap((name) => [...rowsOf(core, name), ...publishedRow(core, name)])
      : [
          {
            core,
            engine: `skipped: needs ${emulatedCores[core].compiler} and ${emulatedCores[core].machine.emulator}`,
          },
        ],
  );
}

function rowsOf(core: EmulatedCore, name: (typeof goldenModelNames)[number]): readonly Row[] {
  const { graph, runs } = goldenModel(name);
  const model = { graph, path: `${name}.tflite`, sha256: '', bytes: new Uint8Array() };
  const inputs = runs.map((run) => run.inputs.map((bytes) => Int8Array.from(bytes)));
  const variants = [...optimizations.map((optimize) => ({ optimize, label: optimize })), portable];
  return variants.map(({ label, ...options }) => {
    const result = benchOnCore(model, { core, inputs, ...options });
    return {
      core,
      model: name,
      engine: `Thimble, ${label}`,
      instructions: result.instructions,
      'flash: code': result.flash.codeBytes,
      'flash: model': result.flash.weightBytes,
      'flash: sum': result.flash.totalBytes,
      RAM: result.ram.totalBytes - result.ram.stackBytes,
      stack: result.ram.stackBytes,
      'bit-exact': String(result.bitExact),
    };
  });
}

const portable = {
  optimize: 'balanced' as const,
  label: 'plain C',
  accept: ({ variant }: { variant: string }) => variant.startsWith('portable'),
};

/** The same columns; the engine reads the .tflite where it lies, so that this file is its model. None for RV32. */
function publishedRow(core: (typeof cores)[number], name: (typeof goldenModelNames)[number]): readonly Row[] {
  if (core === 'rv32imc') return [];
  const { instructions, codeBytes, staticRamBytes, stackBytes } = tflmCmsisNn[name];
  const model = statSync(sharedPath(`models/${name}.tflite`)).size;
  const row = {
    core,
    model: name,
    engine: 'TFLM + CMSIS-NN *',
    instructions: instructions[core],
    'flash: code': codeBytes[core],
    'flash: model': model,
    'flash: sum': codeBytes[core] + model,
    ...(core === 'cortex-m4' && { RAM: staticRamBytes, stack: stackBytes }),
  };
  return [row];
}
