/**
 * Kernels of every core under the warnings of careful projects, as errors, at every optimization level that firmware is
 * built with, as C99 and as C++11: inline assembly and intrinsics too, on the compiler that is theirs.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Core } from '../../src/core/board-spec.js';
import { emitCModel } from '../../src/emit/c-model.js';
import { kernelText } from '../../src/pipeline/kernel-files.js';
import { chooseImplementations } from '../../src/plan/choose-implementations.js';
import { hasTool, strictFlags } from '../emulated-core/c-program.js';
import { graphOf, type Layer, layerNode } from '../unit/ops/weighted-layer.js';
import { encodedLayers, randomLayers } from './random-layers.js';

const folder = mkdtempSync(join(tmpdir(), 'thimble-strict-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** With 16-bit activations. */
const wide = ({ inputZeroPoint: _, outputZeroPoint: __, ...layer }: Layer): Layer => ({ ...layer, wide: 'int64' });

const graphs = [...randomLayers(24), ...encodedLayers(8), ...randomLayers(9).map(wide)].flatMap((layer, seed) => {
  const graph = graphOf(layer.op, layerNode(layer, seed + 1));
  return [graph, { ...graph, outputs: ['y', 'x'] }]; // over its input, and apart from it
});

/** One file that holds a model of every variant of the core, under both objectives that differ most. */
function allVariants(core: Core): { file: string; variants: ReadonlySet<string> } {
  const variants = new Set<string>();
  const includes: string[] = [];
  for (const optimize of ['speed', 'flash'] as const)
    graphs.forEach((graph, i) => {
      const { variant } = chooseImplementations(graph, core, { optimize }).implementations[0]!;
      const width = graph.tensors.get('y')!.dtype;
      const shape = `${optimize}-${graph.nodes[0]!.op}-${width}-${variant}-${graph.outputs.length}`;
      if (variants.has(shape)) return;
      variants.add(shape);
      const name = `${optimize}_${i}`;
      const { files } = emitCModel(graph, {
        name,
        target: core,
        kernelText,
        modelSha256: '',
        version: 'test',
        optimize,
      });
      for (const { path, content } of files) {
        mkdirSync(dirname(join(folder, core, path)), { recursive: true });
        writeFileSync(join(folder, core, path), content);
      }
      includes.push(`#include "${name}.c"\n`);
    });
  const file = join(folder, core, 'all.c');
  writeFileSync(file, includes.join(''));
  return { file, variants };
}

const hard = '-mfloat-abi=hard';
const riscv = ['-march=rv32imc', '-mabi=ilp32'];
const cores: Readonly<Partial<Record<Core, { prefix?: string; flags: readonly string[]; variant: RegExp }>>> = {
  'cortex-m0plus': { flags: ['-mcpu=cortex-m0plus'], variant: /words/ },
  'cortex-m3': { flags: ['-mcpu=cortex-m3'], variant: /words/ },
  'cortex-m4': { flags: ['-mcpu=cortex-m4', '-mfpu=fpv4-sp-d16', hard], variant: /dsp/ },
  'cortex-m7': { flags: ['-mcpu=cortex-m7', '-mfpu=fpv5-d16', hard], variant: /dsp/ },
  'cortex-m33': { flags: ['-mcpu=cortex-m33', '-mfpu=fpv5-sp-d16', hard], variant: /dsp/ },
  'cortex-m55': { flags: ['-mcpu=cortex-m55', hard], variant: /mve/ },
  avr: { prefix: 'avr', flags: ['-mmcu=atmega2560'], variant: /avr/ },
  rv32imc: { prefix: 'riscv64-unknown-elf', flags: [...riscv, '--specs=picolibc.specs'], variant: /words/ },
};
const dialects = [
  ...['-O1', '-O2', '-O3', '-Os'].map((level) => ['gcc', '-std=c99', level]),
  ['g++', '-x', 'c++', '-std=c++11', '-O2'],
];

describe('kernels compile without a warning', () => {
  for (const [core, { prefix = 'arm-none-eabi', flags, variant }] of Object.entries(cores))
    it.skipIf(!hasTool(`${prefix}-gcc`) || !hasTool(`${prefix}-g++`))(
      `on ${core} (needs ${prefix}-gcc)`,
      () => {
        const { file, variants } = allVariants(core as Core);
        expect([...variants].filter((shape) => variant.test(shape)).length).toBeGreaterThan(4);
        const thumb = prefix === 'arm-none-eabi' ? ['-mthumb'] : [];
        const wrong = dialects.flatMap(([compiler, ...dialect]) => {
          const args = [...dialect, ...flags, ...thumb, ...strictFlags, '-I.', '-c', file, '-o', 'all.o'];
          const { status, stderr } = spawnSync(`${prefix}-${compiler}`, args, { cwd: dirname(file), encoding: 'utf8' });
          return status === 0 && stderr === '' ? [] : [`${dialect.join(' ')}\n${stderr.slice(0, 3000)}`];
        });
        expect(wrong).toEqual([]);
      },
      300_000,
    );
});
