/** How much each channel class matters, from the weights alone, or from scores that somebody measured. */
import { type Graph, tensorOf } from '../../core/graph.js';
import { elementCount } from '../../core/tensor.js';
import type { DependencyGroups, Slice } from './dependency-groups.js';

export const importances = ['l1', 'l2', 'bn-scale', 'taylor'] as const;
export type Importance = (typeof importances)[number];

/** What was measured for every filter, by name of the weights: one number per output channel. */
export type FilterScores = ReadonlyMap<string, ArrayLike<number>>;

/**
 * One number per class, larger = matters more.
 * l1, l2: norms of the filters that make the class (Li et al., "Pruning Filters for Efficient ConvNets", 2017).
 * bn-scale (Liu et al., "Network Slimming", 2017) and taylor (Molchanov et al., "Importance Estimation for Neural
 * Network Pruning", 2019) sum up given scores.
 * All but taylor compare channels of one group only, so they are divided by the group's mean: a layer with large weights
 * is no more important for it. Taylor estimates the change of the loss, in one unit for all.
 * @throws TypeError where scores are wanted and not given
 */
export function classImportance(
  graph: Graph,
  { classes, groups }: DependencyGroups,
  kind: Importance,
  scores: FilterScores | undefined,
): Float64Array {
  const measured = kind === 'bn-scale' || kind === 'taylor';
  if (measured && !scores) throw new TypeError(`importance "${kind}" needs scores`);
  const ofFilter = (slice: Slice): number =>
    measured ? (scores!.get(slice.tensor)?.[slice.index] ?? 0) : norm(graph, slice, kind === 'l1' ? 1 : 2);
  const result = Float64Array.from(classes, ({ filters }) => filters.reduce((sum, slice) => sum + ofFilter(slice), 0));
  if (kind === 'taylor') return result;
  for (const group of groups) {
    const mean = group.classes.reduce((sum, id) => sum + result[id]!, 0) / group.classes.length;
    if (mean > 0) for (const id of group.classes) result[id]! /= mean;
  }
  return result;
}

/** Of one filter: the first axis of a layer's weights. */
function norm(graph: Graph, { tensor, index }: Slice, power: 1 | 2): number {
  const { shape, data } = tensorOf(graph, tensor);
  const taps = elementCount(shape.slice(1));
  const filter = (data as Float32Array).subarray(index * taps, (index + 1) * taps);
  if (power === 1) return filter.reduce((sum, w) => sum + Math.abs(w), 0);
  return Math.sqrt(filter.reduce((sum, w) => sum + w * w, 0));
}
