/** Our gradient kernels on the wasm backend against TensorFlow.js' own cpu backend. */
import type * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../../../src/core/seeded-random.js';
import { resizeNearestNeighbor } from '../../../src/train/kernels/resize-nearest-neighbor.js';
import { tfOps } from '../../../src/train/tf-ops.js';
import { type TF, wasmBackend } from '../../../src/train/wasm-backend.js';

let lib: TF;
beforeAll(async () => {
  lib = await wasmBackend();
});
afterAll(() => lib.setBackend('wasm'));

type Shape4 = [number, number, number, number];
type Op = (...operands: tf.Tensor4D[]) => tf.Tensor;

function values(shape: Shape4, seed: number, low = -1, high = 1): Float32Array {
  const random = seededRandom(seed);
  return Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => low + (high - low) * random());
}

/** Gradients of Σ op(operands) · dy with a random dy, on one backend. */
async function gradientsOn(backend: string, op: Op, operands: readonly [Shape4, Float32Array][]) {
  await lib.setBackend(backend);
  return lib.tidy(() => {
    const tensors = operands.map(([shape, data]) => lib.tensor4d(data, shape));
    const output = op(...tensors);
    const dy = lib.tensor(values(output.shape as Shape4, 99), output.shape);
    const gradients = lib.grads((...xs: tf.Tensor[]) => lib.sum(lib.mul(op(...(xs as tf.Tensor4D[])), dy)));
    return gradients(tensors).map((gradient) => ({ shape: gradient.shape, data: gradient.dataSync<'float32'>() }));
  });
}

async function compare(op: Op, operands: readonly [Shape4, Float32Array][]): Promise<void> {
  const expected = await gradientsOn('cpu', op, operands);
  const actual = await gradientsOn('wasm', op, operands);
  expect(actual.length).toBe(expected.length);
  for (const [i, { shape, data }] of expected.entries()) {
    expect(actual[i]!.shape).toEqual(shape);
    const largest = data.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
    const worst = data.reduce((max, value, at) => Math.max(max, Math.abs(value - actual[i]!.data[at]!)), 0);
    expect(largest).toBeGreaterThan(0);
    expect(worst / largest).toBeLessThanOrEqual(1e-5);
  }
}

type Pad = 'same' | 'valid';
const windows: [name: string, x: Shape4, window: [number, number], stride: [number, number], pad: Pad][] = [
  ['3x3 SAME', [2, 6, 6, 3], [3, 3], [1, 1], 'same'],
  ['3x3 VALID', [2, 6, 6, 3], [3, 3], [1, 1], 'valid'],
  ['3x3 SAME, stride 2, even size', [2, 8, 8, 3], [3, 3], [2, 2], 'same'],
  ['3x3 SAME, stride 2, odd size', [3, 7, 9, 2], [3, 3], [2, 2], 'same'],
  ['3x3 VALID, stride 2, rows left over', [2, 8, 10, 2], [3, 3], [2, 2], 'valid'],
  ['2x2 VALID, stride 3, gaps', [1, 11, 9, 4], [2, 2], [3, 3], 'valid'],
  ['10x4 SAME, stride 2 x 1', [2, 49, 10, 1], [10, 4], [2, 1], 'same'],
  ['1x1 SAME, stride 2', [2, 7, 7, 5], [1, 1], [2, 2], 'same'],
  ['5x1 SAME on a single column', [2, 9, 1, 3], [5, 1], [1, 1], 'same'],
];

describe('gradients on wasm equal the cpu backend', () => {
  for (const [name, shape, window, stride, pad] of windows) {
    it(`conv_2d ${name}`, async () => {
      const filter: Shape4 = [...window, shape[3], 7];
      await compare(
        (x, w) => lib.conv2d(x!, w!, stride, pad),
        [
          [shape, values(shape, 1)],
          [filter, values(filter, 2)],
        ],
      );
    });
    it(`transpose_conv to the input of ${name}`, async () => {
      const filter: Shape4 = [...window, shape[3], 7];
      const [, height, width] = lib.conv2d(
        lib.zeros<tf.Rank.R4>(shape),
        lib.zeros<tf.Rank.R4>(filter),
        stride,
        pad,
      ).shape;
      const small: Shape4 = [shape[0], height, width, 7];
      await compare(
        (x, w) => lib.conv2dTranspose(x!, w!, shape, stride, pad),
        [
          [small, values(small, 11)],
          [filter, values(filter, 12)],
        ],
      );
    });
    for (const multiplier of [1, 3])
      it(`depthwise_conv_2d ${name}, multiplier ${multiplier}`, async () => {
        const filter: Shape4 = [...window, shape[3], multiplier];
        // TensorFlow.js strides a depthwise window alike both ways
        const square = Math.max(...stride);
        await compare(
          (x, w) => lib.depthwiseConv2d(x!, w!, square, pad),
          [
            [shape, values(shape, 3)],
            [filter, values(filter, 4)],
          ],
        );
      });
    it(`max_pool_2d ${name}`, async () => {
      const op: Op = (x) => lib.maxPool(x!, window, stride, pad);
      await compare(op, [[shape, values(shape, 5)]]);
    });
    it(`max_pool_2d ${name}, all windows negative`, async () => {
      const op: Op = (x) => lib.maxPool(x!, window, stride, pad);
      await compare(op, [[shape, values(shape, 6, -2, -1)]]);
    });
    it(`average_pool_2d ${name}`, async () => {
      const op: Op = (x) => lib.avgPool(x!, window, stride, pad);
      await compare(op, [[shape, values(shape, 7)]]);
    });
  }

  it('max_pool_2d gives a tie to the first of the equal values', async () => {
    const shape: Shape4 = [1, 4, 4, 1];
    await compare((x) => lib.maxPool(x!, 2, 2, 'valid'), [[shape, new Float32Array(16).fill(-0.5)]]);
  });
});

describe('operators of two operands, one of which broadcasts', () => {
  const [whole, perChannel]: Shape4[] = [
    [2, 5, 4, 3],
    [1, 1, 1, 3],
  ];
  for (const op of ['maximum', 'minimum', 'prelu'])
    it(op, async () => {
      const call = { shapes: [], values: [], attrs: {}, outputShape: [1, 5, 4, 3], outputShapes: [], batch: 2 };
      await compare(
        (...inputs) => tfOps[op]!({ ...call, lib, inputs }) as tf.Tensor,
        [
          [whole!, values(whole!, 8)],
          [perChannel!, values(perChannel!, 9)],
        ],
      );
    });
});

it('resize_nearest_neighbor as two gathers of rows and columns', async () => {
  const shape: Shape4 = [2, 5, 4, 3];
  const sources = { rows: [0, 0, 1, 2, 2, 3, 4], columns: [3, 1, 1] };
  const operands: [Shape4, Float32Array][] = [[shape, values(shape, 10)]];
  const gathered: Op = (x) => lib.gather(lib.gather(x!, sources.rows, 1), sources.columns, 2);
  const expected = await gradientsOn('cpu', gathered, operands);
  for (const backend of ['cpu', 'wasm'])
    expect(await gradientsOn(backend, (x) => resizeNearestNeighbor(lib, x!, sources), operands)).toEqual(expected);
});

describe('the wasm backend', () => {
  it('is loaded once, keeps no tensor of a gradient, and is the backend in use', async () => {
    expect(await wasmBackend()).toBe(lib);
    await lib.setBackend('wasm');
    const before = lib.memory().numTensors;
    await gradientsOn('wasm', (x, w) => lib.conv2d(x!, w!, 1, 'same'), [
      [[1, 5, 5, 2], values([1, 5, 5, 2], 1)],
      [[3, 3, 2, 4], values([3, 3, 2, 4], 2)],
    ]);
    expect(lib.memory().numTensors).toBe(before);
    expect(lib.getBackend()).toBe('wasm');
  });

  it('frees what its kernels put on the heap', async () => {
    await lib.setBackend('wasm');
    const backend = lib.backend() as unknown as { numDataIds(): number };
    const before = backend.numDataIds();
    const shape: Shape4 = [2, 7, 7, 3];
    for (const op of [
      ((x, w) => lib.conv2d(x!, w!, 2, 'same')) as Op,
      ((x, w) => lib.depthwiseConv2d(x!, w!, 2, 'same')) as Op,
    ])
      await gradientsOn('wasm', op, [
        [shape, values(shape, 1)],
        [[3, 3, 3, 2], values([3, 3, 3, 2], 2)],
      ]);
    expect(backend.numDataIds()).toBe(before);
  });
});
