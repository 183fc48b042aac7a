/**
 * A convolution over its own input: the rows that are still needed are kept in a window of scratch memory, which slides
 * over the input as the rows of the output take its place. Halves the memory of a network's largest layers.
 */
import type { Window } from './window.js';

export interface SlidingWindow {
  readonly rows: number; // of the input, kept at once
  readonly backwards: boolean; // from the last row of the output to the first: where the output is the larger one
  readonly bytes: number; // of int8; of int16 twice as many
}

/**
 * The smaller of the two ways. Input and output begin at the same address and have elements of one size, in which a row
 * of the output is outputWidth · outputChannels long.
 */
export function slidingWindow(w: Window, outputChannels: number): SlidingWindow {
  const inputRow = w.inputWidth * w.inputChannels;
  const outputRow = w.outputWidth * outputChannels;
  const [forwards, backwards] = [rowsForwards, rowsBackwards].map((count) => count(w, inputRow, outputRow));
  const rows = Math.min(forwards!, backwards!);
  return { rows, backwards: backwards! < forwards!, bytes: rows * inputRow };
}

/** First row that an output row reads, and the last one. Padding is no row. */
const firstRead = (w: Window, y: number): number =>
  Math.min(Math.max(y * w.strideHeight - w.padTop, 0), w.inputHeight - 1);
const lastRead = (w: Window, y: number): number =>
  Math.max(
    Math.min(y * w.strideHeight - w.padTop + (w.filterHeight - 1) * w.dilationHeight, w.inputHeight - 1),
    firstRead(w, y),
  );

/** The window holds rows firstRead(y) … + rows: what this row reads, and what it and earlier ones have overwritten. */
function rowsForwards(w: Window, inputRow: number, outputRow: number): number {
  let rows = 1;
  for (let y = 0; y < w.outputHeight; y++) {
    const overwritten = Math.min(Math.floor(((y + 1) * outputRow - 1) / inputRow), w.inputHeight - 1);
    const needed = y === w.outputHeight - 1 ? lastRead(w, y) : Math.max(lastRead(w, y), overwritten);
    rows = Math.max(rows, needed - firstRead(w, y) + 1);
  }
  return rows;
}

/** The window ends with lastRead(y). */
function rowsBackwards(w: Window, inputRow: number, outputRow: number): number {
  let rows = 1;
  for (let y = w.outputHeight - 1; y >= 0; y--) {
    const overwritten = Math.floor((y * outputRow) / inputRow); // and all after it
    const needed = y === 0 ? firstRead(w, y) : Math.min(firstRead(w, y), overwritten);
    rows = Math.max(rows, lastRead(w, y) - needed + 1);
  }
  return rows;
}
