/** An int8 model as a firmware image for one board. */
import { join } from 'node:path';
import type { BoardSpec } from '../core/board-spec.js';
import { ThimbleError } from '../core/errors.js';
import type { FirmwareImage } from '../core/firmware-image.js';
import type { OnEvent } from '../core/stage-event.js';
import { emitCArray } from '../emit/c-array.js';
import { tflmArena } from '../emit/tflm-arena.js';
import { buildFirmware } from '../firmware/build-firmware.js';
import { buildProject } from '../firmware/build-project.js';
import type { MlperfId } from '../firmware/model-binding.js';
import { projectTemplateNamed } from '../firmware/projects/index.js';
import { refuseWithoutTemplate, withTemplate } from '../firmware/template.js';
import { checkFit } from '../plan/check-fit.js';
import { cModelOf, type KernelOptions, modelNameOf } from './emit-model.js';
import type { LoadedModel } from './load-model.js';

export interface BuildRequest extends KernelOptions {
  readonly board: BoardSpec;
  readonly folder: string; // of the project; an earlier one in it is replaced
  readonly name?: string | undefined; // of the C model
  readonly template?: string | undefined; // default: the board's
  readonly mlperfId?: MlperfId | undefined; // see Binding
  readonly hooks?: boolean | undefined; // layer hooks, for per-layer readings; default true
  readonly onEvent?: OnEvent | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a firmware takes of its board, against what there is. */
export interface BoardUse {
  readonly flashBytes: number;
  readonly flashLimitBytes: number;
  readonly ramBytes: number; // variables and stack
  readonly ramLimitBytes: number;
}

export interface Built {
  readonly image: FirmwareImage | null; // null: a project was rendered whose toolchain is not installed here
  readonly template: string;
  readonly files: readonly string[]; // of a rendered project; empty where Thimble compiles itself
  readonly kept: readonly string[]; // of those, a person's own that were left alone
  readonly next: readonly string[]; // lines to type where image is null, the next one first
  readonly arenaBytes: number;
  readonly arenaLowerBoundBytes: number;
  readonly weightBytes: number;
  readonly use: BoardUse | null; // null for the program on this computer, and where the toolchain tells no sizes
}

/** @throws ThimbleError E_DOES_NOT_FIT before and after the build, E_TOOL_MISSING, E_BUILD_FAILED, E_INTERRUPTED */
export async function build(model: LoadedModel, request: BuildRequest): Promise<Built> {
  const { folder, onEvent, signal } = request;
  const board = withTemplate(request.board, request.template);
  refuseWithoutTemplate(board);
  const modelName = request.name ?? modelNameOf(model.path);
  const { optimize, maxFlashBytes, maxRamBytes } = request;
  const { files, report } = cModelOf(model, { name: modelName, board, optimize, maxFlashBytes, maxRamBytes });
  checkFit(report.plan, report.weightBytes, board); // before any compiler runs
  checkInterpreterFits(model, board);
  const { hooks = true, mlperfId } = request;
  const parts = { board, modelFiles: files, modelName, graph: model.graph, hooks, mlperfId };
  const project = projectTemplateNamed(board.template);
  const { image, ...rendered } = project
    ? await buildProject(project, { ...parts, ...arrayOf(model, modelName, board) }, folder, { onEvent, signal })
    : {
        image: await buildFirmware({ ...parts, folder, ...(onEvent && { onEvent }), ...(signal && { signal }) }),
        ...{ files: [], kept: [], next: [] },
      };
  const use = image && useOf(image, board);
  if (use) checkUse(use, board);
  return {
    image,
    template: board.template!,
    ...{ files: rendered.files, kept: rendered.kept, next: rendered.next },
    ...(board.template === TFLM
      ? interpretedFigures(model, board)
      : {
          arenaBytes: report.arenaBytes,
          arenaLowerBoundBytes: report.lowerBoundBytes,
          weightBytes: report.weightBytes,
        }),
    use,
  };
}

const TFLM = 'tflm';

/** What TensorFlow Lite Micro takes for the model: its own arena, and the whole file. */
function interpretedFigures({ bytes, graph }: LoadedModel, board: BoardSpec) {
  const arena = tflmArena(graph, { vectors: board.facts?.mve === true });
  return { arenaBytes: arena.bytes, arenaLowerBoundBytes: arena.planBytes, weightBytes: bytes.length };
}

/** @throws ThimbleError E_DOES_NOT_FIT where the interpreter's arena alone is more RAM than there is */
function checkInterpreterFits(model: LoadedModel, board: BoardSpec): void {
  if (board.template !== TFLM) return;
  const { arenaBytes } = interpretedFigures(model, board);
  const left = board.ramBytes - board.reserved.ramBytes - board.reserved.stackBytes;
  if (arenaBytes <= left) return;
  throw new ThimbleError(
    'E_DOES_NOT_FIT',
    `TensorFlow Lite Micro needs an arena of ${arenaBytes.toLocaleString('en-US')} bytes; ${board.name} leaves ${left.toLocaleString('en-US')}`,
    ['Thimble’s own C needs less: build without --template tflm', 'Prune channels: --prune channels=0.5'],
  );
}

const arrayOf = ({ bytes, graph, sha256 }: LoadedModel, modelName: string, board: BoardSpec) => ({
  modelSha256: sha256,
  arrayFiles: emitCArray(bytes, graph, modelName, { vectors: board.facts?.mve === true }),
});

/**
 * The image of a build that must go on to a board.
 * @throws ThimbleError E_TOOL_MISSING where only a project was rendered
 */
export function requireImage({ image, template, next }: Built, folder: string): FirmwareImage {
  if (image) return image;
  throw new ThimbleError(
    'E_TOOL_MISSING',
    `the ${template} project is in ${folder}, but its toolchain is not installed here`,
    next.slice(0, 3),
  );
}

/** Where projects go that nobody named a folder for: in the working folder, out of the way, one a model and board. */
export const defaultProjectFolder = (model: LoadedModel, board: BoardSpec): string =>
  join('.thimble', `${modelNameOf(model.path)}-${board.id}`);

function useOf({ size }: FirmwareImage, board: BoardSpec): BoardUse | null {
  // The program's size says nothing there: its flash and RAM are this computer's.
  if (size === null || board.template === 'host') return null;
  return {
    flashBytes: size.flashBytes,
    flashLimitBytes: board.flashBytes,
    ramBytes: size.ramBytes + size.stackBytes,
    ramLimitBytes: board.ramBytes,
  };
}

function checkUse(use: BoardUse, board: BoardSpec): void {
  if (use.flashBytes <= use.flashLimitBytes && use.ramBytes <= use.ramLimitBytes) return;
  throw new ThimbleError(
    'E_DOES_NOT_FIT',
    `the firmware takes ${use.flashBytes} B of flash and ${use.ramBytes} B of RAM; ${board.name} has ${use.flashLimitBytes} B and ${use.ramLimitBytes} B`,
    ['Prune channels: --prune channels=0.5', 'Choose a larger board: thimble boards'],
  );
}
