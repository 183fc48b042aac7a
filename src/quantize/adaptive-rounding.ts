/**
 * Adaptive rounding (AdaRound: Nagel et al., "Up or Down? Adaptive Rounding for Post-Training Quantization", ICML 2020):
 * a weight may round up or down, and the nearest value is not the best one where inputs are correlated. What counts is
 * the change of the layer's sums over real inputs, a quadratic form in the rounding errors.
 *
 * The paper relaxes up or down to a number in between and trains it. Here the quadratic form is descended directly, one
 * weight at a time, each change exact and none for the worse: without learning rates, and in seconds.
 */
import type { Graph } from '../core/graph.js';
import { dataOf, elementCount } from '../core/tensor.js';
import { correctedBias } from './bias-correction.js';
import type { Sample } from './calibrate.js';
import { type PairedLayer, refineLayers, type WalkOptions } from './paired-walk.js';
import { type FilterSet, filterSets } from './patches.js';
import type { QuantizationPlan, TensorPlan } from './plan.js';

export interface RoundedLayer {
  readonly node: string;
  readonly changed: number; // weights that do not round to the nearest
  readonly weights: number;
  readonly errorBefore: number; // mean square of the change of a sum, relative to the sums' own; nearest rounding
  readonly errorAfter: number;
}

const PASSES = 20; // over all weights of a filter; it settles in three to eight

/** @returns the float32 graph with weights on the plan's grid and corrected biases, and what changed */
export async function roundAdaptively(
  graph: Graph,
  plan: QuantizationPlan,
  samples: readonly Sample[],
  options: Omit<WalkOptions, 'stage'> = {},
): Promise<{ readonly graph: Graph; readonly report: readonly RoundedLayer[] }> {
  const report: RoundedLayer[] = [];
  const rounded = await refineLayers(
    graph,
    plan,
    samples,
    (layer) => {
      const { weights, ...changes } = roundLayer(layer, plan.tensors[layer.weights.name]!);
      report.push({ node: layer.node.name, weights: weights.length, ...changes });
      const bias = correctedBias(layer, 'empirical', { ...layer.quantizedWeights, data: weights });
      return new Map([
        [layer.weights.name, weights],
        [layer.bias.name, bias],
      ]);
    },
    { stage: 'round weights', ...options },
  );
  return { graph: rounded, report };
}

function roundLayer(layer: PairedLayer, plan: TensorPlan) {
  const data = dataOf(layer.weights);
  const weights = Float32Array.from(dataOf(layer.quantizedWeights));
  const inner = plan.axis === null ? data.length : elementCount(layer.weights.shape.slice(plan.axis + 1));
  const stepOf = (i: number): number => plan.scale[plan.axis === null ? 0 : Math.floor(i / inner) % plan.scale.length]!;
  const nearest = weights.slice();
  let [before, after, power] = [0, 0, 0];
  for (const set of filterSets(layer)) {
    for (const filter of set.filters) {
      const at = Array.from({ length: set.taps }, (_, tap) => set.at(filter, tap));
      const target = at.map((i) => data[i]!);
      const start = at.map((i) => weights[i]!);
      const result = descend(set, target, start, stepOf(at[0]!));
      before += result.before;
      after += result.after;
      power += result.power;
      for (const [tap, i] of at.entries()) weights[i] = result.values[tap]!;
    }
  }
  return {
    weights,
    changed: weights.reduce((count, value, i) => count + (value === nearest[i] ? 0 : 1), 0),
    errorBefore: power > 0 ? before / power : 0,
    errorAfter: power > 0 ? after / power : 0,
  };
}

/**
 * Least E = Σ (w̃ᵀx̃ − wᵀx)² = w̃ᵀGw̃ − 2 w̃ᵀCw + wᵀXw over w̃ on the grid, each entry next to w. Moving entry k by d
 * changes E by 2 d (Gw̃ − Cw)_k + d² G_kk, and the gradient by d times a column of G.
 */
function descend({ taps, gram, cross }: FilterSet, target: readonly number[], start: readonly number[], step: number) {
  const values = [...start];
  const gradient = new Float64Array(taps); // Gw̃ − Cw
  const pull = new Float64Array(taps); // Cw
  for (let i = 0; i < taps; i++) {
    const row = i * taps;
    for (let j = 0; j < taps; j++) pull[i]! += cross[row + j]! * target[j]!;
    for (let j = 0; j < taps; j++) gradient[i]! += gram[row + j]! * values[j]!;
    gradient[i]! -= pull[i]!;
  }
  // wᵀXw is the same for all: wᵀGw stands for it, so that an exact copy of the inputs gives exact errors.
  const power = quadratic(gram, target, taps);
  const error = (): number => {
    let sum = power;
    for (let i = 0; i < taps; i++) sum += values[i]! * (gradient[i]! - pull[i]!);
    return Math.max(0, sum);
  };
  const before = error();
  const limit = 127 * step * (1 + 1e-6);
  for (let pass = 0, moved = true; moved && pass < PASSES; pass++) {
    moved = false;
    for (let k = 0; k < taps; k++) {
      const other = values[k]! + (values[k]! > target[k]! ? -step : step); // the neighbour on the other side of w
      const change = other - values[k]!;
      if (Math.abs(other) > limit || Math.abs(other - target[k]!) >= step * (1 - 1e-6)) continue;
      if (2 * change * gradient[k]! + change * change * gram[k * taps + k]! >= -1e-12 * power) continue;
      values[k] = other;
      moved = true;
      for (let i = 0; i < taps; i++) gradient[i]! += change * gram[i * taps + k]!;
    }
  }
  return { values: values.map((value) => Math.fround(Math.round(value / step) * step)), before, after: error(), power };
}

function quadratic(matrix: Float64Array, vector: readonly number[], size: number): number {
  let sum = 0;
  for (let i = 0; i < size; i++) for (let j = 0; j < size; j++) sum += vector[i]! * matrix[i * size + j]! * vector[j]!;
  return sum;
}
