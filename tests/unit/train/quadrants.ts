/** A task that a small network learns in seconds. */
import type { Dataset } from '../../../src/core/dataset.js';
import type { Graph } from '../../../src/core/graph.js';
import { seededRandom } from '../../../src/core/seeded-random.js';
import { SampleGraph } from './sample-graphs.js';

/** Images whose class is the quadrant that is bright; bytes, so that the raw unit is 0 … 255. */
export function quadrants(count: number, unit = 255): Dataset {
  const random = seededRandom(3);
  const samples = Array.from({ length: count }, (_, i) =>
    Float32Array.from({ length: 64 }, (__, at) => {
      const [y, x] = [Math.floor(at / 8), at % 8];
      const inside = Math.floor(y / 4) * 2 + Math.floor(x / 4) === i % 4;
      return unit * (inside ? 0.4 + 0.4 * random() : 0.5 * random());
    }),
  );
  return {
    name: 'quadrants',
    sampleCount: count,
    shape: [8, 8, 1],
    values: 'raw',
    labels: ['0', '1', '2', '3'],
    sha256: '',
    sample: (i) => samples[i]!,
    classOf: (i) => i % 4,
  };
}

/** @param unit of the input: the first weights are as many times smaller, as in a model that takes bytes */
export function classifier(unit = 255): Graph {
  const g = new SampleGraph([1, 8, 8, 1]);
  const random = seededRandom(11);
  const weights = Float32Array.from({ length: 4 * 9 }, () => (random() - 0.5) / unit);
  const operands = [g.input, g.floats([4, 3, 3, 1], weights), g.floats([4], new Float32Array(4))];
  const conv = g.node('conv_2d', operands, { stride: [1, 1], padding: 'SAME', activation: 'relu' });
  const logits = g.dense(g.reshape(g.pool('max_pool_2d', conv), [1, 64]), [4, 64]);
  return g.build(g.node('softmax', [logits], { beta: 1 }));
}
