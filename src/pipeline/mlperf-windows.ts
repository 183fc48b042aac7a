/**
 * Throughput as MLPerf Tiny measures it: five windows of at least ten seconds and ten inferences, each timed by the
 * firmware around all of its inferences; the median counts. What is shorter, or no board, is told and not called a result.
 */
import { ThimbleError } from '../core/errors.js';
import type { StageEvent } from '../core/stage-event.js';
import type { DeviceLink } from '../device/protocol.js';

const WINDOWS = 5;
const LEAST_SECONDS = 10;
const LEAST_RUNS = 10;
const MAX_RUNS = 65_535; // of one infer
const MARGIN = 1.03; // a window is to be a little longer than it must
/** A window that came out too short is done again with more runs: this computer's clock changes under load. */
const TRIES = 4;

export interface MlperfWindow {
  readonly runs: number;
  readonly seconds: number; // by the board's counter
  readonly inferencesPerSecond: number;
}

export interface MlperfReport {
  readonly windows: readonly MlperfWindow[];
  readonly inferencesPerSecond: number; // the median
  readonly windowSeconds: number; // that were asked for
  readonly warmUps: number; // before each window
  /** Why the benchmark's rules would not take it, in sentences; none: they would. */
  readonly objections: readonly string[];
  readonly results: readonly number[]; // the outputs that the last window gave
}

export interface MlperfOptions {
  readonly windowSeconds: number;
  readonly medianUs: number; // of an inference, to know how many fill a window
  readonly warmUps: number;
  readonly onEvent?: ((event: StageEvent) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The input must be loaded. @throws ThimbleError E_INTERRUPTED, and what the link throws */
export async function mlperfWindows(link: DeviceLink, options: MlperfOptions): Promise<MlperfReport> {
  const { windowSeconds, medianUs, warmUps, onEvent, signal } = options;
  const windows: MlperfWindow[] = [];
  let results: readonly number[] = [];
  let runs = runsFor(windowSeconds, medianUs);
  for (let tries = 1; windows.length < WINDOWS; tries++) {
    if (signal?.aborted)
      throw new ThimbleError('E_INTERRUPTED', `stopped after ${windows.length} of ${WINDOWS} windows`, []);
    const report = await link.inferMlperf(runs, warmUps);
    const us = Math.max(report.latency.value, 1); // a counter of microseconds may say 0
    const couldBeLonger = us < windowSeconds * 1e6 && runs < MAX_RUNS && tries < TRIES;
    if (couldBeLonger) {
      runs = runsFor(windowSeconds, us / runs);
      continue;
    }
    windows.push({ runs, seconds: us / 1e6, inferencesPerSecond: runs / (us / 1e6) });
    results = report.results;
    tries = 0;
    onEvent?.({ stage: 'mlperf', done: windows.length, total: WINDOWS });
  }
  const rates = windows.map(({ inferencesPerSecond }) => inferencesPerSecond).sort((a, b) => a - b);
  return {
    windows,
    inferencesPerSecond: rates[(WINDOWS - 1) / 2]!,
    ...{ windowSeconds, warmUps, results },
    objections: objectionsTo(link, windows),
  };
}

const runsFor = (seconds: number, us: number): number =>
  Math.min(MAX_RUNS, Math.max(LEAST_RUNS, Math.ceil((MARGIN * seconds * 1e6) / Math.max(us, 1e-3))));

function objectionsTo(link: DeviceLink, windows: readonly MlperfWindow[]): readonly string[] {
  const shortest = Math.min(...windows.map(({ seconds }) => seconds));
  return [
    ...(link.identity.origin === 'device' ? [] : ['it was not measured on a board']),
    ...(shortest < LEAST_SECONDS
      ? [`a window took ${shortest.toFixed(2)} s, and ${LEAST_SECONDS} s are asked for`]
      : []),
  ];
}
