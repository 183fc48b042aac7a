/** Readings as a person reads them. Where a figure comes from is part of the figure. */

import type { Latency, MemoryReading, Origin } from '../core/reading.js';
import type { LinkStatistics } from '../device/link-statistics.js';
import { bytesText, counted, countText } from './table.js';

export const originText: Readonly<Record<Origin, string>> = {
  device: 'measured on the board',
  host: 'measured on this computer, not on a board',
  'virtual-cycles': 'virtual board, from a cycle table: a lower bound of the real board',
  'virtual-instructions': 'virtual board: instructions, not a time',
  estimate: 'estimated',
};

/** Behind a figure that has no line of its own for its origin. */
export const whereText: Readonly<Record<Origin, string>> = {
  device: '',
  host: ', on this computer',
  'virtual-cycles': ', virtual board',
  'virtual-instructions': ', virtual board',
  estimate: ', estimated',
};

/** '12.3 ms', '845 µs', '1,234,567 instructions': an instruction count is never shown as a time. */
export function latencyText({ value, unit }: Latency): string {
  if (unit === 'instructions') return `${countText(value)} instructions`;
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)} s`;
  return value >= 1000 ? `${(value / 1000).toFixed(2)} ms` : `${value.toFixed(value < 10 ? 2 : 0)} µs`;
}

/** What a bad cable cost, as a sentence; '' for a good one, and for a link that speaks text and does not know. */
export function cableText(link: LinkStatistics | undefined | null): string {
  if (!link || link.damagedFrames + link.resentBlocks + link.resentCommands === 0) return '';
  return (
    `the cable damages bytes: ${counted(link.damagedFrames, 'frame')} of ${countText(link.damagedFrames + link.receivedFrames)} came damaged, ` +
    `${counted(link.resentBlocks, 'block')} of input and ${counted(link.resentCommands, 'command')} had to be sent again`
  );
}

/** '125 MHz'. */
export const clockText = (hertz: number): string => `${Number((hertz / 1e6).toFixed(2))} MHz`;

/** A firmware that is a program of this computer knows its arena only: stack and heap are the operating system's. */
export const isFullMemory = ({ stackBytes }: MemoryReading): boolean => stackBytes > 0;

/** Measured is what a real board says; of an emulated one it is only what was used there. */
export const memoryTitle = (memory: MemoryReading, origin: Origin): string => {
  if (!isFullMemory(memory)) return 'RAM of the model';
  return origin === 'device' ? 'RAM measured' : 'RAM used, virtual';
};

export const memoryText = (memory: MemoryReading): string =>
  isFullMemory(memory) ? boardMemoryText(memory) : `${modelMemoryText(memory)}; stack and heap are not measured here`;

const modelMemoryText = ({ arenaBytes, dbBytes }: MemoryReading): string =>
  `arena ${bytesText(arenaBytes)}, db buffer ${bytesText(dbBytes)}`;

const boardMemoryText = (memory: MemoryReading): string =>
  `static ${bytesText(memory.staticBytes)} (${modelMemoryText(memory)}), ` +
  `stack ${bytesText(memory.stackHighWaterBytes)} of ${bytesText(memory.stackBytes)} used, ` +
  `heap ${bytesText(memory.heapUsedBytes)} used` +
  (memory.heapFreeBytes > 0 ? `, ${bytesText(memory.heapFreeBytes)} free` : '') +
  (memory.temperatureC === undefined ? '' : `; chip at ${memory.temperatureC.toFixed(1)} °C`);
