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

/** Places the blocks in three orders, each first-fit into the lowest gap, and keeps the smallest result. */
export function placeBlocks(blocks: readonly Block[]): Placement {
  const indices = blocks.map((_, i) => i);
  const by = (...keys: readonly ((block: Block) => number)[]): readonly number[] =>
    indices.toSorted((a, b) => {
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
  ];
  return orders.map((order) => firstFit(blocks, order)).reduce((a, b) => (b.totalBytes < a.totalBytes ? b : a));
}

function firstFit(blocks: readonly Block[], order: readonly number[]): Placement {
  const offsets = blocks.map(() => 0);
  const placed: number[] = []; // block indices by rising offset
  let totalBytes = 0;
  for (const index of order) {
    const block = blocks[index]!;
    const bytes = aligned(block.bytes);
    let offset = 0;
    for (const other of placed) {
      if (!together(block, blocks[other]!)) continue;
      if (offsets[other]! >= offset + bytes) break; // the gap before it is wide enough
      offset = Math.max(offset, offsets[other]! + aligned(blocks[other]!.bytes));
    }
    offsets[index] = offset;
    totalBytes = Math.max(totalBytes, offset + bytes);
    placed.push(index);
    placed.sort((a, b) => offsets[a]! - offsets[b]!);
  }
  return { offsets, totalBytes };
}
