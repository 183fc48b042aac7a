/** The emitted C of every golden model compiles for AVR: 16-bit int, constants in program memory. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { emitCModel } from '../../src/emit/c-model.js';
import { kernelText } from '../../src/pipeline/kernel-files.js';
import { hasTool, strictFlags } from '../emulated-core/c-program.js';
import { withoutShared } from '../shared-folder.js';
import { goldenModel, goldenOps } from './golden-files.js';

describe.skipIf(withoutShared || !hasTool('avr-gcc'))('C for AVR (needs ../shared and avr-gcc)', () => {
  const isInt8 = (dtype: string): boolean => dtype === 'int8' || dtype === 'float32';
  const ops = withoutShared ? [] : goldenOps().models;
  const small = ops.filter(({ graph }) =>
    [...graph.tensors.values()].every(({ data, dtype }) => data || isInt8(dtype)),
  );
  const networks = withoutShared ? [] : (['hello_world_int8', 'kws_ref_model'] as const).map(goldenModel);

  it('refuses more constants than program memory can be asked for', () => {
    const { graph } = goldenModel('pretrainedResnet_quant');
    const emit = () => emitCModel(graph, { name: 'm', target: 'avr', kernelText, modelSha256: '', version: 'test' });
    expect(emit).toThrow(expect.objectContaining({ code: 'E_DOES_NOT_FIT' }));
  });

  it('builds strictly, all in one program', { timeout: 300_000 }, () => {
    const folder = mkdtempSync(join(tmpdir(), 'thimble-avr-'));
    try {
      const names = [...networks, ...small].map(({ graph }, i) => {
        const name = `m${i}`;
        const files = emitCModel(graph, { name, target: 'avr', kernelText, modelSha256: '', version: 'test' }).files;
        for (const { path, content } of files) writeFileSync(join(folder, path), content);
        return name;
      });
      expect(names.length).toBeGreaterThan(180);
      writeFileSync(join(folder, 'all.c'), names.map((name) => `#include "${name}.c"\n`).join(''));
      const args = ['-mmcu=atmega2560', '-std=c99', '-Os', ...strictFlags, '-I.', '-c', 'all.c', '-o', 'all.o'];
      const { status, stderr } = spawnSync('avr-gcc', args, { cwd: folder, encoding: 'utf8' });
      expect(stderr.slice(0, 2000)).toBe('');
      expect(status).toBe(0);
      const sections = spawnSync('avr-size', ['-A', 'all.o'], { cwd: folder, encoding: 'utf8' }).stdout;
      const section = (name: string): number =>
        Number(new RegExp(`^\\${name}\\s+(\\d+)`, 'm').exec(sections)?.[1] ?? 0);
      expect(section('.progmem.data')).toBeGreaterThan(27_000); // the keyword model alone
      expect(section('.rodata') + section('.data')).toBeLessThan(2 * names.length + 64); // labels' empty strings
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
