/** What surrounds the layers: dialects, stored weight types, Teachable Machine's metadata, and refusals in words. */
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { tensorOf } from '../../../src/core/graph.js';
import { importModel } from '../../../src/importers/index.js';
import { importTfjs } from '../../../src/importers/tfjs/tfjs.js';
import { distance, randomValues, runFloat32 } from './run-float32.js';
import { modelFile, savedModel } from './save-tfjs.js';

const l = tf.layers;
const shardName = 'group1-shard1of1.bin';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const denseModel = (): tf.LayersModel =>
  tf.sequential({ layers: [l.dense({ name: 'classes', inputShape: [4], units: 3, activation: 'softmax' })] });

interface StoredSpec {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly quantization?: object;
}

/** model.json of one dense layer whose kernel is stored as given and whose bias is float32 zeros. */
async function denseStoredAs(quantization: object, kernel: Uint8Array) {
  const { json } = await savedModel(denseModel());
  const weights: readonly StoredSpec[] = [
    { name: 'classes/kernel', dtype: 'float32', shape: [4, 3], quantization },
    { name: 'classes/bias', dtype: 'float32', shape: [3] },
  ];
  const shard = Uint8Array.of(...kernel, ...new Uint8Array(12));
  const graph = importTfjs(
    modelFile({ ...json, weightsManifest: [{ paths: [shardName], weights }] }, { [shardName]: shard }),
  );
  return Array.from(tensorOf(graph, 'classes/kernel').data!);
}

describe('stored weights', () => {
  const bytes = Array.from({ length: 12 }, (_, i) => i * 20);
  const transposed = (values: readonly number[]): number[] =>
    Array.from({ length: 12 }, (_, i) => Math.fround(values[(i % 4) * 3 + Math.floor(i / 4)]!));

  it('uint8 with scale and min', async () => {
    const kernel = await denseStoredAs({ dtype: 'uint8', scale: 0.01, min: -1 }, Uint8Array.from(bytes));
    expect(kernel).toEqual(transposed(bytes.map((q) => q * 0.01 - 1)));
  });

  it('uint16 with scale and min', async () => {
    const words = bytes.map((q) => q * 200);
    const stored = new Uint8Array(Uint16Array.from(words).buffer);
    const kernel = await denseStoredAs({ dtype: 'uint16', scale: 1e-4, min: -2 }, stored);
    expect(kernel).toEqual(transposed(words.map((q) => q * 1e-4 - 2)));
  });

  it('float16, subnormal and negative values included', async () => {
    const halves = [0x3c00, 0xbc00, 0x4248, 0x0001, 0x8000, 0x03ff, 0x7bff, 0x3555, 0, 0x0400, 0xc500, 0x2e66];
    const values = [
      1,
      -1,
      3.140625,
      2 ** -24,
      -0,
      1023 * 2 ** -24,
      65504,
      0.333251953125,
      0,
      2 ** -14,
      -5,
      0.0999755859375,
    ];
    const stored = new Uint8Array(Uint16Array.from(halves).buffer);
    expect(await denseStoredAs({ dtype: 'float16' }, stored)).toEqual(transposed(values));
  });

  it('in several shards, cut anywhere', async () => {
    const model = denseModel();
    const { json, shard } = await savedModel(model);
    const manifest = json['weightsManifest'] as { paths: string[]; weights: object[] }[];
    const parts = { 'a.bin': shard.subarray(0, 5), 'b.bin': shard.subarray(5) };
    const file = modelFile({ ...json, weightsManifest: [{ ...manifest[0], paths: ['a.bin', 'b.bin'] }] }, parts);
    const values = randomValues(4, 1);
    const expected = (model.predict(tf.tensor2d(values, [1, 4])) as tf.Tensor).dataSync();
    expect(distance(runFloat32(await importModel(file), [values])[0]!, expected)).toBeLessThan(1e-6);
  });
});

describe('the Keras 3 dialect', () => {
  it('gives the same graph as the Keras 2 one', async () => {
    const kernel = (name: string, shape: number[]) => ({ name: `${name}/kernel`, shape, dtype: 'float32' });
    const weights = [kernel('a', [4, 3]), kernel('b', [4, 3])];
    const shard = new Uint8Array(randomValues(24, 5).buffer);
    const dense = (name: string, activation: unknown) => ({ name, units: 3, use_bias: false, activation });
    const keras2 = {
      class_name: 'Functional',
      config: {
        name: 'm',
        layers: [
          {
            class_name: 'InputLayer',
            name: 'x',
            config: { name: 'x', batch_input_shape: [null, 4] },
            inbound_nodes: [],
          },
          { class_name: 'Dense', name: 'a', config: dense('a', 'relu'), inbound_nodes: [[['x', 0, 0, {}]]] },
          { class_name: 'Dense', name: 'b', config: dense('b', 'tanh'), inbound_nodes: [[['x', 0, 0, {}]]] },
          { class_name: 'Add', name: 's', config: { name: 's' }, inbound_nodes: [[['a', 0, 0, {}], ['b', 0, 0, {}]]] }, // biome-ignore format: as in the file
        ],
        input_layers: [['x', 0, 0]],
        output_layers: [['s', 0, 0]],
      },
    };
    const tensor = (layer: string) => ({
      class_name: '__keras_tensor__',
      config: { shape: [null, 3], keras_history: [layer, 0, 0] },
    });
    const call = (...args: unknown[]) => [{ args, kwargs: {} }];
    const fn = (name: string) => ({
      module: 'builtins',
      class_name: 'function',
      config: name,
      registered_name: 'function',
    });
    const layer = (className: string, config: { name: string }, nodes: unknown) => ({
      module: 'keras.layers', class_name: className, config: { ...config, dtype: { class_name: 'DTypePolicy' } }, name: config.name, inbound_nodes: nodes,
    }); // biome-ignore format: as in the file
    const keras3 = {
      class_name: 'Functional',
      config: {
        name: 'm',
        layers: [
          layer('InputLayer', { ...{ batch_shape: [null, 4] }, name: 'x' }, []),
          layer('Dense', dense('a', fn('relu')), call(tensor('x'))),
          layer('Dense', dense('b', 'tanh'), call(tensor('x'))),
          layer('Add', { name: 's' }, call([tensor('a'), tensor('b')])),
        ],
        input_layers: ['x', 0, 0],
        output_layers: [['s', 0, 0]],
      },
    };
    const [two, three] = [keras2, keras3].map((topology, i) =>
      importTfjs(
        modelFile(
          {
            modelTopology: { keras_version: i === 0 ? '2.4.0' : '3.5.0', model_config: topology },
            weightsManifest: [{ paths: ['w'], weights }],
          },
          { w: shard },
        ),
      ),
    );
    expect(three).toEqual(two);
    expect(two!.nodes.map(({ name }) => name)).toEqual(['a', 'b/fully_connected', 'b', 's']);
  });
});

describe('Teachable Machine', () => {
  const importWith = async (metadata: object, name = 'metadata.json') => {
    const { json, shard } = await savedModel(denseModel());
    const text = new TextEncoder().encode(JSON.stringify(metadata));
    return importTfjs(modelFile(json, { [shardName]: shard, [name]: text })).metadata;
  };
  const labels = ['cat', 'dog', 'none'];

  it('brings labels, and pixels in −1 … 1 for an image model', async () => {
    const metadata = await importWith({ packageName: '@teachablemachine/image', tmVersion: '2.4.5', labels });
    expect(metadata).toEqual({ labels, preprocessing: { scale: [1 / 127.5], offset: [-1] } });
  });

  it('says nothing about preprocessing for others', async () => {
    expect(await importWith({ labels })).toEqual({ labels });
    expect(await importWith({ labels: ['cat'] })).toBeUndefined();
    expect(await importWith({ labels }, 'other.json')).toBeUndefined();
  });
});

describe('what cannot be imported is explained', () => {
  const importLayers = async (layers: tf.layers.Layer[]) => {
    const { json, shard } = await savedModel(tf.sequential({ layers }));
    return importTfjs(modelFile(json, { [shardName]: shard }));
  };

  it('lists all unsupported layers, nested ones and activations included', async () => {
    const nested = tf.sequential({
      layers: [l.dense({ name: 'soft', inputShape: [3], units: 3, activation: 'softplus' })],
    });
    const layers = [l.lstm({ name: 'memory', inputShape: [5, 4], units: 3 }), l.elu({ name: 'bent' }), nested];
    await expect(importLayers(layers)).rejects.toMatchObject({
      code: 'E_UNSUPPORTED_OP',
      message: /3 layers.*"memory" \(LSTM\): use Conv1D.*"bent" \(ELU\): use.*"soft" \(activation "softplus"\): train/s,
    });
  });

  it('open sizes', async () => {
    const open = l.conv2d({ name: 'c', inputShape: [null, null, 3], filters: 1, kernelSize: 1 });
    await expect(importLayers([open])).rejects.toMatchObject({
      code: 'E_UNSUPPORTED_MODEL',
      message: /open size: \[any, any, any, 3\]/,
    });
  });

  it('channels_first', async () => {
    const first = l.maxPooling2d({ name: 'p', inputShape: [3, 8, 8], poolSize: 2, dataFormat: 'channelsFirst' });
    await expect(importLayers([first])).rejects.toMatchObject({ code: 'E_UNSUPPORTED_OP', message: /channels_last/ });
  });

  it('graph models, and files without weights', async () => {
    const { json } = await savedModel(denseModel());
    const graphModel = { format: 'graph-model', modelTopology: { node: [] }, weightsManifest: [] };
    expect(() => importTfjs(modelFile(graphModel, {}))).toThrow(
      expect.objectContaining({ code: 'E_UNSUPPORTED_MODEL' }),
    );
    expect(() => importTfjs(modelFile(json, {}))).toThrow(expect.objectContaining({ code: 'E_FILE' }));
    expect(() => importTfjs(modelFile({ ...json, weightsManifest: [] }, {}))).toThrow(/no weight "kernel" for layer/);
  });
});
