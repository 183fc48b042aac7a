/** What a damaged model may do: be refused in words, or still be a valid graph; never crash, never take long. */
import { expect } from 'vitest';
import { ThimbleError } from '../../src/core/errors.js';
import { checkGraph, type Graph } from '../../src/core/graph.js';

/** @returns whether it was refused */
export function expectGraphOrRefusal(read: () => Graph): boolean {
  const begin = performance.now();
  let refused = false;
  try {
    checkGraph(read());
  } catch (error) {
    if (!(error instanceof ThimbleError)) throw error;
    expect(error.message.length).toBeGreaterThan(0);
    expect(error.message.length).toBeLessThan(100_000);
    refused = true;
  }
  expect(performance.now() - begin).toBeLessThan(5000);
  return refused;
}
