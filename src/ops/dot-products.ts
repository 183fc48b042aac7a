/**
 * The arithmetic of conv_2d, depthwise_conv_2d and fully_connected: Σ x · w over a window, in doubles. Products of two
 * int8 values and their sums stay far below 2^53, so one loop serves both dtypes and is exact for int8.
 *
 * Fast because the input is padded first, so that no window needs a bounds test; because four channels lie side by
 * side and share each x, and two pixels share each w; and because eight sums do not wait for one another.
 */
import type { TypedArray } from '../core/tensor.js';
import { paddedSize, type Window } from './window.js';

const blockOf = 4; // channels side by side
/** Elements after the padded input's last one that depthwiseProducts reads, and forgets. */
export const inputSlack = blockOf - 1;

/** Where each output pixel's window begins in the padded input, in elements of `channels` a pixel. */
export function windowOrigins(w: Window, channels: number): Int32Array {
  const { width } = paddedSize(w);
  return Int32Array.from({ length: w.outputHeight * w.outputWidth }, (_, pixel) => {
    const [y, x] = [Math.floor(pixel / w.outputWidth), pixel % w.outputWidth];
    return (y * w.strideHeight * width + x * w.strideWidth) * channels;
  });
}

/** Where each tap of a window lies, counted from the window's origin. */
export function tapOffsets(w: Window, channels: number): Int32Array {
  const { width } = paddedSize(w);
  return Int32Array.from({ length: w.filterHeight * w.filterWidth }, (_, tap) => {
    const [y, x] = [Math.floor(tap / w.filterWidth), tap % w.filterWidth];
    return (y * w.dilationHeight * width + x * w.dilationWidth) * channels;
  });
}

/**
 * Weights as the loops below read them: blocks of four channels; in a block, tap by tap, the four side by side. Zeros
 * where the last block is incomplete.
 * @param at the index of (channel, tap) in `weights`
 */
export function packFilters(
  weights: TypedArray,
  channels: number,
  taps: number,
  at: (channel: number, tap: number) => number,
): Float64Array {
  const packed = new Float64Array(Math.ceil(channels / blockOf) * blockOf * taps);
  for (let c = 0; c < channels; c++) {
    const begin = (c - (c % blockOf)) * taps + (c % blockOf);
    for (let tap = 0; tap < taps; tap++) packed[begin + tap * blockOf] = weights[at(c, tap)]!;
  }
  return packed;
}

/** One group of filters and what they slide over. */
export interface FilterGroup {
  readonly packed: Float64Array;
  readonly channels: number; // filters
  readonly firstInput: number; // the group's first channel of an input pixel
  readonly firstOutput: number; // and of an output pixel
  readonly runs: Int32Array; // where each run of neighbouring values begins, from the window's origin
  readonly runLength: number; // runs · runLength = values under a filter
}

/** Every filter of a group over every window: sums[pixel · stride + firstOutput + c]. */
export function dotProducts(
  x: Float64Array,
  origins: Int32Array,
  { packed, channels, firstInput, firstOutput, runs, runLength }: FilterGroup,
  sums: Float64Array,
  stride: number,
): void {
  const taps = runs.length * runLength;
  const last = origins.length - 1;
  for (let pixel = 0; pixel <= last; pixel += 2) {
    const next = Math.min(pixel + 1, last); // an odd last pixel is its own neighbour
    const originA = origins[pixel]! + firstInput;
    const originB = origins[next]! + firstInput;
    for (let c = 0; c < channels; c += blockOf) {
      let a0 = 0;
      let a1 = 0;
      let a2 = 0;
      let a3 = 0;
      let b0 = 0;
      let b1 = 0;
      let b2 = 0;
      let b3 = 0;
      let t = c * taps;
      for (let run = 0; run < runs.length; run++) {
        const end = originA + runs[run]! + runLength;
        let j = originB + runs[run]!;
        for (let i = end - runLength; i < end; i++, j++, t += blockOf) {
          const xa = x[i]!;
          const xb = x[j]!;
          const w0 = packed[t]!;
          const w1 = packed[t + 1]!;
          const w2 = packed[t + 2]!;
          const w3 = packed[t + 3]!;
          a0 += xa * w0;
          a1 += xa * w1;
          a2 += xa * w2;
          a3 += xa * w3;
          b0 += xb * w0;
          b1 += xb * w1;
          b2 += xb * w2;
          b3 += xb * w3;
        }
      }
      store(sums, pixel * stride + firstOutput + c, channels - c, a0, a1, a2, a3);
      store(sums, next * stride + firstOutput + c, channels - c, b0, b1, b2, b3);
    }
  }
}

/** Every channel's own filter over that channel: sums[pixel · channels + c]. `x` has inputSlack to spare. */
export function depthwiseProducts(
  x: Float64Array,
  origins: Int32Array,
  offsets: Int32Array, // of the taps
  packed: Float64Array,
  channels: number,
  sums: Float64Array,
): void {
  const taps = offsets.length;
  for (let pixel = 0; pixel < origins.length; pixel++) {
    for (let c = 0; c < channels; c += blockOf) {
      const origin = origins[pixel]! + c;
      let s0 = 0;
      let s1 = 0;
      let s2 = 0;
      let s3 = 0;
      for (let tap = 0, t = c * taps; tap < taps; tap++, t += blockOf) {
        const i = origin + offsets[tap]!;
        s0 += x[i]! * packed[t]!;
        s1 += x[i + 1]! * packed[t + 1]!;
        s2 += x[i + 2]! * packed[t + 2]!;
        s3 += x[i + 3]! * packed[t + 3]!;
      }
      store(sums, pixel * channels + c, channels - c, s0, s1, s2, s3);
    }
  }
}

/** The first `count` of four sums: the last block of channels may be incomplete. */
function store(sums: Float64Array, at: number, count: number, s0: number, s1: number, s2: number, s3: number): void {
  sums[at] = s0;
  if (count > 1) sums[at + 1] = s1;
  if (count > 2) sums[at + 2] = s2;
  if (count > 3) sums[at + 3] = s3;
}
