/**
 * Emitted models as one program, on this computer or on an emulated Cortex-M: requests (a model and its inputs) go in
 * as one file, every layer's bytes and the outputs come back as another.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Core } from '../../src/core/board-spec.js';
import { type Graph, tensorOf } from '../../src/core/graph.js';
import { byteCount, type TypedArray } from '../../src/core/tensor.js';
import { emitCModel } from '../../src/emit/c-model.js';
import { kernelText } from '../../src/pipeline/kernel-files.js';
import type { ChoiceOptions } from '../../src/plan/choose-implementations.js';

const here = dirname(fileURLToPath(import.meta.url));

export interface ProgramModel {
  readonly name: string; // in C
  readonly graph: Graph;
}
export interface Request {
  readonly model: number; // index
  readonly inputs: readonly Uint8Array[];
}
export interface Answer {
  readonly layers: readonly Uint8Array[]; // empty in a program without hooks
  readonly outputs: readonly Uint8Array[];
  readonly layerTicks: readonly number[]; // of the emulated board's timer; empty in a program without hooks
  readonly ticks: number; // of all; with hooks it counts what they write, too
  readonly stackBytes: number; // used by the inference, where the stack is painted
}

/** How a program is built and run. */
export interface Platform {
  readonly compiler: string;
  readonly flags: readonly string[];
  readonly io: 'host' | 'mps2';
  readonly machine?: 'mps2-an385' | 'mps2-an386';
  readonly target: Core;
}

export const strictFlags = ['-pedantic', '-Wall', '-Wextra', '-Wconversion', '-Wshadow', '-Werror'];
const host = { io: 'host', target: 'generic' } as const;
const mps2Flags = ['-std=c99', '-O2', '-mthumb', '-ffunction-sections', '-fdata-sections', '-Wl,--gc-sections'];
export const platforms = {
  gcc: { ...host, compiler: 'gcc', flags: ['-std=c99', '-O2', ...strictFlags] },
  sanitizers: {
    ...host,
    compiler: 'gcc',
    flags: ['-std=c99', '-O1', '-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'],
  },
  cplusplus: { ...host, compiler: 'g++', flags: ['-x', 'c++', '-std=c++11', '-O1', ...strictFlags] },
  'cortex-m0plus': {
    compiler: 'arm-none-eabi-gcc',
    flags: ['-mcpu=cortex-m0plus', ...mps2Flags],
    io: 'mps2',
    machine: 'mps2-an385',
    target: 'cortex-m0plus',
  },
  'cortex-m4': {
    compiler: 'arm-none-eabi-gcc',
    flags: ['-mcpu=cortex-m4', '-mfpu=fpv4-sp-d16', '-mfloat-abi=hard', ...mps2Flags],
    io: 'mps2',
    machine: 'mps2-an386',
    target: 'cortex-m4',
  },
} as const satisfies Record<string, Platform>;

export const hasTool = (tool: string): boolean => spawnSync(tool, ['--version'], { stdio: 'ignore' }).status === 0;

/** Whether this computer can build and run for a platform; tests skip by name where it cannot. */
export const canRun = ({ compiler, io }: Platform): boolean =>
  hasTool(compiler) && (io === 'host' || hasTool('qemu-system-arm'));

export interface ProgramOptions {
  readonly hooks?: boolean; // answers hold every layer; default true
  readonly choice?: ChoiceOptions; // which kernels
  readonly edit?: (path: string, content: string) => string; // breaks emitted files on purpose
}

/** One instruction is 64 ns of virtual time (icount shift 6), one tick of the 25 MHz timer 40 ns. */
export const instructionsOf = (ticks: number): number => Math.round((ticks * 40) / 64);

/** A built program; close() removes its folder. */
export class CProgram {
  readonly folder = mkdtempSync(join(tmpdir(), 'thimble-program-'));
  readonly #models: readonly ProgramModel[];
  readonly #platform: Platform;
  readonly #hooks: boolean;

  /** @throws Error with the compiler's words */
  constructor(models: readonly ProgramModel[], platform: Platform, options: ProgramOptions = {}) {
    this.#models = models;
    this.#platform = platform;
    this.#hooks = options.hooks ?? true;
    for (const { name, graph } of models) {
      const emitted = emitCModel(graph, {
        name,
        target: platform.target,
        kernelText,
        modelSha256: '',
        version: 'test',
        ...options.choice,
      });
      for (const { path, content } of emitted.files)
        writeFileSync(join(this.folder, path), options.edit?.(path, String(content)) ?? content);
    }
    writeFileSync(join(this.folder, 'program.c'), programText(models, this.#hooks));
    const { compiler, flags, io } = platform;
    const board = io === 'mps2' ? ['-nostartfiles', '--specs=nano.specs', '-T', join(here, 'mps2.ld')] : [];
    const sources = ['program.c', join(here, `io_${io}.c`)];
    const args = [...flags, '-I', '.', '-I', here, '-o', 'program', ...sources, ...board];
    const { status, stderr } = spawnSync(compiler, args, { cwd: this.folder, encoding: 'utf8' });
    if (status !== 0) throw new Error(`${compiler} failed:\n${stderr.slice(0, 4000)}`);
  }

  run(requests: readonly Request[]): readonly Answer[] {
    const bytes = Buffer.concat(requests.flatMap(({ model, inputs }) => [Buffer.from([model, model >> 8]), ...inputs]));
    const answers = this.#platform.io === 'host' ? this.#runHere(bytes) : this.#emulate(bytes);
    return this.#split(requests, answers);
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #runHere(requests: Buffer): Buffer {
    return execFileSync(join(this.folder, 'program'), { input: requests, maxBuffer: 2 ** 30, timeout: 300_000 });
  }

  #emulate(requests: Buffer): Buffer {
    writeFileSync(join(this.folder, 'requests.bin'), requests);
    const machine = ['-machine', this.#platform.machine!, '-nographic', '-monitor', 'none', '-serial', 'none'];
    const time = ['-icount', 'shift=6,sleep=off', '-semihosting-config', 'enable=on,target=native'];
    const args = [...machine, ...time, '-kernel', 'program'];
    const { status, stderr } = spawnSync('qemu-system-arm', args, {
      cwd: this.folder,
      encoding: 'utf8',
      timeout: 300_000,
    });
    if (status !== 0) throw new Error(`the emulated core stopped with ${status}: ${stderr.slice(0, 1000)}`);
    return readFileSync(join(this.folder, 'answers.bin'));
  }

  #split(requests: readonly Request[], bytes: Buffer): readonly Answer[] {
    let at = 0;
    const take = (count: number): Uint8Array => bytes.subarray(at, (at += count));
    const sizes = (graph: Graph, names: readonly string[]) => names.map((name) => byteCount(tensorOf(graph, name)));
    const answers = requests.map(({ model }) => {
      const { graph } = this.#models[model]!;
      const layerNames = this.#hooks ? graph.nodes.map(({ outputs: [first] }) => first!) : [];
      const layerTicks: number[] = [];
      const layers = sizes(graph, layerNames).map((bytes) => {
        const layer = take(bytes);
        layerTicks.push(Buffer.from(take(4)).readUInt32LE());
        return layer;
      });
      const [ticks, stackBytes] = [take(4), take(4)].map((word) => Buffer.from(word).readUInt32LE()) as [
        number,
        number,
      ];
      return { layers, layerTicks, outputs: sizes(graph, graph.outputs).map(take), ticks, stackBytes };
    });
    if (at !== bytes.length) throw new Error(`the program answered ${bytes.length} bytes, not ${at}`);
    return answers;
  }
}

/** All models in one translation unit, so that names which clash do not compile. */
function programText(models: readonly ProgramModel[], hooks: boolean): string {
  const each = (models: readonly ProgramModel[], text: (model: ProgramModel, index: number) => string): string =>
    models.map(text).join('\n');
  return `#include "harness.h"
static uint32_t program_layer_begin;
static void program_layer(int layer, const int8_t *out, int32_t bytes)
{
    const uint32_t ticks = io_ticks() - program_layer_begin;
    (void)layer;
    io_write(out, (uint32_t)bytes);
    io_write(&ticks, 4);
    program_layer_begin = io_ticks();
}
${hooks ? '' : 'void program_unused(void);\nvoid program_unused(void) { program_layer(0, 0, 0); }'}
${each(models, ({ name }) => `${hooks ? `#define ${name.toUpperCase()}_LAYER_HOOK ${name}_layer_hook` : ''}\n#include "${name}.c"`)}
${each(models, (model) => runText(model, hooks))}
void run_requests(void)
{
    uint8_t index[2];
    while (io_read(index, 2)) {
        switch (index[0] | (index[1] << 8)) {
${each(models, ({ name }, i) => `        case ${i}: run_${name}(); break;`)}
        default: return;
        }
    }
}
`;
}

function runText({ name, graph }: ProgramModel, hooks: boolean): string {
  const suffixes = (names: readonly string[]): readonly string[] => names.map((_, i) => (i === 0 ? '' : `_${i}`));
  const upper = name.toUpperCase();
  const reads = suffixes(graph.inputs).map((s) => `    io_read(${name}_input${s}(), ${upper}_INPUT${s}_BYTES);`);
  const writes = suffixes(graph.outputs).map((s) => `    io_write(${name}_output${s}(), ${upper}_OUTPUT${s}_BYTES);`);
  return `${hooks ? `void ${name}_layer_hook(int layer, const int8_t *out, int32_t bytes) { program_layer(layer, out, bytes); }` : ''}
static void run_${name}(void)
{
    uint32_t begin, ticks, stack;
${reads.join('\n')}
    io_paint_stack();
    begin = io_ticks();
${hooks ? '    program_layer_begin = begin;' : ''}
    ${name}_invoke();
    ticks = io_ticks() - begin;
    stack = io_stack_used();
    io_write(&ticks, 4);
    io_write(&stack, 4);
${writes.join('\n')}
}`;
}

export const bytesOf = (array: TypedArray): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
