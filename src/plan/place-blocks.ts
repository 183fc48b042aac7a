/**
 * Static memory allocation: blocks with a size and a time to live get offsets so that no two that live at once overlap.
 * The best placement is NP-hard; greedy by size is within a few percent on real networks and mostly optimal.
 */

/** Every offset and size is a multiple of it: the widest type a kernel keeps in the arena is 8 bytes. */
export const ALIGNMENT = 8;
export const aligned = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

export interface Block {
  readonly bytes: number;
  readonly firstStep: number; // inclusive
  readonly lastStep: number; // inclusive
}

export interface Placement {
  readonly offsets: readonly number[]; // one per block
  readonly totalBytes: number;
}

const together = (a: Block, b: Block): boolean => a.firstStep <= b.lastStep && b.firstStep <= a.lastStep;
const duration = (block: Block): number => block.lastStep - block.firstStep;

/** Bytes that live at a step; no placement can do with less. */
export const liveBytes = (blocks: readonly Block[], step: number): number =>
  blocks.reduce(
    (sum, block) => sum + (block.firstStep <= step && step <= block.lastStep ? aligned(block.bytes) : 0),
    0,
  );

/** Largest sum of what lives at once, and the step where that is. Only the begin of a block can raise it. */
export function lowerBound(blocks: readonly Block[]): { readonly bytes: number; readonly step: number } {
  let best = { bytes: 0, step: 0 };
  for (const step of new Set(blocks.map(({ firstStep }) => firstStep))) {
    const bytes = liveBytes(blocks, step);
    if (bytes > best.bytes) best = { bytes, step };
  }
  return best;
}

/** Tries a few orders, each into the lowest gap and from both ends in turn, and keeps the smallest result. */
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
  const ceiling = lowerBound(blocks).bytes;
  return orders
    .flatMap((order) => [fill(blocks, order, ceiling, false), fill(blocks, order, ceiling, true)])
    .reduce((a, b) => (b.totalBytes < a.totalBytes ? b : a));
}

/**
 * Greedy: each block in its order into the lowest gap that holds it. With `bothEnds`, every second block goes as high
 * under the ceiling as it can: a chain, where each block meets only its neighbours, then always reaches the bound.
 */
function fill(blocks: readonly Block[], order: readonly number[], ceiling: number, bothEnds: boolean): Placement {
  const offsets = blocks.map(() => 0);
  const placed: number[] = []; // block indices by rising offset
  let totalBytes = 0;
  for (const [position, index] of order.entries()) {
    const block = blocks[index]!;
    const bytes = aligned(block.bytes);
    const [lowest, highest] = gaps(block, bytes, blocks, offsets, placed, ceiling);
    const offset = bothEnds && position % 2 === 1 ? highest : lowest;
    offsets[index] = offset;
    totalBytes = Math.max(totalBytes, offset + bytes);
    placed.push(index);
    placed.sort((a, b) => offsets[a]! - offsets[b]!);
  }
  return { offsets, totalBytes };
}

/** The lowest offset where a block fits, and the highest one that keeps it under the ceiling (else the lowest). */
function gaps(
  block: Block,
  bytes: number,
  blocks: readonly Block[],
  offsets: readonly number[],
  placed: readonly number[],
  ceiling: number,
): readonly [lowest: number, highest: number] {
  let free = 0; // everything below is taken or too narrow
  let lowest: number | undefined;
  let highest: number | undefined;
  for (const other of placed) {
    if (!together(block, blocks[other]!)) continue;
    const begin = offsets[other]!;
    if (begin - free >= bytes) {
      lowest ??= free;
      highest = begin - bytes;
    }
    free = Math.max(free, begin + aligned(blocks[other]!.bytes));
  }
  if (ceiling - free >= bytes) highest = ceiling - bytes;
  lowest ??= free;
  return [lowest, highest ?? lowest];
}
