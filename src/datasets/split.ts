/** Parts of a data set: views that copy nothing, drawn the same way every time. */

import type { Dataset } from '../core/dataset.js';
import { ThimbleError } from '../core/errors.js';
import { seededRandom, shuffled } from '../core/seeded-random.js';

/** The samples at `indices`, in that order. The sha256 stays the source's. */
export function subset(dataset: Dataset, indices: readonly number[]): Dataset {
  const at = (index: number): number => {
    const source = indices[index];
    if (source === undefined) throw new RangeError(`sample ${index} of ${indices.length}`);
    return source;
  };
  return {
    ...dataset,
    sampleCount: indices.length,
    sample: (index) => dataset.sample(at(index)),
    classOf: (index) => dataset.classOf(at(index)),
  };
}

/**
 * `count` samples (all, where there are fewer) with every class in its share, by largest remainder; random within a
 * class. The same seed gives the same indices; they come sorted.
 * @param among the indices to draw from; all unless given
 * @throws ThimbleError E_DATA_EMPTY for a count below 1
 */
export function stratifiedIndices(
  dataset: Dataset,
  count: number,
  seed = 1,
  among: readonly number[] = Array.from({ length: dataset.sampleCount }, (_, i) => i),
): readonly number[] {
  if (!(Number.isInteger(count) && count >= 1))
    throw new ThimbleError('E_DATA_EMPTY', `${count} samples are too few to work with`, 'Ask for 1 sample or more.');
  if (count >= among.length) return [...among].sort((a, b) => a - b);
  const random = seededRandom(seed);
  const groups = groupsOf(dataset, among);
  const shares = sharesOf(
    groups.map(({ length }) => length),
    count,
  );
  return groups.flatMap((group, g) => shuffled(group, random).slice(0, shares[g])).sort((a, b) => a - b);
}

/** Two views without a sample in common, stratified: `first` has about `fraction` of every class. */
export function splitDataset(dataset: Dataset, fraction: number, seed = 1): { first: Dataset; second: Dataset } {
  if (!(fraction > 0 && fraction < 1)) throw new RangeError(`fraction ${fraction} is not between 0 and 1`);
  if (dataset.sampleCount < 2)
    throw new ThimbleError('E_DATA_EMPTY', 'a single sample cannot be split', 'Give more data.');
  const count = Math.min(Math.max(Math.round(dataset.sampleCount * fraction), 1), dataset.sampleCount - 1);
  const first = stratifiedIndices(dataset, count, seed);
  const taken = new Set(first);
  const second = Array.from({ length: dataset.sampleCount }, (_, i) => i).filter((i) => !taken.has(i));
  return { first: subset(dataset, first), second: subset(dataset, second) };
}

function groupsOf(dataset: Dataset, among: readonly number[]): readonly number[][] {
  const groups = new Map<number, number[]>();
  for (const i of among) {
    const label = dataset.classOf(i) ?? -1;
    const group = groups.get(label);
    if (group) group.push(i);
    else groups.set(label, [i]);
  }
  return [...groups].sort(([a], [b]) => a - b).map(([, group]) => group);
}

/** Whole shares of `count` in proportion to the sizes: the largest remainders round up, the first of equal ones. */
function sharesOf(sizes: readonly number[], count: number): readonly number[] {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const exact = sizes.map((size) => (size * count) / total);
  const shares = exact.map(Math.floor);
  const missing = count - shares.reduce((sum, share) => sum + share, 0);
  const byRemainder = exact
    .map((value, i) => ({ i, rest: value - Math.floor(value) }))
    .sort((a, b) => b.rest - a.rest || a.i - b.i);
  for (const { i } of byRemainder.slice(0, missing)) shares[i]!++;
  return shares;
}
