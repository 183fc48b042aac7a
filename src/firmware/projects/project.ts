/** A firmware as a project of somebody else's toolchain: every file of it, and the commands that build it there. */
import type { BoardSpec } from '../../core/board-spec.js';
import type { EmittedFile } from '../../core/emitted-file.js';
import type { FirmwareImage } from '../../core/firmware-image.js';
import type { Graph } from '../../core/graph.js';
import type { MlperfId } from '../model-binding.js';

export interface ProjectParts {
  readonly board: BoardSpec;
  readonly modelFiles: readonly EmittedFile[]; // emitCModel's
  readonly modelName: string; // their prefix
  readonly graph: Graph; // they were emitted from
  readonly modelSha256: string; // of the .tflite
  /** model_data.h and model_data.c, with the same prefix: for templates that interpret the model. */
  readonly arrayFiles: readonly EmittedFile[];
  readonly hooks: boolean; // compile the layer hooks in
  readonly mlperfId?: MlperfId | undefined;
}

export interface ProjectFile extends EmittedFile {
  /** A person's part: written once, and never over what stands there. */
  readonly yours?: true;
}

export interface ProjectTemplate {
  readonly name: string; // BoardSpec.template, --template, and its folder in firmware-templates
  readonly about: string; // for the help and the project's page
  /** Why it cannot be rendered for a board, as a sentence; undefined where it can. */
  refusal(board: BoardSpec): string | undefined;
  /** Paths relative to the project's folder. */
  render(parts: ProjectParts): readonly ProjectFile[];
  /** What builds it, run in the project's folder; the first word of the first is the toolchain that must be there. */
  commands(parts: Pick<ProjectParts, 'board' | 'modelName'>): readonly (readonly string[])[];
  /** What to do before these commands can work, where installing the first one is not enough. */
  before?(board: BoardSpec): string | undefined;
  /** What else a person does with it, a sentence for the project's page. */
  page?(parts: Pick<ProjectParts, 'modelName'>): string;
  /** Name of an environment variable without which a build cannot work. */
  environment?(board: BoardSpec): string | undefined;
  /** The files that a build left in the folder, as flash methods take them; undefined where there is no whole image. */
  image(folder: string, board: BoardSpec, modelName: string): ProjectImage | undefined;
}

export type ProjectImage = Pick<FirmwareImage, 'executable' | 'uf2' | 'hex' | 'bin' | 'parts'>;
