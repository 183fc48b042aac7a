import { describe, expect, it } from 'vitest';
import type { Dataset } from '../../../src/core/dataset.js';
import type { Engine } from '../../../src/core/engine.js';
import type { TensorSpec } from '../../../src/core/tensor.js';
import { agreement, argMax, scoreEngine } from '../../../src/evaluate/score.js';

const samples = [
  [3, 1, 2],
  [1, 1, 0],
  [0, 5, 4],
  [1, 2, 9],
];
const dataset: Dataset = {
  name: 'four',
  sampleCount: 4,
  shape: [3],
  values: 'raw',
  labels: ['a', 'b', 'c'],
  sha256: '',
  sample: (i) => Float32Array.from(samples[i]!),
  classOf: (i) => [0, 1, 1, 2][i],
};
const input: TensorSpec = { name: 'x', shape: [1, 3], dtype: 'float32' };
const model = { inputs: [input], outputs: [{ ...input, name: 'y' }] };
const all = { indices: [0, 1, 2, 3] };
const echo = (add: number): Engine => ({
  name: 'echo',
  origin: 'host',
  run: async ([x]) => [(x as Float32Array).map((value, i) => value + (i === 2 ? add : 0))],
  close: async () => {},
});

describe('scoring', () => {
  it('counts hits and confusions, the first of equal values winning', async () => {
    const score = await scoreEngine(echo(0), model, dataset, all);
    expect([...score.predictions]).toEqual([0, 0, 1, 2]);
    expect(score.accuracy).toMatchObject({ hits: 3, n: 4 });
    expect(score.confusion).toEqual([
      [1, 0, 0],
      [1, 1, 0],
      [0, 0, 1],
    ]);
  });

  it('preprocesses by channel before the model sees a sample', async () => {
    const seen: number[][] = [];
    const spy: Engine = {
      ...echo(0),
      run: async ([x]) => {
        seen.push([...x!]);
        return [x!];
      },
    };
    await scoreEngine(spy, { ...model, preprocessing: { scale: [1, 2, 3], offset: [0, 0, 1] } }, dataset, {
      indices: [0],
    });
    expect(seen).toEqual([[3, 2, 7]]);
  });

  it('says how far two runs agree', async () => {
    const [a, b] = [await scoreEngine(echo(0), model, dataset, all), await scoreEngine(echo(2), model, dataset, all)];
    expect(agreement(a, b)).toMatchObject({ argMax: { hits: 1, n: 4 }, largestDifference: 2 });
  });

  it('refuses samples of another size, no samples, and several inputs', async () => {
    const wrong = { ...dataset, shape: [4] };
    await expect(scoreEngine(echo(0), model, wrong, all)).rejects.toMatchObject({ code: 'E_DATA_SHAPE' });
    await expect(scoreEngine(echo(0), model, dataset, { indices: [] })).rejects.toMatchObject({ code: 'E_DATA_EMPTY' });
    const two = { ...model, inputs: [input, input] };
    await expect(scoreEngine(echo(0), two, dataset, all)).rejects.toMatchObject({ code: 'E_DATA_SHAPE' });
  });

  it('stops when asked to', async () => {
    const signal = AbortSignal.abort();
    await expect(scoreEngine(echo(0), model, dataset, { ...all, signal })).rejects.toMatchObject({
      code: 'E_INTERRUPTED',
    });
  });

  it('finds the largest value', () => {
    expect([argMax(Int8Array.of(-3, -1, -1)), argMax(Int8Array.of(5))]).toEqual([1, 0]);
  });
});
