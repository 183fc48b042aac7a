/** A float32 graph to int8 by a recipe: equalize → calibrate → plan → correct or round → apply. */
import type { Graph } from '../core/graph.js';
import type { OnEvent } from '../core/stage-event.js';
import { type RoundedLayer, roundAdaptively } from './adaptive-rounding.js';
import { applyPlan } from './apply-plan.js';
import { correctBiases } from './bias-correction.js';
import { type CalibrationStats, calibrate, type Sample } from './calibrate.js';
import { type EqualizationReport, equalizeLayers } from './equalize.js';
import { planQuantization, type QuantizationPlan } from './plan.js';
import type { Recipe } from './recipe.js';

export interface QuantizeOptions {
  readonly onEvent?: OnEvent | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly sampleCount?: number | undefined; // for the progress of calibration, where it is known
}

export interface Quantized {
  readonly float: Graph; // what the integers stand for: the given graph, equalized and refined where the recipe says so
  readonly int8: Graph;
  readonly plan: QuantizationPlan;
  readonly stats: CalibrationStats;
  readonly equalization: EqualizationReport | null;
  readonly rounding: readonly RoundedLayer[] | null;
}

/**
 * Of the calibration samples, as many as refinements keep in memory: each with its live activations, twice. On the
 * published networks 64 samples gave the same per-layer errors as 200.
 */
export const REFINING_SAMPLES = 64;

/** @throws ThimbleError as calibrate, planQuantization and applyPlan do; E_INTERRUPTED */
export async function quantizeGraph(
  graph: Graph,
  samples: Iterable<Sample> | AsyncIterable<Sample>,
  recipe: Recipe,
  { onEvent, signal, sampleCount }: QuantizeOptions = {},
): Promise<Quantized> {
  const equalized = recipe.weights.equalize === true ? equalizeLayers(graph) : null;
  const float = equalized?.graph ?? graph;
  const kept: Sample[] = [];
  const source = keepFirst(samples, refines(recipe) ? kept : null);
  const stats = await calibrate(float, source, onEvent, sampleCount, recipe.activations);
  const quantized = await quantizeCalibrated(float, stats, kept, recipe, { onEvent, signal });
  return { ...quantized, equalization: equalized?.report ?? null };
}

const refines = ({ biasCorrection = 'none', weights }: Recipe): boolean =>
  weights.rounding === 'adaptive' || biasCorrection !== 'none';

/**
 * What follows calibration, for whoever tries several recipes on the same statistics.
 * @param float equalized already, where the recipe says so
 * @param stats of `float`, with what the recipe's calibrator needs
 * @param kept samples to refine with; not looked at where the recipe refines nothing
 */
export async function quantizeCalibrated(
  float: Graph,
  stats: CalibrationStats,
  kept: readonly Sample[],
  recipe: Recipe,
  { onEvent, signal }: QuantizeOptions = {},
): Promise<Omit<Quantized, 'equalization'>> {
  const { biasCorrection = 'none' } = recipe;
  const adaptive = recipe.weights.rounding === 'adaptive';
  const plan = planQuantization(float, stats, recipe);
  const rounded = adaptive ? await roundAdaptively(float, plan, kept, { onEvent, signal }) : null;
  const corrected =
    !rounded && biasCorrection !== 'none'
      ? await correctBiases(float, plan, kept, biasCorrection, { onEvent, signal })
      : null;
  const refined = rounded?.graph ?? corrected ?? float;
  return {
    float: refined,
    int8: applyPlan(refined, plan),
    plan,
    stats,
    rounding: rounded?.report ?? null,
  };
}

async function* keepFirst(samples: Iterable<Sample> | AsyncIterable<Sample>, kept: Sample[] | null) {
  for await (const sample of samples) {
    if (kept && kept.length < REFINING_SAMPLES) kept.push(sample);
    yield sample;
  }
}
