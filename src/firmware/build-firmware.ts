/**
 * Builds a board's firmware: the emitted model, the runtime, the board's start-up code and the binding between them are
 * laid out as a project that a person can build again by hand, and compiled.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import type { BoardSpec } from '../core/board-spec.js';
import { sealBoot2 } from '../core/boot2.js';
import type { EmittedFile } from '../core/emitted-file.js';
import type { FirmwareImage } from '../core/firmware-image.js';
import type { Graph } from '../core/graph.js';
import type { OnEvent } from '../core/stage-event.js';
import { encodeUf2, RP2040_FAMILY } from '../core/uf2.js';
import { packageFolder } from '../files/package-folder.js';
import { writeFileWhole } from '../files/write-file.js';
import { runTool } from '../tools/run-tool.js';
import { builtProject } from './build-project.js';
import type { Chip } from './chips/index.js';
import { boot2Commands, crossCommands, hostCommand } from './compile.js';
import { elfSize } from './elf-size.js';
import { type MlperfId, modelBindingText } from './model-binding.js';
import { buildScript, projectReadme } from './project-text.js';
import { projectTemplateNamed } from './projects/index.js';
import { chipOf } from './template.js';

export interface BuildOptions {
  readonly board: BoardSpec;
  readonly modelFiles: readonly EmittedFile[]; // emitCModel's, with hooks possible
  readonly modelName: string; // their prefix
  readonly graph: Graph; // they were emitted from
  readonly mlperfId?: MlperfId | undefined;
  readonly hooks: boolean; // compile the layer hooks in: the protocol's `layers` and `layer` need them
  readonly folder: string; // for the project; made if absent, an earlier project in it is replaced
  readonly extraFlags?: readonly string[]; // to the compiler: sanitizers in tests
  readonly onEvent?: OnEvent;
  readonly signal?: AbortSignal;
}

const templates = join(packageFolder, 'firmware-templates');

/**
 * @throws ThimbleError E_TOOL_MISSING, E_BUILD_FAILED, E_DOES_NOT_FIT, E_BOARD_FILE (no start-up code for the chip),
 * E_FILE, E_INTERRUPTED
 */
export async function buildFirmware(options: BuildOptions): Promise<FirmwareImage> {
  const { board, modelName, onEvent, signal } = options;
  const folder = resolve(options.folder);
  const chip = board.template === 'host' ? undefined : chipOf(board);
  const sources = writeProject(options, folder, chip);
  onEvent?.({ stage: 'build', message: `compiling ${sources.length} files for ${board.name}` });
  if (chip?.boot2) sources.push(await buildBoot2(folder, signal));
  const parts = {
    board,
    sources,
    defines: options.hooks ? [`-D${modelName.toUpperCase()}_LAYER_HOOK=thimble_layer_hook`] : [],
    extraFlags: options.extraFlags ?? [],
  };
  const commands = chip ? crossCommands(chip, parts) : [hostCommand(parts)];
  writeFileWhole(join(folder, 'build.sh'), buildScript(commands));
  writeFileWhole(join(folder, 'README.md'), projectReadme(board, modelName));
  for (const command of commands) await runTool(command, { folder, signal });
  return imageOf(board, folder, chip);
}

/** Lays the sources out in the folder and returns those to compile, relative to it. */
function writeProject({ board, modelFiles, ...binding }: BuildOptions, folder: string, chip?: Chip): string[] {
  for (const part of ['model', 'runtime', 'board', 'build'])
    rmSync(join(folder, part), { recursive: true, force: true });
  mkdirSync(join(folder, 'build'), { recursive: true });
  const written: string[] = [];
  const write = (path: string, content: string | Uint8Array): void => {
    writeFileWhole(join(folder, path), content);
    written.push(path);
  };
  const copy = (from: string, to: string, wanted = (file: string) => /\.(c|h|ld|S)$/.test(file)): void => {
    for (const file of readdirSync(join(templates, from)).filter(wanted).sort())
      write(`${to}/${file}`, readFileSync(join(templates, from, file)));
  };
  for (const { path, content } of modelFiles) write(`model/${path}`, content);
  copy('runtime', 'runtime', (file) => runtimeFile.test(file));
  if (chip) {
    if (chip.linkerScript !== undefined) copy('baremetal', 'board');
    for (const part of ['common', ...chip.folders]) copy(`${chip.template}/${part}`, 'board');
  } else copy('host', 'board', (file) => file === 'main.c');
  write('model_binding.c', modelBindingText({ boardId: board.id, ...binding }));
  return written.filter((path) => path.endsWith('.c')).sort();
}

/** The kernels' shared headers travel with the emitted model, under its name. */
const runtimeFile = /^thimble_(?!base|fixed_point)\w+\.[ch]$/;

/** The second boot stage is linked alone, sealed with its checksum and handed to the build as bytes. */
async function buildBoot2(folder: string, signal?: AbortSignal): Promise<string> {
  for (const command of boot2Commands()) await runTool(command, { folder, signal });
  const bytes = [...sealBoot2(readFileSync(join(folder, 'build/boot2.bin')))];
  const rows = Array.from({ length: 16 }, (_, row) => `    .byte ${bytes.slice(16 * row, 16 * row + 16).join(', ')}`);
  writeFileSync(
    join(folder, 'board/boot2_image.S'),
    `/* boot2.S assembled, with the CRC that the ROM checks in its last four bytes. Written by the build. */
    .section .boot2, "a"
${rows.join('\n')}
`,
  );
  return 'board/boot2_image.S';
}

function imageOf(board: BoardSpec, folder: string, chip?: Chip): FirmwareImage {
  const executable = join(folder, 'build', chip ? 'firmware.elf' : 'firmware');
  const measured = elfSize(readFileSync(executable));
  // avr-libc's linker script has no section for the stack, but the build has kept its room free.
  const size =
    measured && chip?.template === 'baremetal-avr' ? { ...measured, stackBytes: board.reserved.stackBytes } : measured;
  const image = { boardId: board.id, folder, executable, size };
  if (!chip) return image;
  const built = (form: string): string => join(folder, 'build', `firmware.${form}`);
  const forms = { ...image, bin: built('bin'), hex: built('hex') };
  if (board.flash.method !== 'uf2') return forms;
  const family = Number(board.flash.options?.['familyId'] ?? RP2040_FAMILY);
  writeFileWhole(built('uf2'), encodeUf2(readFileSync(forms.bin), chip.flashAddress, family));
  return { ...forms, uf2: built('uf2') };
}

/** The image that an earlier build left in a folder, or undefined where there is none for this board. */
export function builtFirmware(board: BoardSpec, folder: string): FirmwareImage | undefined {
  const project = builtProject(board, folder);
  if (project || projectTemplateNamed(board.template)) return project;
  const chip = board.template === 'host' ? undefined : chipOf(board);
  const executable = join(resolve(folder), 'build', chip ? 'firmware.elf' : 'firmware');
  return existsSync(executable) ? imageOf(board, resolve(folder), chip) : undefined;
}

export const imageName = ({ uf2, executable }: FirmwareImage): string => basename(uf2 ?? executable);
