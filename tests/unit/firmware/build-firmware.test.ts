import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadBoard } from '../../../src/boards/load-board.js';
import type { BoardSpec } from '../../../src/core/board-spec.js';
import { isBoot2 } from '../../../src/core/boot2.js';
import type { Graph } from '../../../src/core/graph.js';
import { decodeUf2, RP2040_FAMILY } from '../../../src/core/uf2.js';
import { type BuildOptions, buildFirmware } from '../../../src/firmware/build-firmware.js';
import { modelBindingText } from '../../../src/firmware/model-binding.js';
import { onPath } from '../../../src/virtual/child-process.js';
import { tinyFiles, tinyGraph } from './tiny-model.js';

const folder = mkdtempSync(join(tmpdir(), 'thimble-build-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const pico = loadBoard('pico');
const build = (board: BoardSpec, name: string, more: Partial<BuildOptions> = {}) =>
  buildFirmware({
    board,
    modelFiles: tinyFiles(),
    modelName: 'tiny',
    graph: tinyGraph,
    hooks: true,
    folder: join(folder, name),
    ...more,
  });

const withoutCompiler = !onPath('arm-none-eabi-gcc');

describe.skipIf(withoutCompiler)('building for a Pico (needs arm-none-eabi-gcc)', () => {
  it('makes an ELF and a UF2 that the ROM would start, and tells their sizes', async () => {
    const image = await build(pico, 'pico');
    const parts = decodeUf2(readFileSync(image.uf2!), RP2040_FAMILY);
    expect(parts[0]!.address).toBe(0x10000000);
    expect(isBoot2(parts[0]!.bytes)).toBe(true);
    const [stack, reset] = new Uint32Array(parts[1]!.bytes.buffer, parts[1]!.bytes.byteOffset, 2);
    expect(stack).toBe(0x20042000); // the top of 264 KB
    expect(reset! & 1).toBe(1); // Thumb
    const size = image.size!;
    const bytesOf = (name: string) => size.sections.find((section) => section.name === name)?.bytes ?? 0;
    const padding = readFileSync(join(image.folder, 'build/firmware.bin')).length - size.flashBytes;
    expect(padding).toBeGreaterThanOrEqual(0);
    expect(padding).toBeLessThan(16); // between sections, for alignment
    expect(size.ramBytes).toBe(bytesOf('.data') + bytesOf('.bss'));
    expect(size.stackBytes).toBe(pico.reserved.stackBytes);
    expect(size.flashBytes).toBeLessThan(pico.reserved.flashBytes);
    expect(size.ramBytes).toBeLessThan(pico.reserved.ramBytes);
  });

  it('leaves a project whose script builds the same bytes', async () => {
    const image = await build(pico, 'again');
    const before = readFileSync(join(image.folder, 'build/firmware.bin'));
    rmSync(join(image.folder, 'build/firmware.bin'));
    rmSync(image.executable);
    execFileSync('sh', [join(image.folder, 'build.sh')]);
    expect(readFileSync(join(image.folder, 'build/firmware.bin'))).toEqual(before);
  });

  it('says by how much a board is too small', async () => {
    const flash: BoardSpec = { ...pico, flashBytes: 4096 };
    await expect(build(flash, 'flash')).rejects.toMatchObject({ code: 'E_DOES_NOT_FIT' });
    await expect(build(flash, 'flash')).rejects.toThrow(/needs [\d,]+ bytes more flash/);
    const ram: BoardSpec = { ...pico, ramBytes: 8200 };
    await expect(build(ram, 'ram')).rejects.toThrow(/needs [\d,]+ bytes more RAM/);
  });

  it('shows what the compiler said where the C is wrong', async () => {
    const modelFiles = [...tinyFiles(), { path: 'broken.c', content: 'int broken = nonsense;\n' }];
    const building = build(pico, 'broken', { modelFiles });
    await expect(building).rejects.toMatchObject({ code: 'E_BUILD_FAILED' });
    await expect(building).rejects.toThrow('nonsense');
  });

  it('can be interrupted', async () => {
    const signal = AbortSignal.abort();
    await expect(build(pico, 'interrupted', { signal })).rejects.toMatchObject({ code: 'E_INTERRUPTED' });
  });
});

describe('building', () => {
  it('names the packages where the compiler is missing', async () => {
    const path = process.env['PATH'];
    process.env['PATH'] = folder;
    try {
      await expect(build(pico, 'missing')).rejects.toMatchObject({
        code: 'E_TOOL_MISSING',
        hints: ['sudo apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi'],
      });
    } finally {
      process.env['PATH'] = path;
    }
  });

  it('refuses a chip without start-up code by name', async () => {
    await expect(build({ ...pico, mcu: 'Z80' }, 'z80')).rejects.toMatchObject({ code: 'E_BOARD_FILE' });
  });
});

describe('model_binding.c', () => {
  it('joins several inputs and outputs of several types in order', () => {
    const int8 = { dtype: 'int8', quant: { scale: [0.5], zeroPoint: [3], axis: null } } as const;
    const graph: Graph = {
      name: 'two',
      tensors: new Map([
        ['a', { name: 'a', shape: [1, 4], ...int8 }],
        ['b', { name: 'b', shape: [2], dtype: 'float32' }],
        ['c', { name: 'c', shape: [1, 3], ...int8 }],
        ['d', { name: 'd', shape: [5], dtype: 'float32' }],
      ]),
      nodes: [],
      inputs: ['a', 'b'],
      outputs: ['c', 'd'],
    };
    const text = modelBindingText({ boardId: 'host', modelName: 'two', graph, hooks: false });
    expect(text).toContain('static uint8_t input_buffer[12];');
    expect(text).toContain('memcpy(two_input(), input_buffer + 0, 4);');
    expect(text).toContain('memcpy(two_input_1(), input_buffer + 4, 8);');
    expect(text).toContain('return TWO_OUTPUT_SCALE * (float)((int32_t)two_output()[index] - TWO_OUTPUT_ZERO_POINT);');
    expect(text).toMatch(/if \(index < 3\)[\s\S]*index -= 3;\s+return two_output_1\(\)\[index\];/);
    expect(text).toMatch(/0x00000000u, \/\* labels/);
  });
});
