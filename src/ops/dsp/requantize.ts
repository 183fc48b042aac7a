/** The constants of thimble_dsp_requantize, and the proof that its 32-bit arithmetic is exact. */
import { quantizeMultiplier } from '../../core/fixed-point.js';
import { perTensorQuant, type TensorSpec } from '../../core/tensor.js';
import { type Activation, activationRangeQuantized } from '../activation.js';

/** One output channel, with its weights in the order in which the kernel reads them. */
export interface DspChannel {
  readonly weights: ArrayLike<number>; // integers, |w| ≤ 128
  readonly bias: number; // without the input's zero_point
  readonly scale: number; // input scale · weight scale / output scale
}

export interface DspScaling {
  readonly shift: number; // S − 1, S = e + k in every channel
  readonly base: number;
  readonly channels: readonly { readonly bias: number; readonly multiplier: number; readonly k: number }[];
}

const LEAST_K = 2; // so that 2^(k − 2) is whole
const LARGEST_SHIFT = 22; // zero_point · 2^shift and the products' high words both stay below 2^30

/**
 * @param wide weights hold 2^k themselves, 16 bits each; otherwise the sum is shifted
 * @returns null where a channel shifts to the left or not at all, or where something could leave its bits
 */
export function dspScaling(
  channels: readonly DspChannel[],
  inputZeroPoint: number,
  outputZeroPoint: number,
  wide: boolean,
): DspScaling | null {
  const scales = channels.map(({ scale }) => quantizeMultiplier(scale));
  const live = scales.filter(({ multiplier }) => multiplier !== 0);
  const exponents = live.map(({ shift }) => -shift); // e
  if (exponents.some((e) => e < 1)) return null;
  const sum = Math.max(1, ...exponents) + LEAST_K; // S
  if (sum - 1 > LARGEST_SHIFT) return null;
  const results = channels.map(({ weights, bias }, c) => {
    const { multiplier, shift } = scales[c]!;
    const dead = multiplier === 0; // flushed to zero: every sum gives the zero_point
    const k = dead ? LEAST_K : sum + shift;
    let [total, magnitude, largest] = [0, 0, 0];
    for (let i = 0; i < weights.length; i++) {
      const weight = weights[i]!;
      total += weight;
      magnitude += Math.abs(weight);
      largest = Math.max(largest, Math.abs(weight));
    }
    const folded = bias - inputZeroPoint * total;
    const reach = (Math.abs(folded) + 128 * magnitude) * 2 ** k; // of every partial sum, for |x| ≤ 128
    const fits = reach < 2 ** 31 && (!wide || largest * 2 ** k <= 32767);
    return fits || dead ? { bias: dead ? 0 : wide ? folded * 2 ** k : folded, multiplier, k } : null;
  });
  if (results.some((result) => result === null)) return null;
  return {
    shift: sum - 1,
    base: 2 ** (sum - 2) + outputZeroPoint * 2 ** (sum - 1),
    channels: results as DspScaling['channels'],
  };
}

export const CHANNEL_BYTES = 12; // THIMBLE_DSP_CHANNEL_WORDS

/** The constants of the channels as the kernels read them, by pairs; an odd last one has a partner that is not used. */
export function channelWords({ base, channels }: DspScaling, wide: boolean): Int32Array {
  const words = channels.flatMap(({ bias, multiplier, k }) => [bias, multiplier, wide ? base + 2 ** (k - 2) : k]);
  return Int32Array.from(channels.length % 2 === 0 ? words : [...words, 0, 0, 2]);
}

/** `symbol_channels`, and what its constants have in common. */
export function requantizeArguments(
  { outputs, attrs }: { readonly outputs: readonly TensorSpec[]; readonly attrs: { readonly activation: Activation } },
  { base, shift }: DspScaling,
  symbol: string,
): string {
  const [min] = activationRangeQuantized(attrs.activation, outputs[0]!);
  const clamps = min >= perTensorQuant(outputs[0]!).zeroPoint;
  return `${symbol}_channels, /* base, shift, clamps below zero */ ${base}, ${shift}, ${clamps ? 1 : 0}`;
}
