/**
 * Emitted models as one program, on this computer or on an emulated core: requests (a model and its inputs) go in as one
 * file; outputs come back, with the instructions and the stack they took, and with hooks every layer's bytes.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Core } from '../core/board-spec.js';
import type { EmittedFile } from '../core/emitted-file.js';
import { ThimbleError } from '../core/errors.js';
import { packageFolder } from '../files/package-folder.js';
import { installHint } from '../tools/install-hint.js';
import { runOnAvr } from './avr-run.js';

const harness = join(packageFolder, 'firmware-templates', 'emulated-core');

/** How a program is built and run. */
export interface Platform {
  readonly compiler: string;
  readonly flags: readonly string[];
  readonly target: Core;
  readonly machine?: Machine; // absent: this computer
}

/** A machine of QEMU, or avr8js in this process, and what stands between it and the program. */
export interface Machine {
  readonly emulator: 'qemu-system-arm' | 'qemu-system-riscv32' | 'avr8js';
  readonly options: readonly string[];
  readonly linking: readonly string[]; // the C library, start-up and where things lie
  readonly codeAddress: RegExp; // of what lies in CODE
  readonly io: string; // C file in firmware-templates/emulated-core
  readonly ticksPerSecond: number; // of the timer that io_ticks reads, in the emulator's time
  readonly bufferStep?: number; // bytes by which the harness's buffer grows
}

const linkedBy = (library: string, script: string): readonly string[] => [
  '-nostartfiles',
  `--specs=${library}`,
  '-T',
  join(harness, script),
];
/** One instruction takes 2^6 ns of virtual time: long enough that every timer tells them apart. */
const ICOUNT_SHIFT = 6;
const A_TICK_AN_INSTRUCTION = 1e9 / 2 ** ICOUNT_SHIFT;

const arm = { emulator: 'qemu-system-arm', codeAddress: /[01][0-9a-f]{7}/, io: 'io_mps2.c' } as const;
const mps2 = { ...arm, linking: linkedBy('nano.specs', 'mps2.ld'), ticksPerSecond: 25_000_000 };
const an385: Machine = { ...mps2, options: ['-machine', 'mps2-an385'] };
const an386: Machine = { ...mps2, options: ['-machine', 'mps2-an386'] };
const an547: Machine = {
  ...arm,
  options: ['-machine', 'mps3-an547'],
  linking: linkedBy('nano.specs', 'mps3_an547.ld'),
  ticksPerSecond: 32_000_000,
};
/** Without the extensions that code for the core must not use. */
const virt: Machine = {
  emulator: 'qemu-system-riscv32',
  options: ['-machine', 'virt', '-bios', 'none', '-cpu', 'rv32,a=off,f=off,d=off'],
  linking: linkedBy('picolibc.specs', 'rv32.ld'),
  codeAddress: /80[0-3][0-9a-f]{5}/,
  io: 'io_rv32.c',
  ticksPerSecond: A_TICK_AN_INSTRUCTION,
};
/** An ATmega2560 with as much RAM as 16 bits can name: programs of many models are tried on it. */
const mega: Machine = {
  emulator: 'avr8js',
  options: [],
  linking: ['-Wl,--defsym=__DATA_REGION_LENGTH__=0xfd00', '-Wl,--defsym=__stack=0xfeff'],
  codeAddress: /000[0-3][0-9a-f]{4}/,
  io: 'io_avr.c',
  ticksPerSecond: A_TICK_AN_INSTRUCTION,
  bufferStep: 64,
};
const compiler = 'arm-none-eabi-gcc';
const optimised = ['-std=c99', '-O2', '-ffunction-sections', '-fdata-sections', '-Wl,--gc-sections'];
const flags = ['-mthumb', ...optimised];

/** The cores that can be emulated here. Code for a Cortex-M0+ runs on a Cortex-M3, with its traps switched on. */
export const emulatedCores = {
  'cortex-m0plus': { compiler, flags: ['-mcpu=cortex-m0plus', ...flags], target: 'cortex-m0plus', machine: an385 },
  'cortex-m3': { compiler, flags: ['-mcpu=cortex-m3', ...flags], target: 'cortex-m3', machine: an385 },
  'cortex-m4': {
    compiler,
    flags: ['-mcpu=cortex-m4', '-mfpu=fpv4-sp-d16', '-mfloat-abi=hard', ...flags],
    target: 'cortex-m4',
    machine: an386,
  },
  'cortex-m55': {
    compiler,
    flags: ['-mcpu=cortex-m55', '-mfloat-abi=hard', ...flags],
    target: 'cortex-m55',
    machine: an547,
  },
  rv32imc: {
    compiler: 'riscv64-unknown-elf-gcc',
    flags: ['-march=rv32imc', '-mabi=ilp32', '-mcmodel=medany', ...optimised],
    target: 'rv32imc',
    machine: virt,
  },
  avr: {
    compiler: 'avr-gcc',
    flags: ['-mmcu=atmega2560', ...optimised.map((flag) => (flag === '-O2' ? '-Os' : flag))], // as Arduino's builds
    target: 'avr',
    machine: mega,
  },
} as const satisfies Partial<Record<Core, Platform>>;
export type EmulatedCore = keyof typeof emulatedCores;

export const hasTool = (tool: string): boolean => spawnSync(tool, ['--version'], { stdio: 'ignore' }).status === 0;

/** Whether this computer can build and run for a platform. */
export const canRun = ({ compiler, machine }: Platform): boolean =>
  hasTool(compiler) && (!machine || machine.emulator === 'avr8js' || hasTool(machine.emulator));

/** An emitted model as the program calls it; sizes in bytes. */
export interface ProgramModel {
  readonly name: string; // in C
  readonly files: readonly EmittedFile[];
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly layers: readonly number[]; // of each layer's first output
}

export interface Request {
  readonly model: number; // index
  readonly inputs: readonly Uint8Array[];
  readonly continues?: boolean; // with the state that the model's last request left; false unless given
}

export interface Answer {
  readonly layers: readonly Uint8Array[]; // empty in a program without hooks
  readonly layerInstructions: readonly number[]; // likewise; what the hooks themselves take is left out
  readonly outputs: readonly Uint8Array[];
  /** From the first byte of input written to the last byte of output read; 0 on this computer. Counts hooks, too. */
  readonly instructions: number;
  readonly stackBytes: number; // used by the call; 0 on this computer
}

/** What the linker made of it, harness and start-up included. */
export interface ProgramSizes {
  readonly flashBytes: number; // all allocated sections that are not zero at start
  readonly constantBytes: number; // the models' arrays among them
  readonly ramBytes: number; // .data and .bss, the harness's buffer left out
}

const BUFFER_STEP = 65_536;
const CONTINUES = 0x80; // in the second byte of a request's model

/** A built program; close() removes its folder. */
export class CoreProgram {
  readonly folder = mkdtempSync(join(tmpdir(), 'thimble-program-'));
  readonly #models: readonly ProgramModel[];
  readonly #platform: Platform;
  readonly #hooks: boolean;
  readonly #bufferBytes: number;

  /** @throws ThimbleError E_TOOL_MISSING, E_BUILD_FAILED with the compiler's words */
  constructor(models: readonly ProgramModel[], platform: Platform, hooks = false) {
    this.#models = models;
    this.#platform = platform;
    this.#hooks = hooks;
    const largest = Math.max(0, ...models.map(({ inputs, outputs }) => sum(inputs) + sum(outputs)));
    const step = platform.machine?.bufferStep ?? BUFFER_STEP;
    this.#bufferBytes = Math.ceil((largest + 1) / step) * step;
    for (const { files } of models)
      for (const { path, content } of files) writeFileSync(join(this.folder, path), content);
    writeFileSync(join(this.folder, 'program.c'), programText(models, hooks, this.#bufferBytes));
    const { compiler, flags, machine } = platform;
    const sources = ['program.c', join(harness, machine?.io ?? 'io_host.c')];
    try {
      this.#spawn(compiler, [
        ...flags,
        '-I',
        '.',
        '-I',
        harness,
        '-o',
        'program',
        ...sources,
        ...(machine?.linking ?? []),
      ]);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** @throws ThimbleError E_TOOL_MISSING, E_BUILD_FAILED where the program stops before its end */
  run(requests: readonly Request[]): readonly Answer[] {
    const bytes = Buffer.concat(
      requests.flatMap(({ model, inputs, continues }) => [
        Buffer.from([model, (model >> 8) | (continues ? CONTINUES : 0)]),
        ...inputs,
      ]),
    );
    return this.#split(
      requests,
      this.#platform.machine ? this.#emulate(this.#platform.machine, bytes) : this.#runHere(bytes),
    );
  }

  /** Of a program for an emulated core. */
  sizes(): ProgramSizes {
    const { compiler, machine } = this.#platform;
    const tool = (name: string, option: string): string =>
      execFileSync(compiler.replace(/gcc$/, name), [option, join(this.folder, 'program')], { encoding: 'utf8' });
    const sections = tool('size', '-A');
    const section = (name: string): number => Number(new RegExp(`^\\${name}\\s+(\\d+)`, 'm').exec(sections)?.[1] ?? 0);
    const arrays = this.#models.flatMap(({ name }) => [
      ...tool('readelf', '-sW').matchAll(
        new RegExp(`^\\s*\\d+: ${machine?.codeAddress.source ?? ''}\\s+(\\d+) OBJECT .* ${name}_\\w+$`, 'gm'),
      ),
    ]);
    return {
      flashBytes: section('.text') + section('.ARM.exidx') + section('.data'),
      constantBytes: sum(arrays.map(([, bytes]) => Number(bytes))),
      ramBytes: section('.data') + section('.bss') - this.#bufferBytes,
    };
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #runHere(requests: Buffer): Buffer {
    return execFileSync(join(this.folder, 'program'), { input: requests, maxBuffer: 2 ** 30, timeout: 300_000 });
  }

  #emulate({ emulator, options }: Machine, requests: Buffer): Buffer {
    if (emulator === 'avr8js') {
      this.#spawn('avr-objcopy', ['-O', 'binary', '-j', '.text', '-j', '.data', 'program', 'program.bin']);
      return Buffer.from(runOnAvr(readFileSync(join(this.folder, 'program.bin')), requests));
    }
    writeFileSync(join(this.folder, 'requests.bin'), requests);
    const machine = [...options, '-nographic', '-monitor', 'none', '-serial', 'none'];
    const time = ['-icount', `shift=${ICOUNT_SHIFT},sleep=off`, '-semihosting-config', 'enable=on,target=native'];
    this.#spawn(emulator, [...machine, ...time, '-kernel', 'program']);
    return readFileSync(join(this.folder, 'answers.bin'));
  }

  #spawn(tool: string, args: readonly string[]): void {
    const { status, stderr, error } = spawnSync(tool, args, { cwd: this.folder, encoding: 'utf8', timeout: 300_000 });
    if (status === 0) return;
    if ((error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT')
      throw new ThimbleError('E_TOOL_MISSING', `${tool} is not installed`, [
        installHint(tool),
        'thimble doctor lists what else is missing.',
      ]);
    throw new ThimbleError(
      'E_BUILD_FAILED',
      `${tool} stopped with ${status ?? error?.message}: ${(stderr ?? '').slice(0, 4000)}`,
      'If the model is one that Thimble made, this is a fault of Thimble: report it with the model.',
    );
  }

  #split(requests: readonly Request[], bytes: Buffer): readonly Answer[] {
    let at = 0;
    const take = (count: number): Uint8Array => bytes.subarray(at, (at += count));
    const word = (): number => Buffer.from(take(4)).readUInt32LE();
    const answers = requests.map(({ model }): Answer => {
      const { outputs, layers: layerBytes } = this.#models[model]!;
      const layers: Uint8Array[] = [];
      const layerInstructions: number[] = [];
      for (const count of this.#hooks ? layerBytes : []) {
        layers.push(take(count));
        layerInstructions.push(this.#instructions(word()));
      }
      const [ticks, stackBytes] = [word(), word()];
      return {
        layers,
        layerInstructions,
        outputs: outputs.map(take),
        instructions: this.#instructions(ticks),
        stackBytes,
      };
    });
    if (at !== bytes.length) throw new Error(`the program answered ${bytes.length} bytes, not ${at}`);
    return answers;
  }

  #instructions(ticks: number): number {
    const perSecond = this.#platform.machine?.ticksPerSecond ?? 1e9;
    return Math.round((ticks * (1e9 / perSecond)) / 2 ** ICOUNT_SHIFT);
  }
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** All models in one translation unit, so that names which clash do not compile. */
function programText(models: readonly ProgramModel[], hooks: boolean, bufferBytes: number): string {
  const each = (text: (model: ProgramModel, index: number) => string): string => models.map(text).join('\n');
  return `#include "harness.h"
static uint8_t program_buffer[${bufferBytes}];
static void program_copy(void *to, const void *from, uint32_t bytes)
{
    uint8_t *target = (uint8_t *)to;
    const uint8_t *source = (const uint8_t *)from;
    while (bytes-- > 0)
        *target++ = *source++;
}
static uint32_t program_layer_begin;
static void program_layer(int layer, const int8_t *out, int32_t bytes)
{
    const uint32_t ticks = io_ticks() - program_layer_begin;
    (void)layer;
    io_write(out, (uint32_t)bytes);
    io_write(&ticks, 4);
    program_layer_begin = io_ticks();
}
void program_unused(void);
void program_unused(void) { program_layer(0, 0, 0); program_copy(program_buffer, program_buffer, 0); }
${each(({ name }) => `${hooks ? `#define ${name.toUpperCase()}_LAYER_HOOK ${name}_layer_hook` : ''}\n#include "${name}.c"`)}
${each((model) => runText(model, hooks))}
void run_requests(void)
{
    uint8_t index[2];
    while (io_read(index, 2)) {
        const int continues = index[1] & ${CONTINUES};
        switch (index[0] | ((index[1] & ${CONTINUES - 1}) << 8)) {
${each(({ name }, i) => `        case ${i}: if (!continues) ${name}_reset(); run_${name}(); break;`)}
        default: (void)continues; *(volatile uint8_t *)program_buffer = 0; return; /* so that the linker keeps it, with or without models */
        }
    }
}
`;
}

/** The time of a run begins with the first byte of input written and ends with the last byte of output read. */
function runText({ name, inputs, outputs }: ProgramModel, hooks: boolean): string {
  const suffix = (i: number): string => (i === 0 ? '' : `_${i}`);
  const offsets = (sizes: readonly number[]): readonly number[] => sizes.map((_, i) => sum(sizes.slice(0, i)));
  const [from, to] = [offsets(inputs), offsets(outputs).map((offset) => offset + sum(inputs))];
  const copyIn = inputs.map(
    (bytes, i) => `    program_copy(${name}_input${suffix(i)}(), program_buffer + ${from[i]}, ${bytes}u);`,
  );
  const copyOut = outputs.map(
    (bytes, i) => `    program_copy(program_buffer + ${to[i]}, ${name}_output${suffix(i)}(), ${bytes}u);`,
  );
  return `${hooks ? `void ${name}_layer_hook(int layer, const int8_t *out, int32_t bytes) { program_layer(layer, out, bytes); }` : ''}
static void run_${name}(void)
{
    uint32_t begin, ticks, stack;
    if (${sum(inputs)}u > 0 && !io_read(program_buffer, ${sum(inputs)}u))
        return;
    io_paint_stack();
    begin = io_ticks();
${copyIn.join('\n')}
    program_layer_begin = io_ticks();
    ${name}_invoke();
${copyOut.join('\n')}
    ticks = io_ticks() - begin;
    stack = io_stack_used();
    io_write(&ticks, 4);
    io_write(&stack, 4);
    io_write(program_buffer + ${sum(inputs)}, ${sum(outputs)}u);
}`;
}
