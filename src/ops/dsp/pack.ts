/** Weights in the order and width in which the DSP kernels read them, as 32-bit words. */

/** The order in which SXTB16 leaves four neighbours. */
const ORDER = [0, 2, 1, 3] as const;

/** Two's complement halves as one signed word; the first is the low one. */
const halves = (low: number, high: number): number => (low & 0xffff) | (high << 16);
const bytes = (taps: readonly number[]): number =>
  (taps[0]! & 0xff) | ((taps[1]! & 0xff) << 8) | ((taps[2]! & 0xff) << 16) | (taps[3]! << 24);

/**
 * Pairs of channels, four taps of the one and four of the other in turn.
 * @param channels taps of each channel, a multiple of four; an odd count gets a channel of zeros
 */
export function packPairs(channels: readonly ArrayLike<number>[], wide: boolean): Int32Array {
  const taps = channels[0]!.length;
  const words: number[] = [];
  const zeros = new Array<number>(taps).fill(0);
  for (let c = 0; c < channels.length; c += 2) {
    const pair = [channels[c]!, channels[c + 1] ?? zeros];
    for (let k = 0; k < taps; k += 4)
      for (const channel of pair) {
        const four = [0, 1, 2, 3].map((i) => channel[k + i]!);
        if (wide) words.push(halves(four[ORDER[0]]!, four[ORDER[1]]!), halves(four[ORDER[2]]!, four[ORDER[3]]!));
        else words.push(bytes(four));
      }
  }
  return Int32Array.from(words);
}

/** Those that THIMBLE_DSP_UNROLL writes out. */
const UNROLLS = [16, 12, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1] as const;

/** The largest divisor up to `most`: how many steps stand in a row in the code. */
export const unrollOf = (steps: number, most: number): number =>
  UNROLLS.find((unroll) => unroll <= most && steps % unroll === 0)!;

export const roundUp = (count: number, multiple: number): number => Math.ceil(count / multiple) * multiple;
