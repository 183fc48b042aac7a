/** An int8 model as C in a folder. */
import { basename } from 'node:path';
import type { BoardSpec, Core } from '../core/board-spec.js';
import { emitCArray } from '../emit/c-array.js';
import { cNameFrom } from '../emit/c-model/c-name.js';
import { type CModel, emitCModel } from '../emit/c-model.js';
import { packageVersion } from '../files/package-folder.js';
import type { ChoiceOptions, Optimize } from '../plan/choose-implementations.js';
import { kernelText } from './kernel-files.js';
import type { LoadedModel } from './load-model.js';
import { writeEmitted } from './write-emitted.js';

/** What the kernels are chosen for; see chooseImplementations. */
export interface KernelOptions {
  readonly optimize?: Optimize | undefined; // default balanced
  readonly maxFlashBytes?: number | undefined; // default: what the board leaves for a model
  readonly maxRamBytes?: number | undefined;
  readonly accept?: ChoiceOptions['accept'] | undefined;
}

export interface EmitOptions extends KernelOptions {
  readonly as: 'c-model' | 'c-array';
  readonly name?: string | undefined; // default: from the file's name
  readonly target?: Core | undefined; // default: the board's core, or generic
  readonly board?: BoardSpec | undefined;
}

export interface EmitResult {
  readonly files: readonly string[]; // relative to the folder
  readonly arenaBytes: number | null;
  readonly arenaLowerBoundBytes: number | null;
  readonly weightBytes: number | null;
  readonly macs: number | null;
  readonly kernels: readonly string[] | null; // the variant chosen for each layer
}

/** @throws ThimbleError E_USAGE (name), E_QUANT, E_FILE and whatever the emitters throw; then nothing is written */
export function emitToFolder(model: LoadedModel, folder: string, options: EmitOptions): EmitResult {
  if (options.as === 'c-array') {
    const files = emitCArray(model.bytes, model.graph, options.name ?? 'model_data');
    const about = { thimble: packageVersion(), kind: 'c-array', modelSha256: model.sha256 };
    const none = { arenaBytes: null, arenaLowerBoundBytes: null, weightBytes: null, macs: null, kernels: null };
    return { files: writeEmitted(folder, files, about), ...none };
  }
  const { files, manifest, report } = cModelOf(model, options);
  return {
    files: writeEmitted(folder, files, { ...manifest }),
    arenaBytes: report.arenaBytes,
    arenaLowerBoundBytes: report.lowerBoundBytes,
    weightBytes: report.weightBytes,
    macs: report.macs,
    kernels: report.kernels.map(({ variant }) => variant),
  };
}

/** The C model as values, for a build that adds firmware to it. */
export function cModelOf(model: LoadedModel, options: Omit<EmitOptions, 'as'>): CModel {
  const { name, target, board, optimize, accept } = options;
  const maxFlashBytes = options.maxFlashBytes ?? (board && board.flashBytes - board.reserved.flashBytes);
  const maxRamBytes =
    options.maxRamBytes ?? (board && board.ramBytes - board.reserved.ramBytes - board.reserved.stackBytes);
  return emitCModel(model.graph, {
    name: name ?? modelNameOf(model.path),
    target: target ?? board?.core ?? 'generic',
    kernelText,
    modelSha256: model.sha256,
    modelBytes: model.bytes.length,
    version: packageVersion(),
    ...(board && { board }),
    ...(optimize && { optimize }),
    ...(accept && { accept }),
    ...(maxFlashBytes !== undefined && { maxFlashBytes }),
    ...(maxRamBytes !== undefined && { maxRamBytes }),
  });
}

/** 'KWS-ref model.tflite' → 'kws_ref_model': a C identifier in lower case. */
export const modelNameOf = (path: string): string => cNameFrom(basename(path).replace(/\.[^.]*$/, ''));
