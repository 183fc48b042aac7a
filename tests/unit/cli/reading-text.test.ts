import { expect, it } from 'vitest';
import { cableText, memoryTitle } from '../../../src/cli/reading-text.js';
import { emptyStatistics } from '../../../src/device/link-statistics.js';

const memory = {
  arenaBytes: 8,
  dbBytes: 4,
  staticBytes: 100,
  stackHighWaterBytes: 90,
  heapUsedBytes: 0,
  heapFreeBytes: 1,
};

it('calls memory measured on a real board only', () => {
  const full = { ...memory, stackBytes: 512 };
  expect(memoryTitle(full, 'device')).toBe('RAM measured');
  for (const origin of ['virtual-cycles', 'virtual-instructions', 'host', 'estimate'] as const)
    expect(memoryTitle(full, origin)).not.toMatch(/measured/i);
});

it('tells of a bad cable, and nothing of a good one', () => {
  const clean = { ...emptyStatistics(), receivedFrames: 990 };
  for (const link of [undefined, null, clean]) expect(cableText(link)).toBe('');
  expect(cableText({ ...clean, damagedFrames: 10, resentBlocks: 1 })).toBe(
    'the cable damages bytes: 10 frames of 1,000 came damaged, 1 block of input and 0 commands had to be sent again',
  );
});

it('calls what a program of this computer knows the RAM of the model', () => {
  expect(memoryTitle({ ...memory, stackBytes: 0 }, 'host')).toBe('RAM of the model');
});
