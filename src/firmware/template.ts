/** Which sources of firmware-templates a board's firmware is made of, and how its compiler is called. */
import type { BoardSpec, Core } from '../core/board-spec.js';
import { ThimbleError } from '../core/errors.js';
import { refuse } from './build-project.js';
import { projectTemplateNamed, projectTemplates } from './projects/index.js';

export interface Chip {
  readonly folder: string; // in firmware-templates/baremetal-arm
  readonly linkerScript: string;
  readonly boot2: boolean;
}

/** Chips of the bare-metal template by BoardSpec.mcu. */
const chips: Readonly<Record<string, Chip>> = {
  RP2040: { folder: 'rp2040', linkerScript: 'thimble_rp2040.ld', boot2: true },
  AN385: { folder: 'mps2', linkerScript: 'thimble_mps2.ld', boot2: false },
  AN386: { folder: 'mps2', linkerScript: 'thimble_mps2.ld', boot2: false },
};

/** Whether a build for the board can work today, its compiler installed. */
export const isBuildable = (board: BoardSpec): boolean =>
  board.template === 'host' ||
  (board.template === 'baremetal-arm' && chips[board.mcu] !== undefined) ||
  (projectTemplateNamed(board.template) !== undefined &&
    projectTemplateNamed(board.template)?.refusal(board) === undefined);

/** The templates that can be asked for with --template, the board's own first. */
export const templatesOf = (board: BoardSpec): readonly string[] => [
  ...new Set([
    ...(board.template === undefined ? [] : [board.template]),
    ...projectTemplates.filter(({ refusal }) => refusal(board) === undefined).map(({ name }) => name),
  ]),
];

/**
 * The board with the template that was asked for.
 * @throws ThimbleError E_USAGE where there is none of that name for it
 */
export function withTemplate(board: BoardSpec, name: string | undefined): BoardSpec {
  if (name === undefined || name === board.template) return board;
  const names = templatesOf(board);
  if (names.includes(name)) return { ...board, template: name };
  const asked = projectTemplateNamed(name);
  if (asked) refuse(asked, board);
  throw new ThimbleError(
    'E_USAGE',
    `there is no template "${name}" for the ${board.name}`,
    names.length > 0
      ? `Choose one of: ${names.join(', ')}`
      : `thimble emit MODEL --board ${board.id} writes the model alone.`,
  );
}

/**
 * Before anything long is begun for a board that nothing builds for.
 * @throws ThimbleError E_USAGE
 */
export function refuseWithoutTemplate({ id, name, template }: BoardSpec): void {
  if (template !== undefined) return;
  throw new ThimbleError('E_USAGE', `Thimble does not build a whole program for the ${name} yet`, [
    `The model itself it does: thimble emit MODEL --board ${id} writes C99 to add to a project of your own.`,
    'thimble boards says which boards are built for.',
  ]);
}

/** @throws ThimbleError E_BOARD_FILE for a chip that the template does not know, E_USAGE without a template */
export function chipOf(board: BoardSpec): Chip {
  refuseWithoutTemplate(board);
  const { id, mcu, template } = board;
  const chip = chips[mcu];
  if (template === 'baremetal-arm' && chip) return chip;
  throw new ThimbleError(
    'E_BOARD_FILE',
    `no bare-metal start-up code for "${mcu}"; there is some for ${Object.keys(chips).join(', ')}`,
    'Choose another template in the board file, or emit the C model (thimble emit) into a project of your own.',
    { where: `in board "${id}" at $.mcu` },
  );
}

/** The emitter's targets that the Arm compiler builds for; all without a floating-point unit's registers in calls. */
const cpus: Partial<Record<Core, string>> = {
  'cortex-m0': 'cortex-m0',
  'cortex-m0plus': 'cortex-m0plus',
  'cortex-m3': 'cortex-m3',
  'cortex-m4': 'cortex-m4',
  'cortex-m7': 'cortex-m7',
  'cortex-m33': 'cortex-m33',
  'cortex-m55': 'cortex-m55',
};

export const ARM_COMPILER = 'arm-none-eabi-gcc';
const warnings = ['-Wall', '-Wextra'];

/** Paths are relative to the project folder, so that a person can type the line there. */
export interface CompileParts {
  readonly board: BoardSpec;
  readonly sources: readonly string[];
  readonly defines: readonly string[];
  readonly extraFlags: readonly string[];
}

export function armCommand({ board, sources, defines, extraFlags }: CompileParts): readonly string[] {
  const cpu = cpus[board.core];
  if (cpu === undefined)
    throw new ThimbleError(
      'E_BOARD_FILE',
      `the bare-metal template cannot build for a ${board.core}`,
      'Choose another template in the board file.',
      { where: `in board "${board.id}" at $.core` },
    );
  const { flashBytes, ramBytes, reserved } = board;
  const sizes = { FLASH_BYTES: flashBytes, RAM_BYTES: ramBytes, STACK_BYTES: reserved.stackBytes };
  return [
    ARM_COMPILER,
    ...[`-mcpu=${cpu}`, '-mthumb', '-mfloat-abi=soft', '-std=c99', '-O2', ...warnings],
    ...['-ffunction-sections', '-fdata-sections', '-fno-common'],
    ...['-Imodel', '-Iruntime', '-Iboard', ...defines, `-DTHIMBLE_BAUD=${board.serial.baud}u`, ...extraFlags],
    ...sources,
    ...['-nostartfiles', '--specs=nano.specs', '-Lboard', '-T', chipOf(board).linkerScript],
    ...Object.entries(sizes).map(([name, bytes]) => `-Wl,--defsym=THIMBLE_${name}=${bytes}`),
    ...['-Wl,--gc-sections', '-Wl,--no-warn-rwx-segments', '-Wl,-Map=build/firmware.map'],
    ...['-o', 'build/firmware.elf'],
  ];
}

export const hostCommand = ({ sources, defines, extraFlags }: CompileParts): readonly string[] => [
  'cc',
  ...['-std=c99', '-O2', ...warnings, '-Imodel', '-Iruntime', '-Iboard', ...defines, ...extraFlags],
  ...sources,
  ...['-o', 'build/firmware'],
];
