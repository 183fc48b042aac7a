import type { Window } from '../window.js';

/**
 * Rows of the input that must be kept at once, in the better direction, if the output begins where the input begins. Rows
 * of padding count: row r lies in the ring at r modulo its size, from the first row of a window on.
 */
export function ringOf(w: Window, outputChannels: number): { readonly ring: number; readonly backwards: boolean } {
  const [inputRow, outputRow] = [w.inputWidth * w.inputChannels, w.outputWidth * outputChannels];
  const reach = (w.filterHeight - 1) * w.dilationHeight + 1;
  let [forwards, backwards] = [reach, reach];
  for (let y = 0; y < w.outputHeight; y++) {
    const top = y * w.strideHeight - w.padTop;
    const lastTouched = Math.min(Math.floor(((y + 1) * outputRow - 1) / inputRow), w.inputHeight - 1);
    if (y < w.outputHeight - 1) forwards = Math.max(forwards, lastTouched - top + 1);
    if (y > 0) backwards = Math.max(backwards, top + reach - Math.floor((y * outputRow) / inputRow));
  }
  return { ring: Math.min(forwards, backwards), backwards: backwards < forwards };
}
