import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ALIGNMENT, aligned, type Block, lowerBound, placeBlocks } from '../../../src/plan/place-blocks.js';

const block = fc
  .record({ bytes: fc.integer({ min: 1, max: 5000 }), firstStep: fc.integer({ min: -1, max: 12 }), length: fc.nat(6) })
  .map(({ bytes, firstStep, length }): Block => ({ bytes, firstStep, lastStep: firstStep + length }));

describe('placeBlocks', () => {
  it('never lets two blocks overlap in memory and time, and never beats the lower bound', () => {
    fc.assert(
      fc.property(fc.array(block, { maxLength: 24 }), (blocks) => {
        const { offsets, totalBytes } = placeBlocks(blocks);
        blocks.forEach((a, i) => {
          expect(offsets[i]! % ALIGNMENT).toBe(0);
          expect(offsets[i]! + a.bytes).toBeLessThanOrEqual(totalBytes);
          blocks.slice(0, i).forEach((b, j) => {
            const sameTime = a.firstStep <= b.lastStep && b.firstStep <= a.lastStep;
            const samePlace = offsets[i]! < offsets[j]! + b.bytes && offsets[j]! < offsets[i]! + a.bytes;
            expect(sameTime && samePlace).toBe(false);
          });
        });
        expect(totalBytes).toBeGreaterThanOrEqual(lowerBound(blocks).bytes);
        expect(totalBytes).toBeLessThanOrEqual(blocks.reduce((sum, { bytes }) => sum + aligned(bytes), 0));
      }),
      { numRuns: 500, seed: 1 },
    );
  });

  it('gives a block of changing size the same offset throughout, and what it leaves free to others', () => {
    const segments = fc.array(fc.tuple(fc.integer({ min: 1, max: 3000 }), fc.nat(3)), { minLength: 1, maxLength: 4 });
    const changing = fc.tuple(fc.nat(8), segments).map(([begin, sizes]): Block => {
      let step = begin;
      const parts = sizes.map(([bytes, length]) => {
        const segment = { bytes, firstStep: step, lastStep: step + length };
        step += length; // the next begins while this one is read for the last time
        return segment;
      });
      return { bytes: Math.max(...sizes.map(([bytes]) => bytes)), firstStep: begin, lastStep: step, segments: parts };
    });
    fc.assert(
      fc.property(fc.array(changing, { maxLength: 12 }), (blocks) => {
        const { offsets, totalBytes } = placeBlocks(blocks);
        const pieces = blocks.flatMap((block, i) =>
          block.segments!.map((segment) => ({ ...segment, block: i, offset: offsets[i]! })),
        );
        const disturbed = pieces.some((a) =>
          pieces.some(
            (b) =>
              a.block < b.block &&
              a.firstStep <= b.lastStep &&
              b.firstStep <= a.lastStep &&
              a.offset < b.offset + b.bytes &&
              b.offset < a.offset + a.bytes,
          ),
        );
        expect(disturbed).toBe(false);
        expect(totalBytes).toBeGreaterThanOrEqual(lowerBound(blocks).bytes);
      }),
      { numRuns: 300, seed: 3 },
    );
    const shrinking = {
      bytes: 64,
      firstStep: 0,
      lastStep: 2,
      segments: [
        { bytes: 64, firstStep: 0, lastStep: 1 },
        { bytes: 8, firstStep: 1, lastStep: 2 },
      ],
    };
    expect(placeBlocks([shrinking, { bytes: 48, firstStep: 2, lastStep: 2 }])).toEqual({
      offsets: [0, 8],
      totalBytes: 64,
    });
  });

  it('reaches the bound on a chain, where each block meets only its neighbours', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 9000 }), { minLength: 1, maxLength: 12 }), (sizes) => {
        const chain = sizes.map((bytes, i) => ({ bytes, firstStep: i, lastStep: i + 1 }));
        expect(placeBlocks(chain).totalBytes).toBe(lowerBound(chain).bytes);
      }),
      { numRuns: 300, seed: 2 },
    );
  });

  it('fills a gap before it grows', () => {
    const placed = placeBlocks([
      { bytes: 64, firstStep: 0, lastStep: 0 },
      { bytes: 32, firstStep: 0, lastStep: 2 },
      { bytes: 48, firstStep: 2, lastStep: 2 },
    ]);
    expect(placed).toEqual({ offsets: [0, 64, 0], totalBytes: 96 });
  });
});
