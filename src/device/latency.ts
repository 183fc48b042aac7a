/** Timer ticks → what may be said of them, by where they were counted. */
import type { Latency, PortIdentity } from '../core/reading.js';

/**
 * Microseconds; behind an emulator that counts instructions, instructions and never a time.
 * @throws TypeError for an identity that counts instructions and does not say how long one takes
 */
export function latencyOf(ticks: number, timerHz: number, identity: PortIdentity): Latency {
  if (identity.origin !== 'virtual-instructions') return { value: (ticks * 1e6) / timerHz, unit: 'us' };
  const nanoseconds = identity.nanosecondsPerInstruction;
  if (nanoseconds === undefined || !(nanoseconds > 0))
    throw new TypeError(`port "${identity.path}" counts instructions but does not say how long one takes`);
  return { value: Math.round((ticks * (1e9 / timerHz)) / nanoseconds), unit: 'instructions' };
}

/** Ticks from `start` to `end` of a counter of 32 bits, which may have wrapped once. */
export const ticksBetween = (start: number, end: number): number => (end - start) >>> 0;
