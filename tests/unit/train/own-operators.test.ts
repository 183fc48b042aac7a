/** Our operators with gradients of their own, against TensorFlow.js' ones on its cpu backend and against the quantizer. */
import type * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { snapped } from '../../../src/quantize/fake-quant.js';
import { batchNorm, VARIANCE_FLOOR } from '../../../src/train/kernels/batch-norm.js';
import { lookedUp } from '../../../src/train/kernels/codebook.js';
import { fakeQuantized } from '../../../src/train/kernels/fake-quant.js';
import { type TF, wasmBackend } from '../../../src/train/wasm-backend.js';
import { randomValues } from './sample-graphs.js';

let lib: TF;
beforeAll(async () => {
  lib = await wasmBackend();
});
afterAll(() => lib.setBackend('wasm'));

/** Value and gradients of Σ op(operands) · dy. */
async function resultsOn(
  backend: string,
  op: (...operands: tf.Tensor[]) => tf.Tensor,
  operands: readonly [number[], Float32Array][],
): Promise<Float32Array[]> {
  await lib.setBackend(backend);
  return lib.tidy(() => {
    const tensors = operands.map(([shape, data]) => lib.tensor(data, shape));
    const y = op(...tensors);
    const dy = lib.tensor(randomValues(y.shape, 99), y.shape);
    const gradients = lib.grads((...xs: tf.Tensor[]) => lib.sum(lib.mul(op(...xs), dy)))(tensors);
    return [y, ...gradients].map((tensor) => tensor.dataSync<'float32'>().slice());
  });
}

function expectClose(actual: readonly Float32Array[], expected: readonly Float32Array[], tolerance = 2e-5): void {
  for (const [i, wanted] of expected.entries()) {
    const largest = wanted.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
    const worst = wanted.reduce((max, value, at) => Math.max(max, Math.abs(value - actual[i]![at]!)), 0);
    expect(largest).toBeGreaterThan(0);
    expect(worst / largest, `result ${i}`).toBeLessThanOrEqual(tolerance);
  }
}

describe.each(['wasm', 'cpu'])('batch normalization on %s', (backend) => {
  it.each([[[4, 5, 3, 6]], [[32, 2, 2, 1]], [[5, 1, 1, 3]]])(
    '%j equals the operators it consists of',
    async (shape) => {
      const channels = shape.at(-1)!;
      const operands: [number[], Float32Array][] = [
        [shape, randomValues(shape, 1).map((value) => 3 * value + 1)],
        [[channels], randomValues([channels], 2)],
        [[channels], randomValues([channels], 3)],
      ];
      const expected = await resultsOn(
        'cpu',
        (x, gain, offset) => {
          const { mean, variance } = lib.moments(x!, [0, 1, 2]);
          return lib.add(
            lib.mul(lib.div(lib.sub(x!, mean), lib.sqrt(lib.add(variance, VARIANCE_FLOOR))), gain!),
            offset!,
          );
        },
        operands,
      );
      const own = await resultsOn(backend, (x, gain, offset) => batchNorm(lib, x!, gain!, offset!, () => {}), operands);
      expectClose(own, expected);
    },
  );
});

describe.each(['wasm', 'cpu'])('fake quantization on %s', (backend) => {
  const grids = fc.record({
    scale: fc.double({ min: 1e-4, max: 10, noNaN: true }).map(Math.fround),
    zeroPoint: fc.integer({ min: -128, max: 127 }),
    values: fc.array(
      fc.oneof(
        fc.float({ noNaN: true, noDefaultInfinity: true, min: -20, max: 20 }),
        fc.integer({ min: -300, max: 300 }).map((n) => n / 2),
      ),
      { minLength: 1, maxLength: 40 },
    ),
  });

  it('gives the very values that the quantizer’s own gives, ties and saturation included', async () => {
    await lib.setBackend(backend);
    fc.assert(
      fc.property(grids, ({ scale, zeroPoint, values }) => {
        const x = Float32Array.from(values, (value) => Math.fround(value * scale)); // halves of a step are ties
        const expected = snapped(x, [x.length], { scale: [scale], zeroPoint: [zeroPoint], axis: null }, [-128, 127]);
        const grid = { scale: [scale], zeroPoint: [zeroPoint], inner: 1, min: -128, max: 127 };
        const actual = lib.tidy(() => fakeQuantized(lib, lib.tensor1d(x), grid).dataSync<'float32'>().slice());
        expect(actual).toEqual(expected);
      }),
    );
  });

  it('takes each channel’s own step, whether channels are the last axis or the first', async () => {
    await lib.setBackend(backend);
    const x = randomValues([3, 4], 5);
    const scale = [0.01, 0.5, 0.002].map(Math.fround);
    const zeroPoint = [0, 0, 0];
    const run = (values: Float32Array, inner: number) =>
      lib.tidy(() =>
        fakeQuantized(lib, lib.tensor1d(values), { scale, zeroPoint, inner, min: -127, max: 127 }).dataSync().slice(),
      );
    expect(run(x, 4)).toEqual(snapped(x, [3, 4], { scale, zeroPoint, axis: 0 }, [-127, 127]));
    expect(run(x, 1)).toEqual(snapped(x, [4, 3], { scale, zeroPoint, axis: 1 }, [-127, 127]));
  });

  it('lets the gradient through where it does not clamp, and nowhere else', async () => {
    const grid = { scale: [0.5], zeroPoint: [10], inner: 1, min: -128, max: 127 };
    // integers −138 … 117 stand for −69 … 58.5; half a step beyond still rounds to the end
    const x = Float32Array.of(-70, -69.3, -69.2, 0.1, 58.5, 58.7, 58.8, 100);
    await lib.setBackend(backend);
    const gradient = lib.tidy(() =>
      lib
        .grad((t) => lib.sum(fakeQuantized(lib, t, grid)))(lib.tensor1d(x))
        .dataSync<'float32'>()
        .slice(),
    );
    expect([...gradient]).toEqual([0, 0, 1, 1, 1, 1, 0, 0]);
  });

  it('tells which values came in', async () => {
    await lib.setBackend(backend);
    const seen: unknown[] = [];
    const grid = { scale: [1], zeroPoint: [0], inner: 1, min: -128, max: 127 };
    lib.tidy(() => fakeQuantized(lib, lib.tensor1d([3, -200, 7.5]), grid, (range) => seen.push(range)));
    expect(seen).toEqual([{ min: -200, max: 7.5 }]);
  });
});

describe.each(['wasm', 'cpu'])('a codebook on %s', (backend) => {
  it('equals gather, forwards and backwards', async () => {
    const assignments = Uint8Array.of(0, 2, 1, 1, 2, 2, 0, 3, 3, 1);
    const operands: [number[], Float32Array][] = [[[4], Float32Array.of(-1, 0.5, 2, 3)]];
    const expected = await resultsOn(
      'cpu',
      (c) => lib.reshape(lib.gather(c!, lib.tensor1d([...assignments], 'int32')), [2, 5]),
      operands,
    );
    const own = await resultsOn(backend, (c) => lookedUp(lib, c!, assignments, [2, 5]), operands);
    expectClose(own, expected, 1e-6);
  });
});
