import { expect, it } from 'vitest';
import { memoryTitle } from '../../../src/cli/reading-text.js';

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

it('calls what a program of this computer knows the RAM of the model', () => {
  expect(memoryTitle({ ...memory, stackBytes: 0 }, 'host')).toBe('RAM of the model');
});
