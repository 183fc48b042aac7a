import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../../src/core/seeded-random.js';
import {
  bitmask,
  codes,
  delta,
  nOfFour,
  type Packing,
  shortestPacking,
  sizeOf,
} from '../../../../src/ops/packed/packings.js';

/** As the headers describe the formats, bit by bit; the C itself runs on every core in the conformance tests. */
function unpacked({ kind, packed, codebook, count, parameters }: Packing): number[] {
  const [first = 0, n = 0] = parameters;
  const bytes = [...packed];
  const next = () => bytes.shift()!;
  if (kind === 'codes') {
    const bits = bytes.flatMap((byte) => Array.from({ length: 8 }, (_, bit) => (byte >> bit) & 1));
    const place = (i: number) => bits.slice(i * first, (i + 1) * first).reduceRight((sum, bit) => 2 * sum + bit, 0);
    return Array.from({ length: count }, (_, i) => codebook![place(i)]!);
  }
  const out = new Array<number>(count + 1).fill(first);
  let at = 0;
  if (kind === 'bitmask')
    while (at < count) for (let mask = next() + 256; mask > 1; mask >>= 1) out[at++] = mask & 1 ? next() : first;
  if (kind === 'delta')
    for (let pairs = n; pairs > 0; pairs--) {
      const skips = next();
      out[at + (skips & 15)] = next();
      out[at + (skips & 15) + 1 + (skips >> 4)] = next();
      at += (skips & 15) + (skips >> 4) + 2;
    }
  if (kind === 'nm')
    for (let entry = 0, places = 0; entry < (count / 4) * n; entry++) {
      if (entry % 4 === 0) places = next();
      out[4 * Math.floor(entry / n) + ((places >> (2 * (entry % 4))) & 3)] = next();
    }
  expect(bytes).toEqual([]); // nothing is stored that is not read
  return out.slice(0, count);
}

const sparseBytes = (share: number, count = 400): Uint8Array => {
  const random = seededRandom(7);
  return Uint8Array.from({ length: count }, () => (random() < share ? Math.floor(random() * 256) : 128));
};

describe('packings', () => {
  it('lose nothing', () => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 90 });
    const thinned = fc.tuple(bytes, fc.uint8Array({ minLength: 90, maxLength: 90, max: 9 }), fc.nat(9), fc.nat(255));
    fc.assert(
      fc.property(thinned, ([values, chance, share, most]) => {
        const array = values.map((value, i) => (chance[i]! < share ? value : most));
        for (const packing of [bitmask(array, most), delta(array, most), nOfFour(array, most), codes(array)]) {
          if (!packing) continue;
          const all = unpacked(packing);
          expect(all.slice(0, array.length)).toEqual([...array]);
          expect(packing.room).toBeGreaterThanOrEqual(all.length);
        }
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['bitmask', sparseBytes(0.5), 0.5 + 1 / 8],
    ['delta', sparseBytes(0.15), 1.5 * 0.15],
    ['nm', sparseBytes(1).map((byte, i) => (i % 4 === (i >> 2) % 4 ? byte : 128)), 1 / 4 + 1 / 16],
    ['codes', sparseBytes(1).map((byte) => byte & 0x3c), 4 / 8 + 16 / 400],
    ['codes', sparseBytes(1).map((byte) => byte & 0x7c), 5 / 8 + 32 / 400],
  ] as const)('%s is the shortest where it fits best', (kind, bytes, share) => {
    const packing = shortestPacking(bytes)!;
    expect(packing.kind).toBe(kind);
    expect(Math.abs(sizeOf(packing) / bytes.length / share - 1)).toBeLessThan(0.15);
  });

  it('are not offered where they are no shorter', () => {
    expect(shortestPacking(sparseBytes(1))).toBeNull();
    expect(nOfFour(Uint8Array.of(1, 2, 3, 0), 0)).toBeNull();
    expect(codes(Uint8Array.from({ length: 256 }, (_, i) => i))).toBeNull();
  });

  it('skip gaps that are wider than half a byte says', () => {
    const bytes = new Uint8Array(100).fill(9);
    bytes[99] = 1;
    expect(unpacked(delta(bytes, 9))).toEqual([...bytes]);
  });
});
