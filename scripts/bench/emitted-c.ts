/**
 * The emitted C on emulated cores: instructions (QEMU -icount; exact, and no time), RAM and flash of the whole model.
 * `npx tsx scripts/bench/emitted-c.ts`; the models lie in ../shared.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { goldenModel, goldenModelNames } from '../../tests/conformance/golden-files.js';
import { CProgram, canRun, instructionsOf, type Platform, platforms } from '../../tests/emulated-core/c-program.js';
import { withoutShared } from '../../tests/shared-folder.js';

interface Sizes {
  readonly flash: number; // code, constants and initial values
  readonly ram: number; // .data and .bss
}

/** All allocated sections of a linked program. */
function sizesOf(program: CProgram): Sizes {
  const text = execFileSync('arm-none-eabi-size', ['-A', join(program.folder, 'program')], { encoding: 'utf8' });
  const section = (name: string): number => Number(new RegExp(`^\\${name}\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
  return {
    flash: section('.text') + section('.ARM.exidx') + section('.data'),
    ram: section('.data') + section('.bss'),
  };
}

function measure(platform: Platform): void {
  const empty = new CProgram([], platform, { hooks: false });
  const base = sizesOf(empty); // start-up and the harness
  empty.close();
  for (const name of goldenModelNames) {
    const { graph, runs } = goldenModel(name);
    const program = new CProgram([{ name: 'model', graph }], platform, { hooks: false });
    const answers = program.run(runs.slice(0, 3).map(({ inputs }) => ({ model: 0, inputs })));
    const sizes = sizesOf(program);
    program.close();
    const cells = [
      name.padEnd(24),
      Math.max(...answers.map(({ ticks }) => instructionsOf(ticks))),
      sizes.flash - base.flash,
      sizes.ram - base.ram,
      Math.max(...answers.map(({ stackBytes }) => stackBytes)),
    ];
    console.log(
      cells.map((cell) => (typeof cell === 'number' ? cell.toLocaleString('en-US').padStart(14) : cell)).join(''),
    );
  }
}

if (withoutShared) console.log('needs ../shared');
else
  for (const core of ['cortex-m0plus', 'cortex-m4'] as const) {
    if (!canRun(platforms[core])) {
      console.log(`${core}: needs arm-none-eabi-gcc and qemu-system-arm`);
      continue;
    }
    console.log(`${core}, gcc -O2, worst of three inputs: instructions, flash, static RAM and stack in bytes`);
    measure(platforms[core]);
  }
