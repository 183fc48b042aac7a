/** The calibrator that a recipe names, carried out on what calibration kept. */
import { ThimbleError } from '../core/errors.js';
import type { TensorStats } from './calibrate.js';
import { entropyRange, mseRange, percentileRange } from './calibrators.js';
import type { Recipe } from './recipe.js';
import type { Range } from './scales.js';

/** @throws ThimbleError E_QUANT where calibration ran for another calibrator and kept too little */
export function chosenRange(stats: TensorStats, activations: Recipe['activations'], tensor: string): Range {
  const { calibrator, percentile = 99.99 } = activations;
  if (calibrator === 'min-max') return stats;
  const kept = calibrator === 'moving-average' ? stats.average : stats.histogram;
  if (!kept)
    throw new ThimbleError(
      'E_QUANT',
      `calibration kept too little of "${tensor}" for the calibrator ${calibrator}`,
      'Calibrate with the same recipe that makes the plan.',
    );
  if ('min' in kept) return kept;
  if (kept.width === 0) return stats; // nothing but 0 was seen
  if (calibrator === 'percentile') return percentileRange(kept, stats, percentile);
  return calibrator === 'mse' ? mseRange(kept, stats) : entropyRange(kept, stats);
}
