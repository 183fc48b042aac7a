/** How the compilers are called for programs that Thimble lays out itself, as lines that a person can type again. */
import type { BoardSpec, Core } from '../core/board-spec.js';
import { ThimbleError } from '../core/errors.js';
import type { Chip } from './chips/index.js';

interface CrossTarget {
  readonly prefix: string; // of the GNU tools
  readonly machine: readonly string[];
  readonly library: readonly string[];
}

const ARM = 'arm-none-eabi-';
const AVR = 'avr-';
const arm = (cpu: string, ...more: string[]): CrossTarget => ({
  prefix: ARM,
  machine: [`-mcpu=${cpu}`, '-mthumb', ...(more.length > 0 ? more : ['-mfloat-abi=soft'])],
  library: ['--specs=nano.specs'],
});

/** Debian's compiler brings no C library: its picolibc is a package of its own. */
const riscv: CrossTarget = {
  prefix: 'riscv64-unknown-elf-',
  machine: ['-march=rv32imc', '-mabi=ilp32', '-mcmodel=medany'], // with _zicsr gcc 12 would find no library
  library: ['--specs=picolibc.specs'],
};

/** The emitter's targets; without a floating-point unit's registers, which the int8 kernels have no use for. */
const targets: Partial<Record<Core, CrossTarget>> = {
  'cortex-m0': arm('cortex-m0'),
  'cortex-m0plus': arm('cortex-m0plus'),
  'cortex-m3': arm('cortex-m3'),
  'cortex-m4': arm('cortex-m4'),
  'cortex-m7': arm('cortex-m7'),
  'cortex-m33': arm('cortex-m33'),
  'cortex-m55': arm('cortex-m55', '-mfloat-abi=hard'), // gcc has no vectors without
  rv32imc: riscv,
};

/** @throws ThimbleError E_BOARD_FILE for a core that bare-metal programs are not built for */
export function targetOf({ id, core }: BoardSpec): CrossTarget {
  const target = targets[core];
  if (target) return target;
  throw new ThimbleError(
    'E_BOARD_FILE',
    `the bare-metal template cannot build for a ${core}`,
    'Choose another template in the board file.',
    { where: `in board "${id}" at $.core` },
  );
}

export const compilerOf = (board: BoardSpec): string =>
  board.core === 'avr' ? `${AVR}gcc` : `${targetOf(board).prefix}gcc`;

const warnings = ['-Wall', '-Wextra'];

/** Paths are relative to the project folder, so that a person can type the line there. */
export interface CompileParts {
  readonly board: BoardSpec;
  readonly sources: readonly string[];
  readonly defines: readonly string[];
  readonly extraFlags: readonly string[];
}

/** The commands that make build/firmware.elf, .bin and .hex. */
export function crossCommands(chip: Chip, parts: CompileParts): string[][] {
  if (chip.template === 'baremetal-avr') return avrCommands(parts);
  const { board, sources, defines, extraFlags } = parts;
  const { prefix, machine, library } = targetOf(board);
  const { flashBytes, ramBytes, reserved, serial } = board;
  const sizes = { FLASH_BYTES: flashBytes, RAM_BYTES: ramBytes, STACK_BYTES: reserved.stackBytes };
  const facts = { BAUD: serial.baud, ...chip.defines?.(board) };
  return [
    [
      `${prefix}gcc`,
      ...[...machine, '-std=c99', '-O2', ...warnings],
      ...['-ffunction-sections', '-fdata-sections', '-fno-common'],
      ...['-Imodel', '-Iruntime', '-Iboard', ...defines],
      ...Object.entries(facts).map(([name, value]) => `-DTHIMBLE_${name}=${value}u`),
      ...[...extraFlags, ...sources],
      ...['-nostartfiles', ...library, '-Lboard', '-T', chip.linkerScript!],
      ...Object.entries(sizes).map(([name, bytes]) => `-Wl,--defsym=THIMBLE_${name}=${bytes}`),
      ...['-Wl,--gc-sections', '-Wl,--no-warn-rwx-segments', '-Wl,-Map=build/firmware.map'],
      ...['-o', 'build/firmware.elf'],
    ],
    objcopy(prefix, 'binary', 'build/firmware.elf', 'build/firmware.bin'),
    objcopy(prefix, 'ihex', 'build/firmware.elf', 'build/firmware.hex'),
  ];
}

/** Where RAM begins behind the registers, and where the region of the family's linker script does. */
const AVR_REGISTERS_END: Readonly<Record<string, number>> = { ATmega328P: 0x100, ATmega2560: 0x200 };
const AVR_REGION_START: Readonly<Record<string, number>> = { ATmega328P: 0x60, ATmega2560: 0x200 };

/**
 * avr-libc brings start-up code and linker scripts. Those count RAM from the registers on, where the script's region
 * begins; what the stack needs is taken off, so that a model too large fails here with the number of bytes.
 */
function avrCommands({ board, sources, defines, extraFlags }: CompileParts): string[][] {
  const { mcu, ramBytes, reserved, facts, flashBytes, serial, clockHz } = board;
  const registers = AVR_REGISTERS_END[mcu]! - AVR_REGION_START[mcu]!;
  const sizes = {
    TEXT: facts?.usableFlashBytes ?? flashBytes,
    DATA: registers + ramBytes - reserved.stackBytes,
  };
  return [
    [
      `${AVR}gcc`,
      ...[`-mmcu=${mcu.toLowerCase()}`, '-std=c99', '-Os', ...warnings],
      ...['-ffunction-sections', '-fdata-sections', '-fno-common', '-mcall-prologues'],
      ...['-Imodel', '-Iruntime', '-Iboard', ...defines],
      ...[`-DF_CPU=${clockHz}UL`, `-DTHIMBLE_BAUD=${serial.baud}UL`, ...extraFlags, ...sources],
      ...Object.entries(sizes).map(([name, bytes]) => `-Wl,--defsym=__${name}_REGION_LENGTH__=${bytes}`),
      ...['-Wl,--gc-sections', '-Wl,-Map=build/firmware.map', '-o', 'build/firmware.elf'],
    ],
    objcopy(AVR, 'binary', 'build/firmware.elf', 'build/firmware.bin'),
    objcopy(AVR, 'ihex', 'build/firmware.elf', 'build/firmware.hex'),
  ];
}

const objcopy = (prefix: string, format: 'binary' | 'ihex', from: string, to: string): string[] => [
  ...[`${prefix}objcopy`, '-O', format, from, to],
];

/** The RP2040's second boot stage, linked alone: it is sealed before it goes in front of the program. */
export const boot2Commands = (): readonly (readonly string[])[] => [
  [
    ...[`${ARM}gcc`, '-mcpu=cortex-m0plus', '-mthumb', '-nostdlib', '-Lboard', '-T', 'boot2.ld', 'board/boot2.S'],
    ...['-o', 'build/boot2.elf'],
  ],
  objcopy(ARM, 'binary', 'build/boot2.elf', 'build/boot2.bin'),
];

export const hostCommand = ({ sources, defines, extraFlags }: CompileParts): readonly string[] => [
  'cc',
  ...['-std=c99', '-O2', ...warnings, '-Imodel', '-Iruntime', '-Iboard', ...defines, ...extraFlags],
  ...sources,
  ...['-o', 'build/firmware'],
];
