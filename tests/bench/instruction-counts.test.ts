/**
 * The emitted C must not become slower or larger unnoticed: instructions, flash and RAM of the published networks on the
 * emulated cores, to within 1 % of what was measured when these figures were written down. Counts depend on the compiler:
 * another gcc skips this file. A change for the better is written down here, too, and in docs/benchmarks.md.
 */
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { canRun, type EmulatedCore, emulatedCores, hasTool } from '../../src/engines/core-program.js';
import { benchOnCore } from '../../src/pipeline/bench-core.js';
import type { Optimize } from '../../src/plan/choose-implementations.js';
import { PREDICTION_ERROR } from '../../src/plan/estimate-latency.js';
import { goldenModel, type goldenModelNames } from '../conformance/golden-files.js';
import { withoutShared } from '../shared-folder.js';

type Figures = readonly [instructions: number, flashBytes: number, ramAndStackBytes: number];

const measured: readonly (readonly [EmulatedCore, (typeof goldenModelNames)[number], Optimize, Figures])[] = [
  ['cortex-m4', 'hello_world_int8', 'speed', [761, 2_034, 100]],
  ['cortex-m4', 'kws_ref_model', 'speed', [2_907_885, 58_430, 8_916]],
  ['cortex-m4', 'kws_ref_model', 'balanced', [3_314_802, 39_810, 8_916]],
  ['cortex-m4', 'pretrainedResnet_quant', 'speed', [11_045_312, 174_946, 36_216]],
  ['cortex-m4', 'pretrainedResnet_quant', 'balanced', [12_167_416, 104_678, 36_232]],
  ['cortex-m0plus', 'hello_world_int8', 'speed', [2_505, 1_910, 148]],
  ['cortex-m0plus', 'kws_ref_model', 'speed', [10_891_833, 33_058, 9_732]],
  ['cortex-m0plus', 'pretrainedResnet_quant', 'speed', [44_936_544, 93_986, 36_828]],
  ['avr', 'hello_world_int8', 'balanced', [15_875, 1_774, 89]], // cycles
  ['avr', 'kws_ref_model', 'balanced', [60_993_775, 36_486, 9_156]],
  ['rv32imc', 'hello_world_int8', 'speed', [1_865, 1_612, 116]],
  ['rv32imc', 'kws_ref_model', 'speed', [10_399_470, 32_220, 9_780]],
  ['rv32imc', 'pretrainedResnet_quant', 'speed', [49_562_376, 92_620, 36_772]],
  ['cortex-m55', 'hello_world_int8', 'speed', [315, 1_850, 88]],
  ['cortex-m55', 'kws_ref_model', 'speed', [887_587, 34_346, 8_832]],
  ['cortex-m55', 'pretrainedResnet_quant', 'speed', [2_582_526, 91_802, 34_752]],
];
const TOLERANCE = 0.01;

/** The version of a core's gcc; another one counts otherwise. */
const versionOf = (compiler: string): string =>
  hasTool(compiler) ? execFileSync(compiler, ['-dumpversion'], { encoding: 'utf8' }).trim() : 'none';
const versions = new Map(Object.values(emulatedCores).map(({ compiler }) => [compiler, versionOf(compiler)]));

const countedWith = (core: EmulatedCore): string => (core === 'avr' ? '5.4' : '12.2');

describe.skipIf(withoutShared)('figures (needs ../shared)', () => {
  for (const [core, name, optimize, figures] of measured)
    it.skipIf(!versions.get(emulatedCores[core].compiler)!.startsWith(countedWith(core)))(
      `${core}, ${name} for ${optimize} (needs ${emulatedCores[core].compiler} ${countedWith(core)})`,
      () => {
        expect(canRun(emulatedCores[core]), emulatedCores[core].machine.emulator).toBe(true);
        const { graph, runs } = goldenModel(name);
        const inputs = runs.slice(0, 3).map((run) => run.inputs.map((bytes) => Int8Array.from(bytes)));
        const model = { graph, path: `${name}.tflite`, sha256: '', bytes: new Uint8Array() };
        const { instructions, flash, ram, bitExact, layers } = benchOnCore(model, { core, optimize, inputs });
        expect(bitExact).toBe(true);
        const now: Figures = [instructions, flash.totalBytes, ram.totalBytes];
        const worse = now.filter((value, i) => Math.abs(value - figures[i]!) > TOLERANCE * figures[i]!);
        expect(worse.length === 0 ? figures : now).toEqual(figures);
        const predicted = layers.reduce((sum, layer) => sum + layer.predicted, 0);
        expect(Math.abs(predicted / instructions - 1), `${predicted} predicted`).toBeLessThanOrEqual(PREDICTION_ERROR);
      },
    );
});
