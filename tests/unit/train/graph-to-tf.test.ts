/** A Graph in TensorFlow.js against the reference interpreter, one sample and a batch. */
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ThimbleError } from '../../../src/core/errors.js';
import { type Graph, tensorOf } from '../../../src/core/graph.js';
import { createInterpreter } from '../../../src/interpret/interpreter.js';
import { graphToTf, type TfGraph } from '../../../src/train/graph-to-tf.js';
import { type TF, wasmBackend } from '../../../src/train/wasm-backend.js';
import { randomValues, SampleGraph } from './sample-graphs.js';

let lib: TF;
let model: TfGraph | undefined;
beforeAll(async () => {
  lib = await wasmBackend();
});
afterEach(() => model?.dispose());

const BATCH = 3;

/** Every output of a batch against the interpreter, which sees one sample at a time. */
function compare(graph: Graph): void {
  model = graphToTf(lib, graph);
  const [, ...shape] = tensorOf(graph, graph.inputs[0]!).shape;
  const size = shape.reduce((a, b) => a * b, 1);
  const values = randomValues([BATCH, ...shape], 77).map((value) => 4 * value); // beyond 3: hard_swish saturates
  const outputs = lib.tidy(() =>
    model!.forward([lib.tensor(values, [BATCH, ...shape])]).map((output) => output.dataSync<'float32'>()),
  );
  const interpreter = createInterpreter(graph);
  for (let sample = 0; sample < BATCH; sample++) {
    const expected = interpreter.run([values.slice(sample * size, (sample + 1) * size)]);
    for (const [i, wanted] of expected.entries()) {
      const actual = outputs[i]!.subarray(sample * wanted.length, (sample + 1) * wanted.length);
      const worst = (wanted as Float32Array).reduce(
        (max, value, at) => Math.max(max, Math.abs(value - actual[at]!)),
        0,
      );
      expect(worst, `output ${i} of sample ${sample}`).toBeLessThanOrEqual(1e-4);
    }
  }
}

const windows = [
  { stride: [1, 1], padding: 'SAME' },
  { stride: [2, 2], padding: 'SAME' },
  { stride: [2, 2], padding: 'VALID' },
];

describe('a graph computes in TensorFlow.js what the interpreter computes', () => {
  for (const attrs of windows) {
    const name = `stride ${attrs.stride} ${attrs.padding}`;
    it(`conv_2d ${name}`, () => {
      const g = new SampleGraph([1, 7, 6, 3]);
      compare(g.build(g.conv(g.input, [5, 3, 2, 3], { ...attrs, activation: 'none' })));
    });
    it(`depthwise_conv_2d ${name}`, () => {
      const g = new SampleGraph([1, 7, 6, 3]);
      compare(g.build(g.depthwise(g.input, [1, 3, 2, 6], 2, attrs)));
    });
    for (const op of ['max_pool_2d', 'average_pool_2d'] as const)
      it(`${op} ${name}`, () => {
        const g = new SampleGraph([1, 7, 6, 3]);
        compare(g.build(g.pool(op, g.input, { filter: [3, 3], ...attrs })));
      });
  }

  for (const activation of ['relu', 'relu6', 'relu_n1_to_1'])
    it(`fused ${activation}`, () => {
      const g = new SampleGraph([1, 4, 4, 2]);
      compare(
        g.build(g.conv(g.input, [3, 3, 3, 2], { activation }), g.node('add', [g.input, g.input], { activation })),
      );
    });

  for (const op of ['relu', 'relu6', 'hard_swish', 'logistic', 'tanh'])
    it(op, () => {
      const g = new SampleGraph([1, 3, 3, 2]);
      compare(g.build(g.node(op, [g.input])));
    });

  it('leaky_relu, softmax', () => {
    const g = new SampleGraph([1, 12]);
    const alpha = Math.fround(0.2);
    compare(g.build(g.node('leaky_relu', [g.input], { alpha }), g.node('softmax', [g.input], { beta: 0.5 })));
  });

  it('add, sub, mul of tensors and of constants by channel', () => {
    const g = new SampleGraph([1, 3, 3, 4]);
    const activation = 'none';
    const added = g.node('add', [g.input, g.floats([4])], { activation });
    const subtracted = g.node('sub', [g.floats([1, 1, 1, 4]), added], { activation });
    compare(g.build(added, subtracted, g.node('mul', [added, subtracted], { activation })));
  });

  it('maximum, minimum and prelu, of tensors and of constants that broadcast', () => {
    const g = new SampleGraph([1, 3, 3, 4]);
    const larger = g.node('maximum', [g.input, g.floats([4])]);
    const smaller = g.node('minimum', [g.node('mean', [g.input, g.ints([1, 2])], { keepDims: true }), larger]);
    compare(g.build(larger, smaller, g.node('prelu', [g.input, g.floats([1, 1, 4])], { activation: 'none' })));
  });

  it('mean over height and width, with and without kept dimensions', () => {
    const g = new SampleGraph([1, 3, 5, 4]);
    const means = [true, false].map((keepDims) => g.node('mean', [g.input, g.ints([1, -2])], { keepDims }));
    compare(g.build(...means));
  });

  it('pad, concatenation with a constant, reshape', () => {
    const g = new SampleGraph([1, 3, 3, 2]);
    const padded = g.node('pad', [g.input, g.ints([0, 0, 1, 2, 0, 1, 0, 0], [4, 2])]);
    const joined = g.node('concatenation', [padded, padded, g.floats([1, 6, 4, 3])], { axis: -1 });
    compare(g.build(padded, joined, g.reshape(joined, [1, 12, 14])));
  });

  it('transpose, slices, pack and what needs no gradient of its own', () => {
    const g = new SampleGraph([1, 6, 5, 4]);
    const turned = g.node('transpose', [g.input, g.ints([0, 3, 1, 2])]);
    const cut = g.node('slice', [turned, g.ints([0, 1, 0, 2]), g.ints([-1, 2, 6, -1])]);
    const shape = { beginMask: 4, endMask: 1, shrinkAxisMask: 2 };
    const bounds = [
      [0, -1, 1, 1],
      [9, 0, 6, -1],
      [1, 1, 1, 1],
    ].map((values) => g.ints(values));
    const strided = g.node('strided_slice', [cut, ...bounds], shape);
    const packed = g.node('pack', [strided, strided, g.floats([1, 6, 1])], { axis: -2, count: 3 });
    const flat = g.node('squeeze', [packed], { axes: [3] });
    compare(g.build(turned, cut, strided, packed, flat, g.node('expand_dims', [flat, g.ints([1])])));
  });

  it('split, split_v and unpack, all of their parts', () => {
    const g = new SampleGraph([1, 6, 5, 4]);
    const halves = g.nodes('split', [g.input, g.ints([-1])], { count: 2 });
    const rows = g.nodes('split_v', [halves[1]!, g.ints([1, -1, 2]), g.ints([1])], { count: 3 });
    const lines = g.nodes('unpack', [rows[1]!], { axis: 2, count: 5 });
    compare(g.build(...halves, ...rows, ...lines));
  });

  it.each([
    [9, 8],
    [6, 10],
    [4, 3],
    [3, 5],
  ])('resize_nearest_neighbor to %i × %i', (height, width) => {
    const g = new SampleGraph([1, 3, 5, 2]);
    const size = g.ints([height, width]);
    const modes = [
      { alignCorners: false, halfPixelCenters: false },
      { alignCorners: true, halfPixelCenters: false },
      { alignCorners: false, halfPixelCenters: true },
    ];
    compare(g.build(...modes.map((attrs) => g.node('resize_nearest_neighbor', [g.input, size], attrs))));
  });

  it.each([
    ['SAME', [2, 3], [7, 9]],
    ['SAME', [1, 1], [4, 3]],
    ['VALID', [2, 2], [10, 7]],
    ['VALID', [1, 3], [6, 11]],
  ] as const)('transpose_conv %s, stride %j', (padding, stride, outputSize) => {
    const g = new SampleGraph([1, 4, 3, 2]);
    const weights = [g.floats([5, 3, 2 + Number(stride[1] === 3), 2]), g.floats([5])];
    compare(
      g.build(g.node('transpose_conv', [g.input, ...weights], { padding, stride, outputSize, activation: 'relu' })),
    );
  });

  it('batch_matmul of two activations, and with a constant', () => {
    const g = new SampleGraph([1, 4, 6]);
    const plain = { transposeA: false, transposeB: false, asymmetricInputs: false };
    const scores = g.node('batch_matmul', [g.input, g.input], { ...plain, transposeB: true });
    const mixed = g.node('batch_matmul', [scores, g.input], plain);
    compare(g.build(scores, mixed, g.node('batch_matmul', [mixed, g.floats([1, 6, 3])], plain)));
  });

  it('fully_connected on a flat input, an image and several rows', () => {
    const g = new SampleGraph([1, 4, 6]);
    const rows = g.reshape(g.input, [4, 6]);
    const hidden = g.dense(rows, [5, 6], 'relu');
    compare(
      g.build(g.dense(g.reshape(g.input, [1, 24]), [3, 24]), g.dense(g.input, [3, 24]), g.reshape(hidden, [1, 20])),
    );
  });

  it('a whole network', () => {
    const g = new SampleGraph([1, 8, 8, 1]);
    const stem = g.pool('max_pool_2d', g.conv(g.input, [6, 3, 3, 1]));
    const block = g.conv(g.depthwise(stem, [1, 3, 3, 6]), [6, 1, 1, 6]);
    const sum = g.node('add', [stem, block], { activation: 'relu' });
    const flat = g.reshape(g.pool('average_pool_2d', sum), [1, 24]);
    compare(g.build(g.node('softmax', [g.dense(flat, [4, 24])], { beta: 1 })));
  });
});

describe('the way back', () => {
  it('gives untrained weights back bit for bit, however small', () => {
    const g = new SampleGraph([1, 5, 5, 2]);
    const tiny = randomValues([3, 3, 3, 2], 5).map((value) => value / 255);
    const conv = g.node('conv_2d', [g.input, g.floats([3, 3, 3, 2], tiny)], {
      stride: [1, 1],
      padding: 'SAME',
      activation: 'relu',
    });
    const graph = g.build(g.dense(g.reshape(g.depthwise(conv, [1, 3, 3, 6], 2), [1, 150]), [4, 150]));
    model = graphToTf(lib, graph);
    const back = model.toGraph();
    expect([...back.tensors.keys()]).toEqual([...graph.tensors.keys()]);
    for (const [name, tensor] of graph.tensors) expect(back.tensors.get(name)).toEqual(tensor);
  });

  it('carries what the variables have become', () => {
    const g = new SampleGraph([1, 2]);
    const graph = g.build(
      g.node('fully_connected', [g.input, g.floats([1, 2], Float32Array.of(0.5, 2))], { activation: 'none' }),
    );
    model = graphToTf(lib, graph);
    const [weights] = model.variables;
    lib.tidy(() => weights!.assign(lib.mul(weights!, 3)));
    const weightsName = graph.nodes[0]!.inputs[1]!;
    expect([...tensorOf(model.toGraph(), weightsName).data!]).toEqual([1.5, 6]);
    expect([...tensorOf(graph, weightsName).data!]).toEqual([0.5, 2]);
  });

  it('frees all it holds', () => {
    const before = lib.memory().numTensors;
    const g = new SampleGraph([1, 4, 4, 2]);
    const graph = g.build(g.node('mul', [g.conv(g.input, [3, 3, 3, 2]), g.floats([3])], { activation: 'none' }));
    const held = graphToTf(lib, graph);
    expect(lib.memory().numTensors).toBe(before + 3); // weights, bias, the constant factor
    held.dispose();
    expect(lib.memory().numTensors).toBe(before);
  });
});

describe('what cannot be trained', () => {
  const refusal = (graph: Graph): ThimbleError => {
    try {
      graphToTf(lib, graph).dispose();
    } catch (error) {
      if (error instanceof ThimbleError) return error;
    }
    throw new Error('it was accepted');
  };

  it('is named, all of it at once', () => {
    const g = new SampleGraph([1, 8, 8, 4]);
    const dilated = g.conv(g.input, [4, 3, 3, 4], { dilation: [2, 2] });
    const mixed = g.node('mean', [dilated, g.ints([0])], { keepDims: true });
    const error = refusal(g.build(mixed));
    expect(error.code).toBe('E_UNSUPPORTED_OP');
    expect(error.message).toContain('dilated');
    expect(error.message).toContain('samples of a batch');
  });

  it('a quantized graph', () => {
    const g = new SampleGraph([1, 4]);
    const graph = g.build(g.node('relu', [g.input]));
    const quant = { scale: [1], zeroPoint: [0], axis: null };
    const tensors = new Map([...graph.tensors].map(([name, t]) => [name, { ...t, dtype: 'int8' as const, quant }]));
    expect(refusal({ ...graph, tensors }).code).toBe('E_UNSUPPORTED_MODEL');
  });
});
