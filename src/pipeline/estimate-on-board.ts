/** What a model would take of a board that is not there: predicted, with the range of the guess and what it rests on. */
import type { BoardSpec } from '../core/board-spec.js';
import type { CModelReport } from '../emit/c-model.js';
import { checkFit, type Fit } from '../plan/check-fit.js';
import type { Optimize } from '../plan/choose-implementations.js';
import { estimateLatency, type LatencyEstimate } from '../plan/estimate-latency.js';
import { loadCalibration } from './calibration-file.js';
import { cModelOf, modelNameOf } from './emit-model.js';
import type { LoadedModel } from './load-model.js';

export interface BoardEstimate {
  readonly id: string;
  readonly optimize: Optimize;
  readonly fit: Fit; // weights and tables in flash, without code
  readonly layers: readonly { readonly variant: string; readonly instructions: number }[];
  readonly latency: LatencyEstimate;
}

/** The model's C for a board, or for any, as figures. @throws ThimbleError what the emitter throws */
export const emittedReport = (model: LoadedModel, board: BoardSpec | undefined, optimize: Optimize): CModelReport =>
  cModelOf(model, { name: modelNameOf(model.path), board, optimize }).report;

/** @throws ThimbleError E_DOES_NOT_FIT; E_CONFIG where the board's calibration is damaged */
export function estimateOnBoard(report: CModelReport, board: BoardSpec, optimize: Optimize): BoardEstimate {
  const instructions = report.kernels.reduce((sum, each) => sum + each.instructions, 0);
  return {
    id: board.id,
    optimize,
    fit: checkFit(report.plan, report.weightBytes, board),
    layers: report.kernels,
    latency: estimateLatency(instructions, board, loadCalibration(board.id)),
  };
}
