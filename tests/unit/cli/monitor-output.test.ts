/** What monitor draws and what it writes down. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { loadBoard } from '../../../src/boards/load-board.js';
import { type LiveState, liveView, sparkline } from '../../../src/cli/live-view.js';
import { type InferenceReading, openReadingFiles } from '../../../src/cli/reading-files.js';

const folder = mkdtempSync(join(tmpdir(), 'thimble-monitor-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const reading = (sequence: number, value: number): InferenceReading => ({
  kind: 'inference',
  origin: 'device',
  sequence,
  latency: { value, unit: 'us' },
  classIndex: 1,
  score: 0.75,
});
const memory = {
  arenaBytes: 1024,
  dbBytes: 512,
  staticBytes: 67_584, // a quarter of the Pico's 264 KB
  stackBytes: 4096,
  stackHighWaterBytes: 2048,
  heapUsedBytes: 0,
  heapFreeBytes: 0,
};
const state = (change: Partial<LiveState> = {}): LiveState => ({
  recent: Array.from({ length: 100 }, (_, i) => reading(i, i + 1)),
  total: 250,
  answer: 'cat (0.750)',
  memory,
  board: { ...loadBoard('pico'), ramBytes: 270_336 },
  columns: 100,
  ...change,
});

describe('the picture', () => {
  it('has the curve, the percentiles, the answer and how full memory is', () => {
    const text = liveView(state());
    expect(text).toContain('p50 51 µs   p90 90 µs   p99 99 µs   max 100 µs');
    expect(text).toContain('#99 cat (0.750)   (the last 100 of 250 readings)');
    expect(text).toMatch(/static \[#####·{15}\] {2}25 %/);
    expect(text).toMatch(/stack {2}\[#{10}·{10}\] {2}50 %/);
  });

  it('draws from the least to the greatest, and the newest values only', () => {
    expect(sparkline([90, 1, 10, 17, 13.5], 3)).toBe('▁█▅');
    expect(sparkline([5, 5, 5], 10)).toBe('▁▁▁');
  });

  it('never is wider than the terminal, whose wrapped lines would stay on the screen', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1e9, noNaN: true }), { maxLength: 300 }),
        fc.integer({ min: 2, max: 200 }),
        (values, columns) => {
          const recent = values.map((value, i) => reading(i, value));
          const lines = liveView(state({ recent, columns })).split('\n');
          return recent.length === 0 || lines.every((line) => [...line].length < columns);
        },
      ),
    );
  });
});

describe('the files', () => {
  const at = new Date('2026-01-02T03:04:05.678Z');

  it('hold a whole line for each reading at once, and labels with commas and quotes', () => {
    const [csv, jsonl, log] = ['r.csv', 'r.jsonl', 'r.log'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    const files = openReadingFiles({ csv, jsonl, log });
    const whole: InferenceReading = {
      ...reading(0, 12.5),
      pre: { value: 0.5, unit: 'us' },
      post: { value: 2, unit: 'us' },
    };
    files.reading(whole, 'cat, "big"\nand old', at);
    files.log('\n  two\n  lines', at);
    // Not closed yet: what is read here is what an end at this moment would leave.
    const rows = parse(readFileSync(csv), { columns: true });
    expect(rows).toEqual([
      {
        ...{ time: at.toISOString(), sequence: '0', latency: '12.5', unit: 'us' },
        ...{ class: '1', label: 'cat, "big" and old', score: '0.75', origin: 'device' },
        ...{ pre: '0.5', post: '2' },
      },
    ]);
    const text = readFileSync(jsonl, 'utf8');
    expect(text.match(/\n/g)).toHaveLength(1);
    expect(JSON.parse(text)).toMatchObject({ label: 'cat, "big"\nand old', latency: { value: 12.5, unit: 'us' } });
    expect(readFileSync(log, 'utf8')).toBe(`${at.toISOString()}   two\n${at.toISOString()}   lines\n`);
    files.close();
  });

  it('overwrite no recording, and then none of them is begun', () => {
    const old = join(folder, 'old.jsonl');
    writeFileSync(old, 'precious');
    const csv = join(folder, 'new.csv');
    expect(() => openReadingFiles({ csv, jsonl: old })).toThrow(/exists already/);
    expect([readFileSync(old, 'utf8'), existsSync(csv)]).toEqual(['precious', false]);
    expect(() => openReadingFiles({ csv: join(folder, 'no', 'such.csv') })).toThrow(/ENOENT/);
  });
});
