/** Keras .h5: the HDF5 library writes, we read; and the published ResNet-8 in both of its formats. */
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { ThimbleError } from '../../../src/core/errors.js';
import type { Graph } from '../../../src/core/graph.js';
import { elementCount } from '../../../src/core/tensor.js';
import { importModel } from '../../../src/importers/index.js';
import { importH5 } from '../../../src/importers/keras/keras.js';
import { createInterpreter } from '../../../src/interpret/interpreter.js';
import { simplify } from '../../../src/passes/index.js';
import { sharedBytes, withoutShared } from '../../shared-folder.js';
import { kerasH5, writeH5 } from './keras-h5-file.js';
import { distance, randomValues, runFloat32 } from './run-float32.js';

const l = tf.layers;

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** More than eight layers, so that newer files list them in dense storage. */
function deepModel(layerCount: number): tf.LayersModel {
  const model = tf.sequential();
  model.add(l.conv2d({ inputShape: [8, 8, 2], filters: 4, kernelSize: 3, padding: 'same' }));
  for (let i = 0; i < layerCount; i++) {
    model.add(l.conv2d({ filters: 4, kernelSize: 3, padding: 'same', activation: 'relu' }));
    model.add(l.batchNormalization());
  }
  model.add(l.flatten());
  model.add(l.dense({ units: 3 }));
  model.setWeights(
    model.weights.map(({ shape, name }, i) => {
      const values = randomValues(elementCount(shape as number[]), i);
      return tf.tensor(/variance/.test(name) ? values.map((v) => v + 1.1) : values, shape as number[]);
    }),
  );
  return model;
}

const read = (bytes: Uint8Array): Promise<Graph> =>
  importModel({
    name: 'model.h5',
    bytes,
    sibling: (path) => {
      throw new ThimbleError('E_FILE', path, '');
    },
  });

describe('Keras .h5', () => {
  it.each([
    ['earliest', 2],
    ['earliest', 30],
    ['v114', 2],
    ['v114', 30],
    ['v114', 300],
  ] as const)('as the HDF5 library writes it: format %s, %i blocks', async (version, blocks) => {
    const model = deepModel(blocks);
    const graph = await read(await kerasH5(model, version));
    const expected = model.weights.map((weight) => Array.from(weight.read().dataSync()).toSorted((a, b) => a - b));
    if (blocks <= 30) {
      const values = randomValues(128, 9);
      const output = model.predict(tf.tensor(values, [1, 8, 8, 2])) as tf.Tensor;
      expect(distance(runFloat32(graph, [values])[0]!, output.dataSync())).toBeLessThan(1e-4);
    }
    const kernels = [...graph.tensors.values()].filter(({ name }) => name.endsWith('/kernel'));
    expect(kernels.length).toBe(blocks + 2);
    for (const { data } of kernels) expect(expected).toContainEqual(Array.from(data!).toSorted((a, b) => a - b));
  });

  it('tells a file of weights only', async () => {
    const bytes = await writeH5('earliest', (file) => {
      file.create_group('dense');
    });
    await expect(read(bytes)).rejects.toMatchObject({ code: 'E_UNSUPPORTED_MODEL', message: /weights only/ });
  });

  it('names the layer whose weights are not numbers', async () => {
    const model = deepModel(1);
    const dense = model.layers.at(-1)!;
    dense.setWeights([tf.fill([256, 3], NaN), tf.zeros([3])]);
    await expect(read(await kerasH5(model))).rejects.toMatchObject({
      code: 'E_NOT_FINITE',
      where: `at layer "${dense.name}"`,
    });
  });
});

describe.skipIf(withoutShared)('ResNet-8 (needs ../shared)', () => {
  it('gives the same from .h5 and from .tflite', async () => {
    const fromH5 = importH5(sharedBytes('models/pretrainedResnet.h5'));
    const fromTflite = await read(sharedBytes('models/pretrainedResnet_float32.tflite'));
    const simplified = simplify(fromH5).graph;
    const [a, b, c] = [fromH5, simplified, fromTflite].map((each) => createInterpreter(each));
    const records = cifarRecords();
    for (let i = 0; i < 8; i++) {
      const image = pixelsOf(records.subarray(3073 * i + 1, 3073 * (i + 1)));
      const expected = c!.run([image])[0]!;
      for (const interpreter of [a!, b!]) expect(distance(interpreter.run([image])[0]!, expected)).toBeLessThan(1e-4);
    }
    // 9 convolutions, 3 additions, a pool, a reshape, a dense layer and a softmax: as small as TFLite's converter gets it.
    expect(simplified.nodes.length).toBe(fromTflite.nodes.length);
  });
});

const cifarRecords = (): Uint8Array => sharedBytes('data/cifar10/cifar10_test_2000.bin');

/** Planes R, G, B to NHWC, 0 … 255. */
const pixelsOf = (planes: Uint8Array): Float32Array =>
  Float32Array.from({ length: 3072 }, (_, i) => planes[(i % 3) * 1024 + Math.floor(i / 3)]!);
