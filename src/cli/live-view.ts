/** The picture of `monitor` in a terminal: a few lines that are drawn again and again in the same place. */
import type { BoardSpec } from '../core/board-spec.js';
import type { MemoryReading } from '../core/reading.js';
import { summarizeLatencies } from '../evaluate/latency-summary.js';
import type { InferenceReading } from './reading-files.js';
import { isFullMemory, latencyText, memoryText } from './reading-text.js';
import { bytesText, counted } from './table.js';

const BARS = '▁▂▃▄▅▆▇█';
const MEMORY_BAR = 20; // characters

export interface LiveState {
  readonly recent: readonly InferenceReading[]; // the newest last; figures are of these
  readonly total: number;
  readonly answer: string; // of the newest
  readonly memory: MemoryReading | undefined;
  readonly board: BoardSpec;
  readonly columns: number;
}

export function liveView({ recent, total, answer, memory, board, columns }: LiveState): string {
  const summary = summarizeLatencies(recent.map(({ latency }) => latency));
  const last = recent.at(-1);
  if (!summary || !last) return '  waiting for the first reading …';
  const text = (value: number) => latencyText({ value, unit: summary.unit });
  const of = total > summary.n ? `the last ${summary.n} of ${counted(total, 'reading')}` : counted(total, 'reading');
  const lines = [
    `  ${sparkline(
      recent.map(({ latency }) => latency.value),
      Math.max(1, columns - 4),
    )}`,
    `  now ${text(last.latency.value)}   p50 ${text(summary.median)}   p90 ${text(summary.p90)}   p99 ${text(summary.p99)}   max ${text(summary.max)}`,
    `  #${last.sequence} ${answer}   (${of})`,
  ];
  if (memory && isFullMemory(memory))
    lines.push(
      memoryBar('static', memory.staticBytes, board.ramBytes),
      memoryBar('stack', memory.stackHighWaterBytes, memory.stackBytes),
    );
  else if (memory) lines.push(`  memory ${memoryText(memory)}`);
  // A line that wraps would be counted as one and leave its rest on the screen.
  return lines.map((line) => [...line].slice(0, Math.max(1, columns - 1)).join('')).join('\n');
}

/**
 * The newest `width` values between their least and their greatest; equal values lie low, for there is nothing to see.
 * @param values finite
 */
export function sparkline(values: readonly number[], width: number): string {
  const shown = values.slice(-width);
  const least = Math.min(...shown);
  const span = Math.max(...shown) - least;
  return shown.map((value) => BARS[span > 0 ? Math.round(((value - least) / span) * (BARS.length - 1)) : 0]).join('');
}

/** '  static [######··············]  31 %  81.2 of 264.0 KB' */
function memoryBar(title: string, used: number, of: number): string {
  const share = of > 0 ? Math.min(1, used / of) : 0;
  const filled = Math.round(share * MEMORY_BAR);
  const bar = '#'.repeat(filled) + '·'.repeat(MEMORY_BAR - filled);
  return `  ${title.padEnd(6)} [${bar}] ${String(Math.round(share * 100)).padStart(3)} %  ${bytesText(used)} of ${bytesText(of)}`;
}
