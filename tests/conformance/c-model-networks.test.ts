/** Whole networks in C: every layer and all golden inputs, on this computer and on emulated cores. */
import { describe, expect, it } from 'vitest';
import { CProgram, canRun, platforms } from '../emulated-core/c-program.js';
import { withoutShared } from '../shared-folder.js';
import { mismatches } from './check-answers.js';
import { type GoldenModel, goldenModel, goldenModelNames } from './golden-files.js';

describe.skipIf(withoutShared)('networks in C against golden bytes (needs ../shared)', () => {
  const models = withoutShared ? [] : goldenModelNames.map(goldenModel);
  const limited = (limits: Readonly<Record<string, number>>): GoldenModel[] =>
    models.map((model) => ({ ...model, runs: model.runs.slice(0, limits[model.name]!) }));

  const suites = ['gcc', 'sanitizers', 'cplusplus', 'cortex-m0plus', 'cortex-m4', 'rv32imc'] as const;
  it.skipIf(!canRun(platforms.gcc))('notices arithmetic that is wrong by one rounding (needs gcc)', () => {
    const edit = (path: string, text: string): string =>
      path.endsWith('_fixed_point.h') ? text.replaceAll('(x < 0 ? 1 : 0)', '0') : text;
    const chosen = limited({ hello_world_int8: 0, kws_ref_model: 3, pretrainedResnet_quant: 3 });
    const program = new CProgram(
      chosen.map(({ graph }, i) => ({ name: `net${i}`, graph })),
      platforms.gcc,
      { edit },
    );
    const { faults } = mismatches(program, chosen);
    program.close();
    expect(faults.length).toBeGreaterThanOrEqual(6);
  });

  for (const name of suites) {
    const platform = platforms[name];
    it.skipIf(!canRun(platform))(
      `is equal on ${name} (needs ${platform.compiler}${'machine' in platform ? ` and ${platform.machine.emulator}` : ''})`,
      { timeout: 900_000 },
      () => {
        const program = new CProgram(
          models.map(({ graph }, i) => ({ name: `net${i}`, graph })),
          platform,
        );
        try {
          const { faults, bytes } = mismatches(program, models);
          expect(faults).toEqual([]);
          expect(bytes).toBeGreaterThan(800_000);
        } finally {
          program.close();
        }
      },
    );
  }
});
