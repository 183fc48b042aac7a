/**
 * Trains the hello world of TinyML, y = sin x for x in 0 … 2π, and writes model.json, weights.bin and sine.npz beside
 * this file: npx tsx examples/sine/train.ts
 * Same seed, same bytes.
 */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type * as tf from '@tensorflow/tfjs';
import { seededRandom } from '../../src/core/seeded-random.js';
import { type TF, wasmBackend } from '../../src/train/wasm-backend.js';
import { saveModel, saveNpz } from '../save.js';

const SEED = 4;
const STEPS = 6000;
const BATCH = 128;
const LEARNING_RATE = 5e-3; // falls to 0 along a cosine
const WEIGHT_DECAY = 3e-5; // small weights quantize better
const SAMPLES = 500; // in sine.npz

/** 1–16–16–1: 321 parameters. */
function buildModel({ sequential, layers, initializers }: TF): tf.Sequential {
  let seed = SEED;
  const dense = (units: number, name: string) => ({
    units,
    name,
    kernelInitializer: initializers.heNormal({ seed: seed++ }),
  });
  return sequential({
    name: 'sine',
    layers: [
      // Every unit starts with its bend somewhere in 0 … 2π; started at random, some would never fire.
      layers.dense({
        ...dense(16, 'dense_1'),
        inputShape: [1],
        activation: 'relu',
        kernelInitializer: initializers.randomUniform({ minval: 0.5, maxval: 1.5, seed: SEED }),
        biasInitializer: initializers.randomUniform({ minval: -6, maxval: 0, seed: SEED + 100 }),
      }),
      layers.dense({ ...dense(16, 'dense_2'), activation: 'relu' }),
      layers.dense(dense(1, 'y')),
    ],
  });
}

const column = (lib: TF, xs: Float32Array, f: (x: number) => number): tf.Tensor2D =>
  lib.tensor2d(xs.map(f), [xs.length, 1]);

function train(lib: TF, model: tf.Sequential): void {
  const optimizer = lib.train.adam(LEARNING_RATE);
  const random = seededRandom(SEED);
  for (let step = 0; step < STEPS; step++) {
    const rate = (LEARNING_RATE * (1 + Math.cos((Math.PI * step) / STEPS))) / 2;
    (optimizer as unknown as { learningRate: number }).learningRate = rate; // protected in the typings only
    const xs = Float32Array.from({ length: BATCH }, () => 2 * Math.PI * random());
    lib.tidy(() => {
      const [x, y] = [column(lib, xs, (value) => value), column(lib, xs, Math.sin)];
      optimizer.minimize(() => {
        const error = lib.losses.meanSquaredError(y, model.apply(x, { training: true }) as tf.Tensor);
        const squares = model.trainableWeights.map((weights) => lib.sum(lib.square(weights.read())));
        return lib.add(error, lib.mul(WEIGHT_DECAY, lib.addN(squares)));
      });
    });
  }
}

const lib = await wasmBackend();
const model = buildModel(lib);
train(lib, model);
const grid = Float32Array.from({ length: SAMPLES }, (_, i) => (2 * Math.PI * (i + 0.5)) / SAMPLES);
const largest = lib.tidy(() => {
  const y = model.predict(column(lib, grid, (x) => x)) as tf.Tensor;
  return lib.max(lib.abs(lib.sub(y, column(lib, grid, Math.sin)))).dataSync()[0]!;
});
console.log(`largest error on ${SAMPLES} points: ${largest.toFixed(4)}`);

const folder = dirname(fileURLToPath(import.meta.url));
await saveModel(model, folder);
saveNpz(`${folder}/sine.npz`, { x: { shape: [SAMPLES, 1], values: grid } });
