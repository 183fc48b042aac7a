/**
 * The emitted C of every single-operator golden model equals TensorFlow Lite Micro's bytes: as C99 and C++11 under
 * strict warnings, under sanitizers, and on emulated Cortex-M cores. All models share one program, as two of a person's
 * models would.
 */
import { describe, expect, it } from 'vitest';
import { emitCModel } from '../../src/emit/c-model.js';
import { ops } from '../../src/ops/index.js';
import { kernelText } from '../../src/pipeline/kernel-files.js';
import { CProgram, canRun, platforms } from '../emulated-core/c-program.js';
import { withoutShared } from '../shared-folder.js';
import { mismatches } from './check-answers.js';
import { type GoldenModel, goldenOps } from './golden-files.js';

/** What no kernel computes with; such a graph is refused. */
const wide: ReadonlySet<string> = new Set(['int32', 'int64']);
/** Operators that have no kernel for 16-bit activations yet. */
const only8: ReadonlySet<string> = new Set(['batch_matmul', 'leaky_relu', 'logistic', 'softmax', 'tanh']);

const AVR_MODELS = 40; // whose code and memory 256 KB of flash and 60 KB of RAM hold

describe.skipIf(withoutShared)('operators in C against golden bytes (needs ../shared)', () => {
  const { models: imported, refused } = withoutShared ? { models: [], refused: [] } : goldenOps();
  const isWide = ({ graph }: GoldenModel) =>
    [...graph.tensors.values()].some(
      ({ data, dtype }) => !data && (wide.has(dtype) || (dtype === 'int16' && only8.has(graph.nodes[0]!.op))),
    );
  const models = imported.filter((model) => !isWide(model));
  const programModels = models.map(({ graph }, i) => ({ name: `op${i}`, graph }));

  it('covers every operator that is not marked unpinned', () => {
    const covered = new Set(models.flatMap(({ graph }) => graph.nodes.map(({ op }) => op)));
    expect(ops.filter((op) => !covered.has(op.name) && op.unpinned === undefined).map(({ name }) => name)).toEqual([]);
  });

  it('only leaves out what Thimble does not do: other operators, several samples at once, uint8', () => {
    const known = new Set(ops.map(({ name }) => name));
    const ours = refused.filter(({ name }) => known.has(name.split('/')[0]!));
    expect(ours.map(({ name }) => name).sort()).toEqual([
      'conv_2d/k3x3_batch2_relu6_pc',
      'depthwise_conv_2d/k3x3_batch2_relu_pc',
      'quantize/i8_u8',
    ]);
  });

  it.each(imported.filter(isWide).map((model) => [model.name, model] as const))(
    'refuses %s by name',
    (_, { graph }) => {
      const emit = () =>
        emitCModel(graph, { name: 'x', target: 'generic', kernelText, modelSha256: '', version: 'test' });
      expect(emit).toThrow(expect.objectContaining({ code: 'E_QUANT' }));
    },
  );

  for (const [name, platform] of Object.entries(platforms))
    it.skipIf(!canRun(platform))(
      `is equal on ${name} (needs ${platform.compiler}${'machine' in platform ? ` and ${platform.machine.emulator}` : ''})`,
      { timeout: 300_000 },
      () => {
        // All in one program, as two of a person's models would be; an ATmega2560 holds a part of them at a time.
        const atOnce = name === 'avr' ? AVR_MODELS : models.length;
        let compared = 0;
        for (let from = 0; from < models.length; from += atOnce) {
          const program = new CProgram(programModels.slice(from, from + atOnce), platform);
          try {
            const { faults, bytes } = mismatches(program, models.slice(from, from + atOnce));
            expect(faults).toEqual([]);
            compared += bytes;
          } finally {
            program.close();
          }
        }
        expect(compared).toBeGreaterThan(40_000);
      },
    );
});
