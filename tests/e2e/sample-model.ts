/** A tiny classifier and its data, made by the test: bright samples are class 0, dark ones class 1 (names are sorted). */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Graph } from '../../src/core/graph.js';
import type { Tensor } from '../../src/core/tensor.js';
import { emitTflite } from '../../src/emit/tflite.js';

const constant = (name: string, shape: number[], values: number[]): Tensor => ({
  name,
  shape,
  dtype: 'float32',
  data: Float32Array.from(values),
});
const float = (name: string, shape: number[]): Tensor => ({ name, shape, dtype: 'float32' });
const CHANNELS = 4;

/** [1, 4, 4, 1] → 3×3 convolution with ReLU → mean → two logits → softmax. */
export function brightnessGraph(spoil?: number): Graph {
  const weights = Array.from({ length: CHANNELS * 9 }, (_, i) => 0.01 + (i % 7) * 0.002);
  if (spoil !== undefined) weights[3] = spoil;
  const logits = Array.from({ length: 2 * CHANNELS }, (_, i) => (i < CHANNELS ? 0.5 : -0.5));
  const tensors = [
    float('x', [1, 4, 4, 1]),
    constant('conv/kernel', [CHANNELS, 3, 3, 1], weights),
    constant('conv/bias', [CHANNELS], [0, 0.1, 0, -0.1]),
    float('conv', [1, 4, 4, CHANNELS]),
    { name: 'mean/axes', shape: [2], dtype: 'int32', data: Int32Array.of(1, 2) } satisfies Tensor,
    float('mean', [1, CHANNELS]),
    constant('dense/kernel', [2, CHANNELS], logits),
    constant('dense/bias', [2], [-20, 20]),
    float('dense', [1, 2]),
    float('y', [1, 2]),
  ];
  return {
    name: 'brightness',
    tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])),
    nodes: [
      {
        name: 'conv',
        op: 'conv_2d',
        inputs: ['x', 'conv/kernel', 'conv/bias'],
        outputs: ['conv'],
        attrs: { stride: [1, 1], padding: 'SAME', activation: 'relu' },
      },
      { name: 'mean', op: 'mean', inputs: ['conv', 'mean/axes'], outputs: ['mean'], attrs: { keepDims: false } },
      {
        name: 'dense',
        op: 'fully_connected',
        inputs: ['mean', 'dense/kernel', 'dense/bias'],
        outputs: ['dense'],
        attrs: { activation: 'none', keepNumDims: false },
      },
      { name: 'y', op: 'softmax', inputs: ['dense'], outputs: ['y'], attrs: { beta: 1 } },
    ],
    inputs: ['x'],
    outputs: ['y'],
  };
}

export function writeModel(folder: string, file = 'brightness.tflite', graph = brightnessGraph()): string {
  const path = join(folder, file);
  writeFileSync(path, emitTflite(graph));
  return path;
}

/** A CSV of bytes with its label in the last column; `count` samples, half of each class. */
export function writeSamples(folder: string, file = 'samples.csv', count = 40): string {
  const header = [...Array.from({ length: 16 }, (_, i) => `p${i}`), 'label'].join(',');
  const rows = Array.from({ length: count }, (_, k) => {
    const bright = k % 2;
    return [
      ...Array.from({ length: 16 }, (_, i) => ((k * 31 + i * 17) % 90) + 150 * bright),
      bright ? 'bright' : 'dark',
    ].join(',');
  });
  const path = join(folder, file);
  writeFileSync(path, `${[header, ...rows].join('\n')}\n`);
  return path;
}
