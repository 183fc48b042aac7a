/**
 * Static memory allocation: blocks with sizes and times to live get offsets so that no two that live at once overlap.
 * The best placement is NP-hard; greedy by size is mostly optimal on real networks, and where it is not, a bounded
 * search over the orders goes on until it meets the lower bound.
 */

/** Every offset and size is a multiple of it: the widest type a kernel keeps in the arena is 8 bytes. */
export const ALIGNMENT = 8;
export const aligned = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

/** A stretch of time in which a block takes so many bytes from its offset on. */
export interface Segment {
  readonly bytes: number;
  readonly firstStep: number; // inclusive
  readonly lastStep: number; // inclusive
}

/** The whole life of a block; what follows in place may be larger or smaller, and the rest is free for others. */
export interface Block extends Segment {
  readonly segments?: readonly Segment[]; // absent: one, all of it; times may touch, bytes are at most the block's
}

export interface Placement {
  readonly offsets: readonly number[]; // one per block
  readonly totalBytes: number;
}

const segmentsOf = (block: Block): readonly Segment[] => block.segments ?? [block];
const together = (a: Segment, b: Segment): boolean => a.firstStep <= b.lastStep && b.firstStep <= a.lastStep;
const duration = (block: Block): number => block.lastStep - block.firstStep;

/** Bytes that a block takes at a step. */
const heightAt = (block: Block, step: number): number =>
  segmentsOf(block).reduce(
    (most, { bytes, firstStep, lastStep }) =>
      firstStep <= step && step <= lastStep ? Math.max(most, aligned(bytes)) : most,
    0,
  );

/** Bytes that live at a step; no placement can do with less. */
export const liveBytes = (blocks: readonly Block[], step: number): number =>
  blocks.reduce((sum, block) => sum + heightAt(block, step), 0);

/** Largest sum of what lives at once, and the step where that is. Only the begin of a segment can raise it. */
export function lowerBound(blocks: readonly Block[]): { readonly bytes: number; readonly step: number } {
  let best = { bytes: 0, step: 0 };
  for (const step of new Set(blocks.flatMap((block) => segmentsOf(block).map(({ firstStep }) => firstStep)))) {
    const bytes = liveBytes(blocks, step);
    if (bytes > best.bytes) best = { bytes, step };
  }
  return best;
}

/** What the search may try beyond the greedy orders; a plan of 100 blocks takes about a second then. */
const SEARCH_STEPS = 400;

/** Tries a few orders, each into the lowest gap and from both ends in turn, then searches; keeps the smallest result. */
export function placeBlocks(blocks: readonly Block[]): Placement {
  const by = (...keys: readonly ((block: Block) => number)[]): readonly number[] =>
    [...blocks.keys()].sort((a, b) => {
      for (const key of keys) {
        const difference = key(blocks[b]!) - key(blocks[a]!);
        if (difference !== 0) return difference;
      }
      return a - b; // the same input gives the same plan
    });
  const orders = [
    by((block) => block.bytes, duration),
    by((block) => block.bytes * (duration(block) + 1)),
    by(duration, (block) => block.bytes),
    by(
      (block) => -block.firstStep,
      (block) => block.bytes,
    ),
  ];
  const conflicts = conflictsOf(blocks);
  const ceiling = lowerBound(blocks).bytes;
  let best: Placement | undefined;
  let bestOrder = orders[0]!;
  for (const order of orders)
    for (const bothEnds of [false, true]) {
      const placement = fill(blocks, conflicts, order, ceiling, bothEnds);
      if (best && placement.totalBytes >= best.totalBytes) continue;
      best = placement;
      bestOrder = order;
    }
  return search(blocks, conflicts, bestOrder, ceiling, best!);
}

/** Moves one block of the order elsewhere, again and again; keeps what is no worse. Seeded: the same input, the same plan. */
function search(
  blocks: readonly Block[],
  conflicts: Conflicts,
  start: readonly number[],
  ceiling: number,
  greedy: Placement,
): Placement {
  let best = greedy;
  let order = start;
  let state = 1;
  const random = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0; // Numerical Recipes' linear congruential generator
    return Math.floor((state / 2 ** 32) * below);
  };
  for (let step = 0; step < SEARCH_STEPS && best.totalBytes > ceiling; step++) {
    const next = [...order];
    const [moved] = next.splice(random(next.length), 1);
    next.splice(random(next.length + 1), 0, moved!);
    const placement = fill(blocks, conflicts, next, ceiling, step % 2 === 1);
    if (placement.totalBytes > best.totalBytes) continue;
    best = placement;
    order = next;
  }
  return best;
}

/** By block: those that live at the same time, and how high each of the two then is. */
type Conflicts = readonly (readonly { readonly other: number; readonly own: number; readonly others: number }[])[];

function conflictsOf(blocks: readonly Block[]): Conflicts {
  const height = (block: Block, other: Block): number =>
    segmentsOf(block).reduce(
      (most, segment) =>
        segmentsOf(other).some((each) => together(segment, each)) ? Math.max(most, aligned(segment.bytes)) : most,
      0,
    );
  return blocks.map((block, i) =>
    blocks.flatMap((other, j) => {
      const own = i === j ? 0 : height(block, other);
      return own === 0 ? [] : [{ other: j, own, others: height(other, block) }];
    }),
  );
}

/**
 * Greedy: each block in its order into the lowest gap that holds it. With `bothEnds`, every second block goes as high
 * under the ceiling as it can: a chain, where each block meets only its neighbours, then always reaches the bound.
 */
function fill(
  blocks: readonly Block[],
  conflicts: Conflicts,
  order: readonly number[],
  ceiling: number,
  bothEnds: boolean,
): Placement {
  const offsets = new Array<number>(blocks.length).fill(-1); // −1 = not placed
  let totalBytes = 0;
  for (const [position, index] of order.entries()) {
    const bytes = aligned(blocks[index]!.bytes);
    const [lowest, highest] = freeOffsets(conflicts[index]!, offsets, ceiling - bytes);
    const offset = bothEnds && position % 2 === 1 ? highest : lowest;
    offsets[index] = offset;
    totalBytes = Math.max(totalBytes, offset + bytes);
  }
  return { offsets, totalBytes };
}

/** The lowest offset where a block is free of all that is placed, and the highest one up to `top` (else the lowest). */
function freeOffsets(
  conflicts: Conflicts[number],
  offsets: readonly number[],
  top: number,
): readonly [lowest: number, highest: number] {
  // Begins that would overlap: strictly between `from` and `to`.
  const taken = conflicts
    .filter(({ other }) => offsets[other]! >= 0)
    .map(({ other, own, others }) => ({ from: offsets[other]! - own, to: offsets[other]! + others }))
    .sort((a, b) => a.from - b.from);
  let free = 0; // everything below is taken
  let lowest: number | undefined;
  let highest: number | undefined;
  for (const { from, to } of taken) {
    if (from >= free) {
      lowest ??= free;
      if (from <= top) highest = from;
    }
    free = Math.max(free, to);
  }
  lowest ??= free;
  if (top >= free) highest = top;
  return [lowest, highest ?? lowest];
}
