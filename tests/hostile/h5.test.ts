/** Damaged .h5 files, in the old and in the new file format. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { importH5 } from '../../src/importers/keras/keras.js';
import { type H5Version, kerasH5 } from '../unit/importers/keras-h5-file.js';
import { expectGraphOrRefusal } from './expect-refusal.js';
import { byteMutations, mutated } from './mutations.js';

const l = tf.layers;
const small = (): tf.LayersModel =>
  tf.sequential({
    layers: [
      l.conv2d({ inputShape: [6, 6, 1], filters: 2, kernelSize: 3 }),
      l.batchNormalization(),
      l.flatten(),
      ...Array.from({ length: 8 }, () => l.dense({ units: 2 })), // enough for dense storage
    ],
  });

/** Where the file describes itself: everything but the long JSON text, whose bytes would take most of the hits. */
function structureOf(bytes: Uint8Array): readonly number[] {
  const isText = (at: number): boolean => bytes.subarray(at, at + 16).every((byte) => byte >= 32 && byte < 127);
  return Array.from(bytes.keys()).filter((at) => !isText(at));
}

describe.each<H5Version>(['earliest', 'v114'])('a damaged .h5 of format %s', (version) => {
  it('is refused or read, after 2,000 mutations anywhere and 2,000 of its structure', async () => {
    const bytes = await kerasH5(small(), version);
    const structure = structureOf(bytes);
    let refused = 0;
    const read = (mutations: readonly (readonly [number, number])[]): void => {
      if (expectGraphOrRefusal(() => importH5(mutated(bytes, mutations)))) refused++;
    };
    fc.assert(fc.property(byteMutations(bytes.length), read), { numRuns: 2000, seed: 1 });
    const inStructure = byteMutations(structure.length).map((list) =>
      list.map(([i, v]) => [structure[i]!, v] as const),
    );
    fc.assert(fc.property(inStructure, read), { numRuns: 2000, seed: 2 });
    expect(refused).toBeGreaterThan(500); // else the mutations would hit nothing
  });

  it('is refused when cut short', async () => {
    const bytes = await kerasH5(small(), version);
    const step = Math.ceil(bytes.length / 400);
    for (let length = 0; length < bytes.length; length += step)
      expectGraphOrRefusal(() => importH5(bytes.subarray(0, length)));
    expect(expectGraphOrRefusal(() => importH5(bytes.subarray(0, bytes.length >> 1)))).toBe(true);
    expect(expectGraphOrRefusal(() => importH5(bytes))).toBe(false);
  });
});
