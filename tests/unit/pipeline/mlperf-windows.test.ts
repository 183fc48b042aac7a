import { describe, expect, it } from 'vitest';
import type { Origin } from '../../../src/core/reading.js';
import type { DeviceLink } from '../../../src/device/protocol.js';
import { mlperfWindows } from '../../../src/pipeline/mlperf-windows.js';

/** A board whose inferences take what `usOf` says, the k-th command counted from 0. */
function board(origin: Origin, usOf: (command: number) => number) {
  const asked: number[] = [];
  const link = {
    identity: { path: 'x', kind: 'serial', origin },
    inferMlperf: async (runs: number) => {
      asked.push(runs);
      return { count: runs, latency: { value: runs * usOf(asked.length - 1), unit: 'us' }, results: [0.25, 0.75] };
    },
  } as unknown as DeviceLink;
  return { link, asked };
}
const options = { windowSeconds: 10, medianUs: 100_000, warmUps: 3 };

describe('windows in the style of MLPerf Tiny', () => {
  it('are five of ten seconds, of which the median counts, and on a board the benchmark would take them', async () => {
    const { link, asked } = board('device', (k) => 100_000 + 1000 * k);
    const report = await mlperfWindows(link, options);
    expect(asked).toEqual([103, 103, 103, 103, 103]);
    expect(report.inferencesPerSecond).toBeCloseTo(1e6 / 102_000, 9);
    expect(report).toMatchObject({ objections: [], results: [0.25, 0.75] });
  });

  it('are done again with more inferences where they came out too short', async () => {
    const { link, asked } = board('device', (k) => (k < 2 ? 100_000 : 50_000));
    const report = await mlperfWindows(link, options);
    expect(asked).toEqual([103, 103, 103, 206, 206, 206]);
    expect(report.windows.map(({ runs }) => runs)).toEqual([103, 103, 206, 206, 206]);
    expect(report.objections).toEqual([]);
  });

  it('say why the benchmark would not take them', async () => {
    const quick = await mlperfWindows(board('device', () => 1).link, { ...options, medianUs: 1 });
    expect(quick.windows[0]!.runs).toBe(65_535);
    expect(quick.objections).toEqual(['a window took 0.07 s, and 10 s are asked for']);
    const faster = board('host', () => 1e-9); // than its counter can tell
    expect((await mlperfWindows(faster.link, options)).inferencesPerSecond).toBeGreaterThan(0);
    const virtual = await mlperfWindows(board('virtual-cycles', () => 100_000).link, options);
    expect(virtual.objections).toEqual(['it was not measured on a board']);
  });

  it('are at least ten inferences, and end by Ctrl-C between two', async () => {
    const { link, asked } = board('device', () => 5e6);
    const interrupt = new AbortController();
    const onEvent = ({ done }: { done?: number }) => done === 2 && interrupt.abort();
    await expect(
      mlperfWindows(link, { ...options, medianUs: 5e6, onEvent, signal: interrupt.signal }),
    ).rejects.toMatchObject({ code: 'E_INTERRUPTED' });
    expect(asked).toEqual([10, 10]);
  });
});
