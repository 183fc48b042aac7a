/** A small int8 graph with weights, two inputs and two outputs: what tests of the emitted folder emit. */
import type { Graph, ModelMetadata } from '../../src/core/graph.js';
import type { Tensor } from '../../src/core/tensor.js';

const int8 = (name: string, shape: readonly number[], scale: number, zeroPoint: number): Tensor => ({
  name,
  shape,
  dtype: 'int8',
  quant: { scale: [Math.fround(scale)], zeroPoint: [zeroPoint], axis: null },
});

/** (image + other) → fully_connected over pixels → softmax; the sum's relu is the second output. */
export function smallModel(metadata?: ModelMetadata): Graph {
  const weights: Tensor = {
    name: 'weights',
    shape: [3, 12],
    dtype: 'int8',
    quant: { scale: [Math.fround(0.02)], zeroPoint: [0], axis: null },
    data: Int8Array.from({ length: 36 }, (_, i) => ((i * 37) % 255) - 127),
  };
  const tensors = [
    int8('image', [1, 2, 2, 3], 1, -128),
    int8('other', [1, 2, 2, 3], 0.25, 7),
    int8('sum', [1, 2, 2, 3], 1.5, -20),
    int8('positive', [1, 2, 2, 3], 1.5, -20),
    int8('flat', [1, 12], 1.5, -20),
    weights,
    int8('logits', [1, 3], 2, 3),
    int8('scores', [1, 3], 1 / 256, -128),
  ];
  const shape: Tensor = { name: 'shape', shape: [2], dtype: 'int32', data: Int32Array.from([1, 12]) };
  return {
    name: 'small',
    tensors: new Map([...tensors, shape].map((tensor) => [tensor.name, tensor])),
    nodes: [
      { name: 'add', op: 'add', inputs: ['image', 'other'], outputs: ['sum'], attrs: { activation: 'none' } },
      { name: 'relu', op: 'relu', inputs: ['sum'], outputs: ['positive'], attrs: {} },
      { name: 'reshape', op: 'reshape', inputs: ['sum', 'shape'], outputs: ['flat'], attrs: { newShape: [1, 12] } },
      {
        name: 'dense',
        op: 'fully_connected',
        inputs: ['flat', 'weights', null],
        outputs: ['logits'],
        attrs: { activation: 'none', keepNumDims: false },
      },
      { name: 'softmax', op: 'softmax', inputs: ['logits'], outputs: ['scores'], attrs: { beta: 1 } },
    ],
    inputs: ['image', 'other'],
    outputs: ['scores', 'positive'],
    ...(metadata && { metadata }),
  };
}
