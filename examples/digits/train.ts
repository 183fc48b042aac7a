/**
 * Trains the digit classifier and writes model.json, weights.bin, digits-train.npz and digits-test.npz beside this file:
 *   npx tsx examples/digits/train.ts
 * Same seed, same bytes. The held-out digits are scored once, at the end; nothing is chosen by them.
 */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type * as tf from '@tensorflow/tfjs';
import { seededRandom, shuffled } from '../../src/core/seeded-random.js';
import { type TF, wasmBackend } from '../../src/train/wasm-backend.js';
import { saveModel, saveNpz } from '../save.js';
import { distort } from './augment.js';
import { CLASSES, type Digits, loadDigits, PIXELS, SIDE } from './digits.js';

const SEED = 1;
const EPOCHS = 30;
const BATCH = 64;
const LEARNING_RATE = 3e-3; // falls to 0 along a cosine

const folder = dirname(fileURLToPath(import.meta.url));

/** 10,738 parameters, 375 k multiply-accumulates: three small convolutions and one dense layer. */
function buildModel({ sequential, layers, initializers }: TF): tf.Sequential {
  let seed = SEED;
  const weights = () => initializers.heNormal({ seed: seed++ });
  const conv = (filters: number, padding: 'same' | 'valid', name: string) => ({
    filters,
    kernelSize: 3,
    padding,
    activation: 'relu' as const,
    kernelInitializer: weights(),
    name,
  });
  return sequential({
    name: 'digits',
    layers: [
      layers.conv2d({ ...conv(8, 'same', 'conv_1'), inputShape: [SIDE, SIDE, 1] }),
      layers.maxPooling2d({ poolSize: 2, name: 'pool_1' }),
      layers.conv2d(conv(16, 'same', 'conv_2')),
      layers.maxPooling2d({ poolSize: 2, name: 'pool_2' }),
      layers.conv2d(conv(24, 'valid', 'conv_3')),
      layers.flatten({ name: 'flatten' }),
      layers.dense({ units: CLASSES, activation: 'softmax', kernelInitializer: weights(), name: 'classes' }),
    ],
  });
}

/** One pass over distorted digits. @param learningRate by the share of the epoch that is done, 0 … 1 */
function trainEpoch(
  lib: TF,
  { model, optimizer, digits, random }: Training,
  learningRate: (done: number) => number,
): void {
  const order = shuffled([...digits.labels.keys()], random);
  for (let begin = 0; begin < order.length; begin += BATCH) {
    const batch = order.slice(begin, begin + BATCH);
    const pixels = new Float32Array(batch.length * PIXELS);
    for (const [row, i] of batch.entries())
      distort(digits.images.subarray(i * PIXELS, (i + 1) * PIXELS), pixels, row * PIXELS, random);
    optimizer.learningRate = learningRate(begin / order.length);
    lib.tidy(() => {
      const x = lib.tensor4d(pixels, [batch.length, SIDE, SIDE, 1]);
      const classes = Int32Array.from(batch, (i) => digits.labels[i]!);
      const y = lib.oneHot(classes, CLASSES);
      optimizer.minimize(() => {
        const probabilities = model.apply(x, { training: true }) as tf.Tensor;
        return lib.metrics.categoricalCrossentropy(y, probabilities).mean();
      });
    });
  }
}

interface Training {
  readonly model: tf.Sequential;
  readonly optimizer: tf.Optimizer & { learningRate: number };
  readonly digits: Digits;
  readonly random: () => number;
}

/** The share of digits whose class the model gives the highest probability. */
function accuracyOf(lib: TF, model: tf.LayersModel, { images, labels }: Digits, scale: number): number {
  return lib.tidy(() => {
    const x = lib.tensor4d(
      Float32Array.from(images, (byte) => byte * scale),
      [labels.length, SIDE, SIDE, 1],
    );
    const classes = (model.predict(x, { batchSize: 250 }) as tf.Tensor).argMax(1).dataSync();
    return labels.reduce((right, label, i) => right + (classes[i] === label ? 1 : 0), 0) / labels.length;
  });
}

/** Moves the 1/255 of training into the first convolution: the finished model takes bytes as they are, 0 … 255. */
function takeBytes(lib: TF, model: tf.Sequential): void {
  const first = model.getLayer('conv_1');
  const [kernel, bias] = first.getWeights();
  first.setWeights([lib.div(kernel!, 255), bias!]);
}

const { train, test } = loadDigits();
const lib = await wasmBackend();
const model = buildModel(lib);
const optimizer = lib.train.adam(LEARNING_RATE) as tf.Optimizer as Training['optimizer'];
const training: Training = { model, optimizer, digits: train, random: seededRandom(SEED) };
for (let epoch = 0; epoch < EPOCHS; epoch++) {
  trainEpoch(lib, training, (done) => (LEARNING_RATE * (1 + Math.cos((Math.PI * (epoch + done)) / EPOCHS))) / 2);
  const reached = 100 * accuracyOf(lib, model, train, 1 / 255);
  console.log(`epoch ${epoch + 1} of ${EPOCHS}: ${reached.toFixed(2)} % of the training digits`);
}
takeBytes(lib, model);
console.log(`held-out digits: ${(100 * accuracyOf(lib, model, test, 1)).toFixed(2)} % of ${test.labels.length}`);

await saveModel(model, folder);
for (const [name, digits] of Object.entries({ train, test }))
  saveNpz(join(folder, `digits-${name}.npz`), {
    images: { shape: [digits.labels.length, SIDE, SIDE, 1], values: digits.images },
    labels: { shape: [digits.labels.length], values: digits.labels },
  });
