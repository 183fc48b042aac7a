import { describe, expect, it } from 'vitest';
import type { Dataset } from '../../../src/core/dataset.js';
import { checkGraph, type Graph, tensorOf } from '../../../src/core/graph.js';
import { elementCount } from '../../../src/core/tensor.js';
import { createInterpreter } from '../../../src/interpret/interpreter.js';
import { pruneChannels } from '../../../src/passes/prune-channels.js';
import { cholesky, solveCholesky } from '../../../src/train/refit/linear-algebra.js';
import { refit } from '../../../src/train/refit/refit.js';
import { randomValues, SampleGraph } from './sample-graphs.js';

function noise(shape: readonly number[], count: number): Dataset {
  const samples = Array.from({ length: count }, (_, i) => randomValues(shape, i + 1));
  return {
    name: 'noise',
    sampleCount: count,
    shape,
    values: 'raw',
    labels: [],
    sha256: '',
    sample: (index) => samples[index]!,
    classOf: () => undefined,
  };
}

const outputOf = (graph: Graph, input: Float32Array): Float32Array =>
  createInterpreter(checkGraph(graph)).run([input])[0] as Float32Array;

/** Mean square of the difference, as a share of the outputs' own. */
function errorOf(whole: Graph, other: Graph, data: Dataset): number {
  let [error, power] = [0, 0];
  for (let i = 0; i < data.sampleCount; i++) {
    const x = Float32Array.from(data.sample(i));
    const [a, b] = [outputOf(whole, x), outputOf(other, x)];
    for (const [k, value] of a.entries()) {
      error += (value - b[k]!) ** 2;
      power += value ** 2;
    }
  }
  return error / power;
}

/** Filters of the first layer come in pairs that are alike but for a factor: half of them say all. */
function redundant(): Graph {
  const g = new SampleGraph([1, 8, 8, 3]);
  const filter = randomValues([4, 3, 3, 3], 5);
  const size = elementCount([3, 3, 3]);
  const data = Float32Array.from({ length: 8 * size }, (_, i) => {
    const index = Math.floor(i / size);
    return filter[Math.floor(index / 2) * size + (i % size)]! * (index % 2 === 0 ? 1 : 0.5);
  });
  const bias = g.floats([8], new Float32Array(8));
  const attrs = { stride: [1, 1], padding: 'SAME', activation: 'relu' };
  const x = g.node('conv_2d', [g.input, g.floats([8, 3, 3, 3], data), bias], attrs);
  return g.build(g.conv(x, [5, 3, 3, 8], { stride: [2, 2], activation: 'none' }));
}

describe('refitting a pruned network', () => {
  it('gives back what channels say that others say, too', async () => {
    const whole = redundant();
    const pruned = pruneChannels(whole, { ratio: 0.5, layers: {} });
    const [seen, unseen] = [noise([8, 8, 3], 64), noise([8, 8, 3], 80)];
    const graph = await refit(whole, pruned, seen, { indices: Array.from({ length: 64 }, (_, i) => i) });
    expect(graph.nodes).toEqual(pruned.graph.nodes);
    expect(errorOf(whole, pruned.graph, unseen)).toBeGreaterThan(0.05);
    expect(errorOf(whole, graph, unseen)).toBeLessThan(1e-3);
  });

  it('knows which filters are left where the network’s own outputs stay and streams are cut', async () => {
    const g = new SampleGraph([1, 6, 6, 2]);
    const stem = g.conv(g.input, [8, 3, 3, 2]);
    const inner = g.conv(stem, [8, 3, 3, 8], { activation: 'none' });
    const sum = g.node('add', [stem, inner], { activation: 'relu' });
    const whole = g.build(g.dense(g.reshape(sum, [1, 288]), [3, 288], 'none'));
    const pruned = pruneChannels(whole, { ratio: 0.25 });
    const data = noise([6, 6, 2], 96);
    const indices = Array.from({ length: 96 }, (_, i) => i);
    const graph = await refit(whole, pruned, data, { indices });
    expect(errorOf(whole, graph, data)).toBeLessThan(errorOf(whole, pruned.graph, data) / 4);
    const again = await refit(whole, pruned, data, { indices });
    for (const [name, { data: values }] of graph.tensors) expect(tensorOf(again, name).data).toEqual(values);
  });

  it('solves symmetric systems, and refuses those that are not positive definite', () => {
    const a = Float64Array.of(4, 2, 0.5, 2, 5, 1, 0.5, 1, 3);
    const x = solveCholesky(cholesky(a.slice(), 3), 3, Float64Array.of(9.5, 15, 11.5));
    expect([...x].map((value) => Number(value.toFixed(12)))).toEqual([1, 2, 3]);
    expect(() => cholesky(Float64Array.of(1, 2, 2, 1), 2)).toThrow(RangeError);
  });
});
