/** What an int8 model takes of a board: from a program that was linked and run where that can be done, else predicted. */
import type { BoardSpec } from '../../core/board-spec.js';
import { ThimbleError } from '../../core/errors.js';
import type { Origin } from '../../core/reading.js';
import { canRun, type EmulatedCore, emulatedCores } from '../../engines/core-program.js';
import { checkFit } from '../../plan/check-fit.js';
import type { Optimize } from '../../plan/choose-implementations.js';
import { benchOnCore } from '../bench-core.js';
import { describeModel } from '../describe-model.js';
import { cModelOf } from '../emit-model.js';
import type { LoadedModel } from '../load-model.js';

/** What accuracy may be held against. */
export const objectives = ['flash', 'ram', 'instructions', 'macs'] as const;
export type Objective = (typeof objectives)[number];

export interface Measured {
  readonly parameters: number;
  readonly macs: number;
  readonly tfliteBytes: number;
  readonly weightBytes: number; // weights and tables in flash, exact
  readonly arenaBytes: number; // exact
  readonly core: string; // that the kernels are for
  /** All of the model in a linked program, or weights and tables without code. */
  readonly flash: { readonly bytes: number; readonly basis: 'linked' | 'without code' };
  /** Arena, other static memory and the stack of one call, or the arena alone. */
  readonly ram: { readonly bytes: number; readonly basis: 'linked' | 'arena' };
  /** Of one inference: counted on an emulated core, or predicted by the cost table. Never a time. */
  readonly instructions: { readonly count: number; readonly origin: Origin };
  /** Whether every byte of every layer on the emulated core is the reference's; null where nothing ran. */
  readonly bitExact: boolean | null;
  readonly doesNotFit: string | null; // why, where a board is given
}

/** The core to count on, where this computer has its compiler and emulator. */
export function emulatedCoreOf(board: BoardSpec | undefined): EmulatedCore | null {
  if (!board || !Object.hasOwn(emulatedCores, board.core)) return null;
  const core = board.core as EmulatedCore;
  return canRun(emulatedCores[core]) ? core : null;
}

/** @throws ThimbleError as the emitter and the compiler do */
export function measure(
  model: Pick<LoadedModel, 'graph' | 'path' | 'sha256' | 'bytes'>,
  board: BoardSpec | undefined,
  optimize: Optimize,
  core: EmulatedCore | null,
): Measured {
  const { parameters, macs } = describeModel(model.graph);
  const { report } = cModelOf(model as LoadedModel, { name: 'model', board, optimize });
  const counted = core && benchOnCore(model, { core, optimize, ...budgets(board) });
  const predicted = report.kernels.reduce((sum, { instructions }) => sum + instructions, 0);
  const flashBytes = counted?.flash.totalBytes ?? report.weightBytes;
  return {
    parameters,
    macs,
    tfliteBytes: model.bytes.length,
    weightBytes: report.weightBytes,
    arenaBytes: report.arenaBytes,
    core: board?.core ?? 'generic',
    flash: { bytes: flashBytes, basis: counted ? 'linked' : 'without code' },
    ram: { bytes: counted?.ram.totalBytes ?? report.arenaBytes, basis: counted ? 'linked' : 'arena' },
    instructions: counted
      ? { count: counted.instructions, origin: counted.origin }
      : { count: predicted, origin: 'estimate' },
    bitExact: counted?.bitExact ?? null,
    doesNotFit: board ? unfit(() => checkFit(report.plan, flashBytes, board)) : null,
  };
}

/** The same budgets for the program on the emulated core as for the board. */
const budgets = (board: BoardSpec | undefined) =>
  board
    ? {
        maxRamBytes: board.ramBytes - board.reserved.ramBytes - board.reserved.stackBytes,
        maxFlashBytes: board.flashBytes - board.reserved.flashBytes,
      }
    : {};

function unfit(check: () => unknown): string | null {
  try {
    check();
    return null;
  } catch (error) {
    if (error instanceof ThimbleError && error.code === 'E_DOES_NOT_FIT') return error.message;
    throw error;
  }
}
