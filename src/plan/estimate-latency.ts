/**
 * A latency that nobody measured: predicted instructions, times what an instruction takes on the board. It always carries
 * its range and what it rests on, and its origin is `estimate`.
 */
import type { BoardSpec, Core } from '../core/board-spec.js';

/** How many cycles of the clock an instruction of an inference takes, waits for memory included. */
export interface CyclesPerInstruction {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly basis: string; // where the figure is from, in words
}

/** What one run of one model on a board gave; see fitCycles. */
export interface Calibration {
  readonly board: string; // id
  readonly origin: 'device' | 'virtual-cycles';
  readonly date: string; // 2026-01-31
  readonly model: string; // file name
  readonly optimize: string;
  readonly clockHz: number;
  readonly latencyUs: number; // median
  readonly instructions: number; // predicted for it
  readonly cyclesPerInstruction: number;
  readonly spread: number; // of the layers around it, a share of it
}

export interface LatencyEstimate {
  readonly origin: 'estimate';
  readonly instructions: number; // predicted
  readonly us: number;
  readonly lowUs: number;
  readonly highUs: number;
  readonly cyclesPerInstruction: CyclesPerInstruction;
}

/** How far the predicted instructions of the published networks are from those counted; tests/bench holds it. */
export const PREDICTION_ERROR = 0.15;

/**
 * Where no board was measured. M0+: the keyword spotter took 15.4 M cycles of rp2040js' table for 10.9 M instructions.
 * The others are bounds, not measurements: what the cores' manuals say of loads (two cycles, pairs three), products (one)
 * and taken branches (two to four), and flash that answers at once, or does not.
 */
const assumed: Readonly<Record<Core, readonly [value: number, low: number, high: number]>> = {
  generic: [1.5, 1, 3],
  'cortex-m0': [1.5, 1.3, 2.5],
  'cortex-m0plus': [1.4, 1.2, 2.5],
  'cortex-m3': [1.5, 1.2, 2.5],
  'cortex-m4': [1.5, 1.2, 2.5],
  'cortex-m7': [0.9, 0.6, 2],
  'cortex-m33': [1.4, 1.1, 2.5],
  'cortex-m55': [1.6, 1.1, 3],
  avr: [1, 0.8, 1.3], // what is predicted are cycles already
  rv32imc: [1.5, 1, 3],
  esp32: [1.5, 1, 3],
};

/** @param calibration of this board, if there is one */
export function cyclesPerInstruction(board: BoardSpec, calibration: Calibration | null): CyclesPerInstruction {
  if (!calibration) {
    const [value, low, high] = assumed[board.core];
    return { value, low, high, basis: `assumed for the core ${board.core}, not measured` };
  }
  const { cyclesPerInstruction: value, spread, model, date, origin } = calibration;
  const where =
    origin === 'device' ? 'on this board' : 'on the virtual board, whose cycle table knows no waits for memory';
  return {
    value,
    low: value * (1 - spread),
    high: value * (1 + spread),
    basis: `fitted to ${model} ${where}, ${date}`,
  };
}

export function estimateLatency(
  instructions: number,
  board: BoardSpec,
  calibration: Calibration | null,
): LatencyEstimate {
  const cycles = cyclesPerInstruction(board, calibration);
  const us = (perInstruction: number, error: number): number =>
    (instructions * (1 + error) * perInstruction * 1e6) / board.clockHz;
  return {
    origin: 'estimate',
    instructions,
    us: us(cycles.value, 0),
    lowUs: us(cycles.low, -PREDICTION_ERROR),
    highUs: us(cycles.high, PREDICTION_ERROR),
    cyclesPerInstruction: cycles,
  };
}

/** One layer, or a model without layer readings: what was predicted, and what it took. */
export interface TimedPart {
  readonly instructions: number;
  readonly us: number;
}

const LEAST_SPREAD = 0.05;

/**
 * Cycles per instruction of a whole run, and how far its layers lie apart: the root mean square of their relative
 * deviation, each weighted by its time. A board that reports no layers tells nothing of that; then the prediction's error stands.
 */
export function fitCycles(
  whole: TimedPart,
  layers: readonly TimedPart[],
  clockHz: number,
): { readonly value: number; readonly spread: number } {
  const cyclesOf = ({ instructions, us }: TimedPart): number => (us * clockHz) / 1e6 / instructions;
  const value = cyclesOf(whole);
  const timed = layers.filter(({ instructions }) => instructions > 0);
  const time = timed.reduce((sum, { us }) => sum + us, 0);
  if (timed.length < 2 || time === 0) return { value, spread: PREDICTION_ERROR };
  const layersValue = timed.reduce((sum, part) => sum + (part.us / time) * cyclesOf(part), 0);
  const variance = timed.reduce((sum, part) => sum + (part.us / time) * (cyclesOf(part) / layersValue - 1) ** 2, 0);
  return { value, spread: Math.min(0.9, Math.max(LEAST_SPREAD, Math.sqrt(variance))) };
}
