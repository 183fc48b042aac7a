/** Renders a project of another toolchain into a folder, and builds it where that toolchain is installed. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import type { BoardSpec } from '../core/board-spec.js';
import { ThimbleError } from '../core/errors.js';
import type { FirmwareImage } from '../core/firmware-image.js';
import type { OnEvent } from '../core/stage-event.js';
import { packageVersion } from '../files/package-folder.js';
import { writeFileWhole } from '../files/write-file.js';
import { findProgram } from '../tools/find-program.js';
import { installHint } from '../tools/install-hint.js';
import { runTool } from '../tools/run-tool.js';
import { elfSize } from './elf-size.js';
import { shellLine } from './project-text.js';
import { isEsp32 } from './projects/esp-parts.js';
import { projectTemplateNamed } from './projects/index.js';
import type { ProjectParts, ProjectTemplate } from './projects/project.js';

const MANIFEST = 'thimble-project.json';
const BUILD_TIMEOUT_MS = 1_800_000; // a first build of a framework compiles all of it

export interface RenderedProject {
  readonly folder: string;
  readonly files: readonly string[]; // written now
  readonly kept: readonly string[]; // a person's, left as they are
  readonly image: FirmwareImage | null; // null: rendered, not built
  /** Lines to type for what was not done here, the exact next command first; none after a build. */
  readonly next: readonly string[];
}

/**
 * Files of an earlier rendering go, a person's own stay; where the toolchain is there it builds.
 * @throws ThimbleError E_USAGE (no such board in the template), E_FILE, E_BUILD_FAILED, E_DOES_NOT_FIT, E_INTERRUPTED
 */
export async function buildProject(
  template: ProjectTemplate,
  parts: ProjectParts,
  folder: string,
  options: { readonly onEvent?: OnEvent | undefined; readonly signal?: AbortSignal | undefined } = {},
): Promise<RenderedProject> {
  const { board, modelName } = parts;
  refuse(template, board);
  const home = resolve(folder);
  const { files, kept } = write(template, parts, home);
  const commands = template.commands(parts);
  const [tool] = commands[0]!;
  if (!isReady(template, board, tool!))
    return { folder: home, files, kept, image: null, next: nextLines(template, commands, home, board) };
  options.onEvent?.({ stage: 'build', message: `${template.name} builds ${modelName} for ${board.name}` });
  for (const command of commands)
    await runTool(command, {
      folder: home,
      signal: options.signal,
      timeoutMs: BUILD_TIMEOUT_MS,
      failure: {
        code: 'E_BUILD_FAILED',
        hints: [`Run it yourself to see all it says: cd ${home}; ${shellLine(command)}`],
      },
    });
  const image = imageIn(template, home, board, modelName);
  if (image) return { folder: home, files, kept, image, next: [] };
  throw new ThimbleError(
    'E_BUILD_FAILED',
    `${tool} ended without complaint, but left no image where ${template.name} puts it`,
    `Look into ${home}; thimble flash takes an image file too.`,
  );
}

/** The program that a board's project cannot be built without, where it is not there: known before anything long begins. */
export function missingToolchain(board: BoardSpec): string | undefined {
  const template = projectTemplateNamed(board.template);
  const tool = template?.commands({ board, modelName: 'model' })[0]?.[0];
  return template && tool !== undefined && !isReady(template, board, tool) ? tool : undefined;
}

function isReady(template: ProjectTemplate, board: BoardSpec, tool: string): boolean {
  const variable = template.environment?.(board);
  return findProgram(tool) !== undefined && (variable === undefined || Boolean(process.env[variable]));
}

/** @throws ThimbleError E_USAGE with what the template says */
export function refuse(template: ProjectTemplate, board: BoardSpec): void {
  const why = template.refusal(board);
  if (why !== undefined)
    throw new ThimbleError('E_USAGE', `no ${template.name} project for "${board.id}": ${why}`, [
      'thimble boards says what there is for each board.',
      `The model alone, for a project of your own: thimble emit MODEL --board ${board.id}`,
    ]);
}

function write(template: ProjectTemplate, parts: ProjectParts, home: string): Pick<RenderedProject, 'files' | 'kept'> {
  const rendered = template.render(parts);
  for (const path of readManifest(home)?.files ?? []) rmSync(join(home, path), { force: true });
  const kept: string[] = [];
  const files: string[] = [];
  for (const { path, content, yours } of rendered) {
    if (yours && existsSync(join(home, path))) {
      kept.push(path);
      continue;
    }
    writeFileWhole(join(home, path), content);
    files.push(path);
  }
  const ours = rendered.filter(({ yours }) => !yours).map(({ path }) => path);
  const { board, modelName } = parts;
  const page = { path: 'README.md', content: projectPage(template, parts) };
  writeFileWhole(join(home, page.path), page.content);
  const manifest = { thimble: packageVersion(), template: template.name, board: board.id, model: modelName };
  writeFileWhole(join(home, MANIFEST), `${JSON.stringify({ ...manifest, files: [...ours, page.path] }, null, 2)}\n`);
  return { files: [...files, page.path, MANIFEST], kept };
}

const manifestFields = z.object({
  template: z.string(),
  board: z.string(),
  model: z.string(),
  // Only names below the folder: what is listed here is removed.
  files: z.array(z.string().regex(/^(?!\/)(?!.*\.\.)[\w./ -]+$/)),
});

/** Undefined where there is none, or none of ours. */
function readManifest(home: string): z.infer<typeof manifestFields> | undefined {
  try {
    return manifestFields.parse(JSON.parse(readFileSync(join(home, MANIFEST), 'utf8')));
  } catch {
    return undefined;
  }
}

/** The image that a build left in a rendered project; undefined where the folder is none, or holds none. */
export function builtProject(board: BoardSpec, folder: string): FirmwareImage | undefined {
  const home = resolve(folder);
  const manifest = readManifest(home);
  const template = projectTemplateNamed(manifest?.template);
  if (!manifest || !template || manifest.board !== board.id) return undefined;
  return imageIn(template, home, board, manifest.model);
}

/** The id of the board that a rendered project in the folder is for; undefined where there is none. */
export const projectBoard = (folder: string): string | undefined => readManifest(resolve(folder))?.board;

/** Whether the folder is a rendered project, so that a build is what is missing. */
export const projectCommands = (board: BoardSpec, folder: string): readonly string[] | undefined => {
  const manifest = readManifest(resolve(folder));
  const template = projectTemplateNamed(manifest?.template);
  return manifest && template
    ? nextLines(template, template.commands({ board, modelName: manifest.model }), resolve(folder), board)
    : undefined;
};

function imageIn(
  template: ProjectTemplate,
  folder: string,
  board: BoardSpec,
  modelName: string,
): FirmwareImage | undefined {
  const files = template.image(folder, board, modelName);
  if (!files) return undefined;
  // An ESP32's ELF describes several views of the same memories: its sections do not add up to what is taken.
  const measured = isEsp32(board) ? null : elfSize(readFileSync(files.executable));
  // avr-libc's linker script has no section for the stack, which would grow into the variables.
  const size = measured && board.core === 'avr' ? { ...measured, stackBytes: board.reserved.stackBytes } : measured;
  return { boardId: board.id, folder, ...files, size };
}

function nextLines(
  template: ProjectTemplate,
  commands: readonly (readonly string[])[],
  folder: string,
  board: BoardSpec,
): readonly string[] {
  const [tool] = commands[0]!;
  const before = template.before?.(board);
  return [
    ...(findProgram(tool!) === undefined ? [installHint(tool!)] : []),
    ...(before === undefined ? [] : [before]),
    ...[['cd', folder], ...commands].map(shellLine),
    `thimble flash ${shellLine([folder])} --board ${board.id}`,
  ];
}

function projectPage(template: ProjectTemplate, parts: ProjectParts): string {
  const before = template.before?.(parts.board);
  return `# ${parts.modelName} for ${parts.board.name}

Made by Thimble: ${template.about}.

    ${[...(before === undefined ? [] : [`# first: ${before}`]), ...template.commands(parts).map(shellLine)].join('\n    ')}
    thimble flash . --board ${parts.board.id}
    thimble verify MODEL --board ${parts.board.id} --data DATA
${template.page ? `\n${template.page(parts)}\n` : ''}
Your part is the sketch (${template.render(parts).find(({ yours }) => yours)?.path ?? 'none'}): threshold, debounce, where samples come
from and what happens with results. \`thimble build\` makes everything else anew, and leaves the sketch alone.
`;
}
