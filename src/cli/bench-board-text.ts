/** What a board told of its times, as tables. */
import type { Latency } from '../core/reading.js';
import type { BoardBench, TimedPart } from '../pipeline/bench-board.js';
import type { MlperfReport } from '../pipeline/mlperf-windows.js';
import { cableText, latencyText, memoryText, originText } from './reading-text.js';
import { type Column, counted, countText, percentText, tableText } from './table.js';

const right = (title: string): Column => ({ title, align: 'right' });

/** Without its head line: what, and on which board. */
export function boardBenchText(bench: BoardBench, dim: (text: string) => string): string {
  const { latency, warmUps, origin, bitExact, memory, mlperf, layers } = bench;
  return [
    `  ${counted(latency.n, 'run')} after ${counted(warmUps, 'warm-up')}, ${originText[origin]}`,
    '',
    partsTable(bench, dim),
    ...(layers.length > 0 ? ['', layersTable(bench, dim)] : []),
    '',
    `  memory ${memoryText(memory)}`,
    `  ${bitExact ? 'the output bytes of the last run equal the host’s' : 'NOT bit-exact: the output bytes differ from the host’s'}`,
    ...(cableText(bench.link) === '' ? [] : [`  ${cableText(bench.link)}`]),
    ...(mlperf ? ['', mlperfText(mlperf)] : []),
  ].join('\n');
}

function partsTable({ latency, pre, post }: BoardBench, dim: (text: string) => string): string {
  const row = (title: string, part: TimedPart): string[] => {
    const text = (value: number) => latencyText({ value, unit: part.unit });
    const { interval } = part;
    return [
      title,
      text(part.median),
      interval ? `${text(interval.low)} … ${text(interval.high)}` : '',
      ...[part.p90, part.p99, part.min, part.max].map(text),
    ];
  };
  const columns = ['median', '95 % interval', 'p90', 'p99', 'least', 'most'].map(right);
  return tableText(
    [{ title: '' }, ...columns],
    [
      row('inference, with the copy of its input', latency),
      ...(pre ? [row('  of it the copy', pre)] : []),
      ...(post ? [row('finding the class, behind it', post)] : []),
    ],
    dim,
  );
}

function layersTable({ layers }: BoardBench, dim: (text: string) => string): string {
  const total = layers.reduce((sum, { latency }) => sum + latency.value, 0);
  const cells = (latency: Latency): string[] => [
    latencyText(latency),
    total > 0 ? percentText(latency.value / total) : '',
  ];
  return tableText(
    [right('#'), { title: 'op' }, { title: 'output' }, right('one run'), right('share')],
    layers.map(({ index, op, output, latency }) => [String(index), op, output, ...cells(latency)]),
    dim,
  );
}

function mlperfText({ windows, inferencesPerSecond, warmUps, objections }: MlperfReport): string {
  const rate = (value: number): string => `${value >= 100 ? countText(value) : value.toPrecision(4)} inf/s`;
  const [first] = windows;
  return [
    `  in the style of MLPerf Tiny: median throughput ${rate(inferencesPerSecond)}, of ${windows.length} windows:`,
    ...windows.map(
      (window) =>
        `    ${counted(window.runs, 'inference')} in ${window.seconds.toFixed(3)} s: ${rate(window.inferencesPerSecond)}`,
    ),
    ...(first && warmUps > 0 ? [`    ${counted(warmUps, 'warm-up')} before each`] : []),
    ...objections.map((why) => `  no result of the benchmark: ${why}`),
  ].join('\n');
}
