/** Our optimizers against TensorFlow.js' own, and the learning rate over time. */
import type * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { createOptimizer, scheduleFactor } from '../../../src/train/optimizer.js';
import { type TF, wasmBackend } from '../../../src/train/wasm-backend.js';
import { randomValues } from './sample-graphs.js';

let lib: TF;
beforeAll(async () => {
  lib = await wasmBackend();
});

const gradients = Array.from({ length: 12 }, (_, step) => randomValues([7], step).map((g) => g * 10 ** -(step % 4)));

function byTensorFlow(optimizer: tf.Optimizer): Float32Array {
  const variable = lib.variable(lib.tensor1d(randomValues([7], 100)));
  for (const gradient of gradients)
    lib.tidy(() => optimizer.applyGradients({ [variable.name]: lib.tensor1d(gradient) }));
  const values = variable.dataSync<'float32'>().slice();
  variable.dispose();
  return values;
}

function byOurs(optimizer: 'adam' | 'sgd', pauseAt = -1): Float32Array {
  const choice = { optimizer, momentum: 0.9, weightDecay: 0 };
  const values = randomValues([7], 100);
  let own = createOptimizer(choice);
  for (const [step, gradient] of gradients.entries()) {
    if (step === pauseAt) {
      const state = own.state();
      own = createOptimizer(choice);
      own.restore(state);
    }
    own.move(0, values, gradient, 0.02);
    own.stepDone();
  }
  return values;
}

describe('optimizers', () => {
  it('adam moves as TensorFlow.js’ Adam does', () => {
    const expected = byTensorFlow(lib.train.adam(0.02));
    for (const [i, value] of byOurs('adam').entries()) expect(value).toBeCloseTo(expected[i]!, 5);
  });

  it('sgd moves as TensorFlow.js’ momentum does', () => {
    const expected = byTensorFlow(lib.train.momentum(0.02, 0.9));
    for (const [i, value] of byOurs('sgd').entries()) expect(value).toBeCloseTo(expected[i]!, 5);
  });

  it.each(['adam', 'sgd'] as const)('%s goes on bit for bit after its state was kept', (name) => {
    expect(byOurs(name, 5)).toEqual(byOurs(name));
  });

  it('weight decay takes a share of the weight, whatever the gradient', () => {
    for (const optimizer of ['adam', 'sgd'] as const) {
      const values = Float32Array.of(2, -4);
      createOptimizer({ optimizer, momentum: 0.9, weightDecay: 0.1 }).move(0, values, [0, 0], 0.5);
      expect([...values]).toEqual([Math.fround(1.9), Math.fround(-3.8)]);
    }
  });
});

describe('the learning rate', () => {
  const factors = (schedule: 'cosine' | 'constant', warmUp: number) =>
    Array.from({ length: 100 }, (_, done) => scheduleFactor({ schedule, warmUp }, done, 100));

  it('falls from 1 to almost 0 along a cosine', () => {
    const all = factors('cosine', 0);
    expect(all[0]).toBe(1);
    expect(all[50]).toBeCloseTo(0.5, 10);
    expect(all[99]).toBeLessThan(0.001);
    expect(all.every((factor, i) => i === 0 || factor < all[i - 1]!)).toBe(true);
  });

  it('rises over the warm-up, never from 0, and then does what the schedule says', () => {
    const all = factors('cosine', 0.1);
    expect(all[0]).toBeGreaterThan(0);
    for (let i = 1; i <= 10; i++) expect(all[i]).toBeGreaterThan(all[i - 1]!);
    expect(all[10]).toBe(1);
    expect(factors('constant', 0.1).slice(10)).toEqual(new Array(90).fill(1));
  });
});
