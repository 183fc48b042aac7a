/** The constants of thimble_mve_requantize, by fours of channels, and the proof that its arithmetic is exact. */
import { quantizeMultiplier } from '../../core/fixed-point.js';
import type { DspChannel } from '../dsp/requantize.js';

export interface MveChannel {
  readonly bias: number;
  readonly multiplier: number;
  readonly shift: number; // to the left; never above 0
}

/** @returns null where a channel shifts to the left; sums within 32 bits are what the operator's check has proved */
export function mveChannels(channels: readonly DspChannel[], inputZeroPoint: number): readonly MveChannel[] | null {
  const results = channels.map(({ weights, bias, scale }): MveChannel | null => {
    const { multiplier, shift } = quantizeMultiplier(scale);
    if (multiplier === 0) return { bias: 0, multiplier: 0, shift: 0 };
    let [total, magnitude] = [0, 0];
    for (let i = 0; i < weights.length; i++) {
      total += weights[i]!;
      magnitude += Math.abs(weights[i]!);
    }
    const folded = bias - inputZeroPoint * total;
    const fits = Math.abs(folded) + 128 * magnitude < 2 ** 31; // every partial sum, for |x| ≤ 128
    return fits && shift <= 0 ? { bias: folded, multiplier, shift } : null;
  });
  return results.every((result) => result !== null) ? (results as readonly MveChannel[]) : null;
}

/** Biases, multipliers and shifts of four channels after another; channels beyond the last are 0. */
export function channelVectors(channels: readonly MveChannel[]): Int32Array {
  const groups = Math.ceil(channels.length / 4);
  const words = new Int32Array(12 * groups);
  for (const [c, { bias, multiplier, shift }] of channels.entries()) {
    const at = 12 * Math.floor(c / 4) + (c % 4);
    words[at] = bias;
    words[at + 4] = multiplier;
    words[at + 8] = shift;
  }
  return words;
}
