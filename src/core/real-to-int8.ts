/**
 * From a raw sample to a model's input: the one place that says how, for every engine. The emitted C does the same
 * arithmetic in float32 (`…_quantize_input`, `…_preprocess`), so nothing here may compute in more bits than that.
 */
import { clamp, roundHalfAway } from './fixed-point.js';
import type { Preprocessing } from './graph.js';

const INT8: readonly [number, number] = [-128, 127];

/**
 * A real number in the float model's unit as q = clamp(round_half_away(x / scale) + zeroPoint), the division in
 * float32 as TFLite's quantize does it. NaN becomes zeroPoint (the real 0), infinities saturate.
 * @param scale positive float32
 * @param range of the target type; int8 unless given
 */
export function quantizeValue(x: number, scale: number, zeroPoint: number, [min, max] = INT8): number {
  const quotient = Math.fround(Math.fround(x) / Math.fround(scale));
  if (Number.isNaN(quotient)) return zeroPoint;
  // Clamped first, as C has to before it converts to an integer; + 0 turns −0 into 0.
  return roundHalfAway(clamp(quotient, min - zeroPoint, max - zeroPoint)) + zeroPoint + 0;
}

/**
 * raw · scale + offset in float32, product and sum each rounded (no fused multiply-add).
 * @param channel index on the last axis; a list of one entry holds for all channels
 */
export function preprocessValue(raw: number, { scale, offset }: Preprocessing, channel: number): number {
  const factor = scale[channel] ?? scale[0] ?? 1;
  const addend = offset[channel] ?? offset[0] ?? 0;
  return Math.fround(Math.fround(Math.fround(raw) * Math.fround(factor)) + Math.fround(addend));
}
