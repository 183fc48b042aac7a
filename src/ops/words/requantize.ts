/** The constants of thimble_words_requantize, and the proof that its 32-bit arithmetic is exact. */
import { multiplyByQuantizedMultiplier, quantizeMultiplier } from '../../core/fixed-point.js';
import type { DspChannel } from '../dsp/requantize.js';

export interface WordsScaling {
  readonly saturates: boolean;
  readonly channels: readonly { readonly bias: number; readonly multiplier: number; readonly shift: number }[];
}

const LIMIT = 2 ** 20 - 1; // THIMBLE_WORDS_SUM_LIMIT
const SHIFT = 11; // 31 bits of the multiplier less the 20 that are taken apart
const LARGEST_EXPONENT = 11; // zero_point · 2^(11 + e) stays below 2^30

/**
 * @param bounds activation_min and activation_max
 * @returns null where a channel shifts to the left or not at all, or where a sum beyond 2^20 might still matter
 */
export function wordsScaling(
  channels: readonly DspChannel[],
  inputZeroPoint: number,
  outputZeroPoint: number,
  [min, max]: readonly [number, number],
): WordsScaling | null {
  let saturates = false;
  const results: WordsScaling['channels'][number][] = [];
  for (const { weights, bias, scale } of channels) {
    const fixed = quantizeMultiplier(scale);
    const exponent = -fixed.shift;
    if (fixed.multiplier === 0) {
      results.push({ bias: 0, multiplier: 0, shift: SHIFT + 1 });
      continue;
    }
    let [total, magnitude] = [0, 0];
    for (let i = 0; i < weights.length; i++) {
      total += weights[i]!;
      magnitude += Math.abs(weights[i]!);
    }
    const folded = bias - inputZeroPoint * total;
    // Running sums: weights have 128 added, and the sums start with that taken off.
    if (Math.abs(folded) + 128 * (magnitude + 2 * 128 * weights.length) >= 2 ** 31) return null;
    if (exponent < 1 || exponent > LARGEST_EXPONENT) return null;
    if (Math.abs(folded) + 128 * magnitude > LIMIT) {
      const ends = [-LIMIT, LIMIT].map((sum) => multiplyByQuantizedMultiplier(sum, fixed) + outputZeroPoint);
      if (ends[0]! > min || ends[1]! < max) return null;
      saturates = true;
    }
    results.push({ bias: folded, multiplier: fixed.multiplier, shift: SHIFT + exponent });
  }
  return { saturates, channels: results };
}
