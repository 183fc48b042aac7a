/** Compilers, emulators and flashers: which are there, in which version, and for which boards they are needed. */
import { execa } from 'execa';
import type { BoardSpec } from '../../core/board-spec.js';
import { projectTemplateNamed } from '../../firmware/projects/index.js';
import { findProgram } from '../../tools/find-program.js';
import { installHint } from '../../tools/install-hint.js';
import type { Finding } from './finding.js';

interface Program {
  readonly command: string;
  readonly others?: readonly string[]; // names that do as well
  readonly version: readonly string[];
  readonly section: 'build' | 'flash';
  /** Whether a board needs it. */
  readonly needs: (board: BoardSpec) => boolean;
  /** What it is for, where no board's name says it. */
  readonly purpose?: string;
  /** Most people come without a board of this kind, or with one: what is missing here stops them. */
  readonly essential?: boolean;
}

const ARM_CORES = /^cortex-/;
const usesTemplate = (board: BoardSpec, tool: string): boolean =>
  projectTemplateNamed(board.template)?.commands({ board, modelName: 'model' })[0]?.[0] === tool;
const flashedBy =
  (method: string) =>
  ({ flash }: BoardSpec): boolean =>
    flash.method === method;
const orFlashedBy =
  (method: string) =>
  ({ flash }: BoardSpec): boolean =>
    [flash, ...(flash.others ?? [])].some((each) => each.method === method);

const programs: readonly Program[] = [
  {
    command: 'arm-none-eabi-gcc',
    version: ['--version'],
    section: 'build',
    needs: ({ template, core }) => template === 'baremetal-arm' && ARM_CORES.test(core),
    essential: true,
  },
  {
    command: 'cc',
    version: ['--version'],
    section: 'build',
    needs: ({ template }) => template === 'host',
    purpose: 'the emitted C on this computer, and thimble virtual --pty',
    essential: true,
  },
  {
    command: 'qemu-system-arm',
    version: ['--version'],
    section: 'build',
    needs: ({ virtual, core }) => virtual?.backend === 'qemu' && ARM_CORES.test(core),
    purpose: 'virtual boards with a Cortex-M',
    essential: true,
  },
  {
    command: 'riscv64-unknown-elf-gcc',
    version: ['--version'],
    section: 'build',
    needs: ({ template }) => template === 'baremetal-riscv',
  },
  {
    command: 'qemu-system-riscv32',
    version: ['--version'],
    section: 'build',
    needs: ({ virtual, core }) => virtual?.backend === 'qemu' && core === 'rv32imc',
  },
  { command: 'avr-gcc', version: ['--version'], section: 'build', needs: ({ core }) => core === 'avr' },
  {
    command: 'arduino-cli',
    version: ['version'],
    section: 'build',
    needs: (board) => usesTemplate(board, 'arduino-cli'),
    purpose: 'thimble build --template arduino, thimble flash --method arduino-cli',
  },
  { command: 'pio', version: ['--version'], section: 'build', needs: (board) => usesTemplate(board, 'pio') },
  {
    command: 'idf.py',
    version: ['--version'],
    section: 'build',
    needs: (board) => usesTemplate(board, 'idf.py'),
    purpose: 'thimble build --template esp-idf',
  },
  { command: 'west', version: ['--version'], section: 'build', needs: (board) => usesTemplate(board, 'west') },
  { command: 'cmake', version: ['--version'], section: 'build', needs: (board) => usesTemplate(board, 'cmake') },
  // avrdude 7 has no --version; -? prints it with the help.
  { command: 'avrdude', version: ['-?'], section: 'flash', needs: flashedBy('avrdude') },
  { command: 'bossac', version: ['--help'], section: 'flash', needs: flashedBy('bossac') },
  { command: 'dfu-util', version: ['--version'], section: 'flash', needs: flashedBy('dfu-util') },
  { command: 'openocd', version: ['--version'], section: 'flash', needs: flashedBy('openocd') },
  { command: 'stm32flash', version: [], section: 'flash', needs: orFlashedBy('stm32flash') },
  { command: 'teensy_loader_cli', version: ['--help'], section: 'flash', needs: flashedBy('teensy-loader-cli') },
  {
    command: 'esptool',
    others: ['esptool.py'],
    version: ['version'],
    section: 'flash',
    needs: orFlashedBy('esptool-py'),
    purpose: 'nothing that esptool-js does not do, which comes with Thimble',
  },
];

const SHOWN_BOARDS = 3;
const VERSION_TIMEOUT_MS = 10_000;

/** @param chosen the one board to look for, where one was named: then what it needs is essential */
export const examinePrograms = (boards: readonly BoardSpec[], chosen?: BoardSpec): Promise<readonly Finding[]> =>
  Promise.all(
    programs
      .filter(({ needs }) => chosen === undefined || needs(chosen))
      .map((program) => examine(program, boards, chosen)),
  );

async function examine(program: Program, boards: readonly BoardSpec[], chosen?: BoardSpec): Promise<Finding> {
  const { command, others = [], section, essential, purpose } = program;
  const base = { section, what: command, neededFor: purpose ?? boardsText(boards.filter(program.needs)) };
  const path = [command, ...others].map((name) => findProgram(name)).find((each) => each !== undefined);
  if (path === undefined)
    return {
      ...base,
      state: chosen || essential ? 'missing' : 'absent',
      found: 'not installed',
      fix: installHint(command),
    };
  const said = await execa(path, program.version, {
    reject: false,
    timeout: VERSION_TIMEOUT_MS,
    all: true,
    stdin: 'ignore',
  });
  return { ...base, state: 'ok', found: versionIn(String(said.all ?? '')) ?? path, fix: null };
}

/** The first line with a version in it, without its praise. */
function versionIn(text: string): string | undefined {
  const line = text.split('\n').find((each) => /\b\d+\.\d+/.test(each));
  return line?.trim().slice(0, 60);
}

function boardsText(boards: readonly BoardSpec[]): string {
  if (boards.length === 0) return 'projects of your own';
  const names = boards.slice(0, SHOWN_BOARDS).map(({ id }) => id);
  return `${names.join(', ')}${boards.length > SHOWN_BOARDS ? ' …' : ''}`;
}
