import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BinaryProcess } from '../../../src/engines/binary-process.js';
import { createInterpreter } from '../../../src/interpret/interpreter.js';
import { hostCEngine } from '../../../src/pipeline/host-c-engine.js';
import { smallModel } from '../../conformance/small-model.js';
import { hasTool } from '../../emulated-core/c-program.js';

const inputs = (seed: number) => [
  Int8Array.from({ length: 12 }, (_, i) => i * 11 * seed - 60),
  Int8Array.from({ length: 12 }, (_, i) => 90 - i * 7 * seed),
];

describe.skipIf(!hasTool('gcc'))('the C engine (needs gcc)', () => {
  it('answers as the reference does, outputs and layers, again and again', async () => {
    const graph = smallModel();
    const reference = createInterpreter(graph);
    const engine = await hostCEngine(graph, { compiler: 'gcc' });
    try {
      for (const seed of [1, 2, 1]) {
        expect(await engine.run(inputs(seed))).toEqual(reference.run(inputs(seed)));
        expect(await engine.runLayers!(inputs(seed))).toEqual(reference.runLayers(inputs(seed)));
      }
    } finally {
      await engine.close();
    }
    await expect(engine.run(inputs(1))).rejects.toMatchObject({ code: 'E_ENGINE' });
  });

  it('refuses inputs that do not fit, and goes on', async () => {
    const engine = await hostCEngine(smallModel(), { compiler: 'gcc' });
    await expect(engine.run([new Int8Array(12)])).rejects.toMatchObject({ code: 'E_DATA_SHAPE' });
    expect(await engine.run(inputs(1))).toHaveLength(2);
    await engine.close();
  });

  it('leaves no folder behind', async () => {
    const before = process.env['TMPDIR'];
    const own = mkdtempSync(join(tmpdir(), 'thimble-test-'));
    process.env['TMPDIR'] = own;
    try {
      const engine = await hostCEngine(smallModel(), { compiler: 'gcc' });
      expect(readdirSync(own)).toHaveLength(1);
      await engine.close();
      await engine.close(); // idempotent
      await expect(hostCEngine(smallModel(), { compiler: 'gcc', flags: ['-DMODEL_H'] })).rejects.toThrow();
      expect(readdirSync(own)).toEqual([]);
    } finally {
      if (before === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = before;
      rmSync(own, { recursive: true });
    }
  });
});

describe('the C engine without a working compiler', () => {
  it('names what to install', async () => {
    await expect(hostCEngine(smallModel(), { compiler: 'no-such-cc' })).rejects.toMatchObject({
      code: 'E_TOOL_MISSING',
      hints: [expect.stringContaining('apt-get install gcc')],
    });
  });
  it.skipIf(!hasTool('gcc'))("carries the compiler's last words (needs gcc)", async () => {
    await expect(hostCEngine(smallModel(), { compiler: 'gcc', flags: ['-DMODEL_H'] })).rejects.toMatchObject({
      code: 'E_BUILD_FAILED',
      message: expect.stringContaining('MODEL_'),
    });
  });
});

describe('BinaryProcess', () => {
  const node = (script: string) => new BinaryProcess('the child', process.execPath, ['-e', script]);

  it('says how a child died, with its last words', async () => {
    const child = node("process.stdin.once('data', () => { console.error('no more memory'); process.exit(7); })");
    const answer = child.request([Buffer.from('x')], 4, 10_000);
    await expect(answer).rejects.toMatchObject({
      code: 'E_ENGINE',
      message: expect.stringMatching(/exit code 7.*no more memory/s),
    });
    await expect(child.request([Buffer.from('x')], 4, 10_000)).rejects.toMatchObject({ code: 'E_ENGINE' });
    await child.close();
  });
  it('kills a child that never answers', async () => {
    const child = node('process.stdin.resume()');
    await expect(child.request([Buffer.from('x')], 4, 100)).rejects.toMatchObject({ code: 'E_TIMEOUT' });
    await child.close();
  });
  it('puts an answer together from pieces', async () => {
    const child = node(
      "process.stdin.on('data', () => { process.stdout.write('ab'); setTimeout(() => process.stdout.write('cd'), 30); })",
    );
    expect((await child.request([Buffer.from('x')], 4, 10_000)).toString()).toBe('abcd');
    await child.close();
  });
  it('survives a program that is not there', async () => {
    expect(existsSync('/no/such/program')).toBe(false);
    const child = new BinaryProcess('the child', '/no/such/program');
    await expect(child.request([Buffer.from('x')], 1, 10_000)).rejects.toMatchObject({ code: 'E_ENGINE' });
    await child.close();
  });
});
