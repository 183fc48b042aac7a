import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Dataset } from '../../../src/core/dataset.js';
import { splitDataset, stratifiedIndices, subset } from '../../../src/datasets/index.js';
import { codeOf } from './data-files.js';

const dataset = (classes: readonly (number | undefined)[]): Dataset => ({
  name: 'd',
  sampleCount: classes.length,
  shape: [1],
  values: 'raw',
  labels: [],
  sha256: '',
  sample: (index) => Float32Array.of(index),
  classOf: (index) => classes[index],
});
const countsOf = (data: Dataset, indices: readonly number[]) => {
  const counts: Record<string, number> = {};
  for (const i of indices) counts[String(data.classOf(i))] = (counts[String(data.classOf(i))] ?? 0) + 1;
  return counts;
};

describe('stratified samples', () => {
  const data = dataset(Array.from({ length: 100 }, (_, i) => (i < 60 ? 0 : i < 90 ? 1 : 2)));

  it('give every class its share', () => {
    expect(countsOf(data, stratifiedIndices(data, 10))).toEqual({ 0: 6, 1: 3, 2: 1 });
    expect(countsOf(data, stratifiedIndices(data, 11))).toEqual({ 0: 7, 1: 3, 2: 1 }); // 6.6, 3.3, 1.1
  });

  it('are the same for a seed, others for another, and not the first ones', () => {
    expect(stratifiedIndices(data, 10, 1)).toEqual(stratifiedIndices(data, 10));
    expect(stratifiedIndices(data, 10, 2)).not.toEqual(stratifiedIndices(data, 10));
    expect(stratifiedIndices(data, 10)).not.toEqual([0, 1, 2, 3, 4, 5, 60, 61, 62, 90]);
  });

  it('are drawn among the given ones', () => {
    const among = [95, 3, 61, 62, 4];
    expect(stratifiedIndices(data, 99, 1, among)).toEqual([3, 4, 61, 62, 95]);
    for (const i of stratifiedIndices(data, 3, 1, among)) expect(among).toContain(i);
  });

  it('need at least one', async () => {
    expect(await codeOf(() => stratifiedIndices(data, 0))).toBe('E_DATA_EMPTY');
  });

  it('are as many as asked, each once, sorted, within one of the exact share', () => {
    fc.assert(
      fc.property(
        fc.array(fc.option(fc.nat(4), { nil: undefined }), { minLength: 1, maxLength: 80 }),
        fc.integer({ min: 1, max: 90 }),
        fc.integer(),
        (classes, count, seed) => {
          const some = dataset(classes);
          const indices = stratifiedIndices(some, count, seed);
          expect(indices.length).toBe(Math.min(count, classes.length));
          expect(indices).toEqual([...new Set(indices)].sort((a, b) => a - b));
          const all = countsOf(some, [...classes.keys()]);
          for (const [name, chosen] of Object.entries(countsOf(some, indices)))
            expect(Math.abs(chosen - (all[name]! * indices.length) / classes.length)).toBeLessThan(1);
        },
      ),
    );
  });
});

describe('parts of a data set', () => {
  const data = dataset([0, 1, 0, 1, 0, 1, 0, 1, 0, 1]);

  it('show the chosen samples in their order', () => {
    const part = subset(data, [7, 2]);
    expect([part.sampleCount, part.sample(0)[0], part.classOf(0), part.sample(1)[0]]).toEqual([2, 7, 1, 2]);
    expect(() => part.sample(2)).toThrow(RangeError);
  });

  it('share nothing when split, and lose nothing', () => {
    const { first, second } = splitDataset(data, 0.4);
    const values = (part: Dataset) => Array.from({ length: part.sampleCount }, (_, i) => part.sample(i)[0]!);
    expect([first.sampleCount, second.sampleCount]).toEqual([4, 6]);
    expect(countsOf(first, [0, 1, 2, 3])).toEqual({ 0: 2, 1: 2 });
    expect([...values(first), ...values(second)].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(() => splitDataset(data, 1)).toThrow(RangeError);
  });
});
