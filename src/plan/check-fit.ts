/** Whether a model fits a board: before anything is built, and with the node to blame. */
import type { BoardSpec } from '../core/board-spec.js';
import { ThimbleError } from '../core/errors.js';
import type { MemoryPlan } from './plan-memory.js';

export interface Fit {
  readonly ramBytes: number; // what the model needs: arena + state + stack
  readonly ramLimitBytes: number;
  readonly flashBytes: number;
  readonly flashLimitBytes: number;
}

/**
 * @param flashBytes the model's weights and code; an estimate will do before the build
 * @throws ThimbleError E_DOES_NOT_FIT, which says by how much and names the node where the arena peaks
 */
export function checkFit(plan: MemoryPlan, flashBytes: number, board: BoardSpec): Fit {
  const { stackBytes } = board.reserved;
  const fit: Fit = {
    ramBytes: plan.arenaBytes + plan.stateBytes + stackBytes,
    ramLimitBytes: board.ramBytes - board.reserved.ramBytes,
    flashBytes,
    flashLimitBytes: board.flashBytes - board.reserved.flashBytes,
  };
  if (fit.ramBytes > fit.ramLimitBytes)
    throw new ThimbleError(
      'E_DOES_NOT_FIT',
      `model needs ${size(fit.ramBytes)} of RAM (arena ${size(plan.arenaBytes)} + ` +
        `${plan.stateBytes > 0 ? `state ${size(plan.stateBytes)} + ` : ''}stack ${size(stackBytes)}); ` +
        `board "${board.id}" leaves ${size(fit.ramLimitBytes)}`,
      'Prune channels: --prune channels=0.25 takes a quarter of most activations away.',
      plan.peak
        ? { where: `at node "${plan.peak.node}" (${plan.peak.op}), where the arena peaks` }
        : { where: 'in the inputs and outputs' },
    );
  if (fit.flashBytes > fit.flashLimitBytes)
    throw new ThimbleError(
      'E_DOES_NOT_FIT',
      `model needs ${size(fit.flashBytes)} of flash; board "${board.id}" leaves ${size(fit.flashLimitBytes)}`,
      'Prune channels: --prune channels=0.5 keeps about a quarter of the weights.',
      { where: 'in its weights and code' },
    );
  return fit;
}

/** Small boards count in bytes, large ones in KiB. */
const size = (bytes: number): string =>
  Math.abs(bytes) < 16 * 1024 ? `${bytes.toLocaleString('en-US')} B` : `${Math.round(bytes / 1024)} KiB`;
