/** Every layer and option against TensorFlow.js itself: it saves the model, we read the files, both run them. */
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { tensorOf } from '../../../src/core/graph.js';
import { elementCount } from '../../../src/core/tensor.js';
import { emitTflite } from '../../../src/emit/tflite.js';
import { tfliteRuntimeEngine } from '../../../src/engines/tflite-runtime.js';
import { importTfjs } from '../../../src/importers/tfjs/tfjs.js';
import { simplify } from '../../../src/passes/index.js';
import { distance, randomValues, runFloat32 } from './run-float32.js';
import { modelFile, savedModel } from './save-tfjs.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

type Layers = typeof tf.layers;
type Make = (layers: Layers) => tf.layers.Layer | tf.layers.Layer[];
const image = [9, 8, 3];
const sequence = [12, 4];

const l = tf.layers;
const activations = ['relu', 'relu6', 'softmax', 'sigmoid', 'hardSigmoid', 'tanh', 'linear', 'swish'] as const;

const cases: readonly (readonly [string, readonly number[], Make])[] = [
  ['conv2d valid', image, () => l.conv2d({ filters: 5, kernelSize: 3 })],
  ['conv2d same, stride 2', image, () => l.conv2d({ filters: 5, kernelSize: [3, 2], strides: 2, padding: 'same' })],
  [
    'conv2d without bias, relu',
    image,
    () => l.conv2d({ filters: 4, kernelSize: 1, useBias: false, activation: 'relu' }),
  ],
  ['conv2d dilated', image, () => l.conv2d({ filters: 4, kernelSize: 3, dilationRate: 2, activation: 'tanh' })],
  ['conv1d valid', sequence, () => l.conv1d({ filters: 5, kernelSize: 3, strides: 2, activation: 'relu' })],
  ['conv1d same', sequence, () => l.conv1d({ filters: 5, kernelSize: 4, padding: 'same' })],
  ['conv2d transpose same', image, () => l.conv2dTranspose({ filters: 5, kernelSize: 3, strides: 2, padding: 'same' })],
  [
    'conv2d transpose valid, relu',
    image,
    () => l.conv2dTranspose({ filters: 4, kernelSize: [2, 4], strides: [3, 2], activation: 'relu' }),
  ],
  [
    'conv2d transpose without bias, batch normalization',
    image,
    () => [
      l.conv2dTranspose({ filters: 4, kernelSize: 5, strides: 2, padding: 'same', useBias: false }),
      l.batchNormalization(),
      l.reLU(),
    ],
  ],
  ['depthwise', image, () => l.depthwiseConv2d({ kernelSize: 3, padding: 'same', activation: 'relu6' })],
  ['depthwise, multiplier 2', image, () => l.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, strides: 2 })],
  ['separable', image, () => l.separableConv2d({ filters: 6, kernelSize: 3, depthMultiplier: 2, activation: 'relu' })],
  ['dense', [7], () => l.dense({ units: 5, activation: 'softmax' })],
  ['dense without bias', [7], () => l.dense({ units: 5, useBias: false })],
  ['dense on a sequence', sequence, () => l.dense({ units: 5, activation: 'relu' })],
  ['dense on an image', image, () => l.dense({ units: 2 })],
  ['batch normalization on an image', image, () => l.batchNormalization({ epsilon: 0.01 })],
  ['batch normalization on a sequence', sequence, () => l.batchNormalization({})],
  ['batch normalization on a vector', [7], () => l.batchNormalization({})],
  ['batch normalization without scale', image, () => l.batchNormalization({ scale: false })],
  ['batch normalization without center', image, () => l.batchNormalization({ center: false })],
  ...activations.map((name) => [`activation ${name}`, image, () => l.activation({ activation: name })] as const),
  ['relu layer', image, () => l.reLU()],
  ['relu layer up to 6', image, () => l.reLU({ maxValue: 6 })],
  ['leaky relu', image, () => l.leakyReLU({ alpha: 0.1 })],
  ['prelu', image, () => l.prelu()],
  ['prelu by channel', image, () => l.prelu({ sharedAxes: [1, 2] })],
  ['softmax layer', [7], () => l.softmax()],
  ['flatten', image, () => l.flatten()],
  ['reshape', image, () => l.reshape({ targetShape: [-1, 4] })],
  ['permute of an axis of one', [1, 6, 2], () => l.permute({ dims: [2, 1, 3] })],
  ['permute', image, () => l.permute({ dims: [3, 1, 2] })],
  ['upsampling', image, () => l.upSampling2d({ size: [3, 2] })],
  ['cropping', image, () => l.cropping2D({ cropping: [[1, 2], [0, 3]] })], // biome-ignore format: pairs
  ['dropout', image, () => [l.dropout({ rate: 0.5 }), l.gaussianNoise({ stddev: 1 }), l.flatten()]],
  ['max pool', image, () => l.maxPooling2d({ poolSize: 2 })],
  ['max pool same', image, () => l.maxPooling2d({ poolSize: 3, strides: 2, padding: 'same' })],
  ['average pool', image, () => l.averagePooling2d({ poolSize: [3, 2], strides: [2, 1] })],
  ['average pool same', image, () => l.averagePooling2d({ poolSize: 3, strides: 2, padding: 'same' })],
  ['max pool 1d', sequence, () => l.maxPooling1d({ poolSize: 3, strides: 2, padding: 'same' })],
  ['average pool 1d', sequence, () => l.averagePooling1d({ poolSize: 2 })],
  ['global average pool', image, () => l.globalAveragePooling2d({})],
  ['global max pool', image, () => l.globalMaxPooling2d({})],
  ['global average pool 1d', sequence, () => l.globalAveragePooling1d()],
  ['global max pool 1d', sequence, () => l.globalMaxPooling1d()],
  ['zero padding', image, () => l.zeroPadding2d({ padding: [[1, 2], [0, 3]] })], // biome-ignore format: pairs
  ['rescaling', image, () => l.rescaling({ scale: 1 / 127.5, offset: -1 })],
];

/** Weights of all ranges; variances must stay positive. */
function randomize(model: tf.LayersModel): void {
  model.setWeights(
    model.weights.map((weight, i) => {
      const shape = weight.shape as number[];
      const values = randomValues(elementCount(shape), 100 + i);
      return tf.tensor(/variance/.test(weight.name) ? values.map((v) => 1.2 + v) : values, shape);
    }),
  );
}

async function expectEqual(model: tf.LayersModel): Promise<void> {
  randomize(model);
  const { json, shard } = await savedModel(model);
  const graph = importTfjs(modelFile(json, { 'group1-shard1of1.bin': shard }));
  const values = model.inputs.map(({ shape }, i) =>
    randomValues(elementCount(shape.slice(1) as number[]), i + 1).map((v) => 5 * v),
  );
  const fed = values.map((value, i) => tf.tensor(value, [1, ...(model.inputs[i]!.shape.slice(1) as number[])]));
  const outputs = [model.predict(fed)].flat() as tf.Tensor[];
  for (const run of [graph, simplify(graph).graph]) {
    const results = runFloat32(run, values);
    for (const [i, output] of outputs.entries()) {
      expect(tensorOf(run, run.outputs[i]!).shape).toEqual(output.shape);
      expect(distance(results[i]!, output.dataSync())).toBeLessThan(1e-5);
    }
  }
}

describe('TensorFlow.js agrees with what was imported from its files', () => {
  it.each(cases)('%s', async (_, inputShape, make) => {
    const input = tf.input({ shape: [...inputShape] });
    const output = [make(tf.layers)].flat().reduce((x, layer) => layer.apply(x) as tf.SymbolicTensor, input);
    await expectEqual(tf.model({ inputs: input, outputs: output }));
  });

  it.each(['add', 'multiply', 'average', 'maximum', 'minimum', 'concatenate'] as const)(
    '%s of three branches',
    async (merge) => {
      const input = tf.input({ shape: image });
      const branches = [1, 2, 3].map((i) => l.conv2d({ filters: 4, kernelSize: i, padding: 'same' }).apply(input));
      const output = tf.layers[merge]({}).apply(branches as tf.SymbolicTensor[]) as tf.SymbolicTensor;
      await expectEqual(tf.model({ inputs: input, outputs: output }));
    },
  );

  it('several inputs and outputs, and a layer that is called twice', async () => {
    const [a, b] = [tf.input({ shape: [6] }), tf.input({ shape: [6] })];
    const shared = l.dense({ units: 4, activation: 'relu' });
    const [x, y] = [shared.apply(a), shared.apply(b)] as tf.SymbolicTensor[];
    const sum = l.add().apply([x!, y!]) as tf.SymbolicTensor;
    await expectEqual(tf.model({ inputs: [a, b], outputs: [y!, l.softmax().apply(sum) as tf.SymbolicTensor] }));
  });

  it('a network of convolution, batch normalization and ReLU6, which all fold into three nodes', async () => {
    const model = tf.sequential({
      layers: [
        l.conv2d({ inputShape: image, filters: 6, kernelSize: 3, padding: 'same', useBias: false }),
        l.batchNormalization(),
        l.reLU({ maxValue: 6 }),
        l.zeroPadding2d({ padding: [[0, 1], [1, 1]] }), // biome-ignore format: pairs
        l.depthwiseConv2d({ kernelSize: 3, useBias: false, strides: 1 }),
        l.batchNormalization(),
        l.activation({ activation: 'relu' }),
        l.dropout({ rate: 0.3 }),
        l.flatten(),
        l.dense({ units: 3, activation: 'softmax' }),
      ],
    });
    await expectEqual(model);
    const { json, shard } = await savedModel(model);
    const { graph } = simplify(importTfjs(modelFile(json, { 'group1-shard1of1.bin': shard })));
    expect(graph.nodes.map(({ op }) => op)).toEqual(
      ['conv_2d', 'pad', 'depthwise_conv_2d', 'reshape', 'fully_connected', 'softmax'], // biome-ignore format: a list
    );
  });

  it('a one-dimensional network without a reshape between its layers', async () => {
    const model = tf.sequential({
      layers: [
        l.conv1d({ inputShape: sequence, filters: 6, kernelSize: 3, useBias: false }),
        l.batchNormalization(),
        l.activation({ activation: 'relu' }),
        l.maxPooling1d({ poolSize: 2 }),
        l.conv1d({ filters: 4, kernelSize: 2 }),
        l.batchNormalization(),
        l.reLU(),
        l.globalAveragePooling1d(),
        l.dense({ units: 3 }),
      ],
    });
    await expectEqual(model);
    const { json, shard } = await savedModel(model);
    const { graph } = simplify(importTfjs(modelFile(json, { 'group1-shard1of1.bin': shard })));
    expect(graph.nodes.map(({ op }) => op)).toEqual(
      ['reshape', 'conv_2d', 'max_pool_2d', 'conv_2d', 'mean', 'fully_connected'], // biome-ignore format: a list
    );
  });

  it.each([1, 2])('causal Conv1D with dilation %i, as the same weights on a padded sequence', async (dilationRate) => {
    // TensorFlow.js reads and writes causal layers but cannot run them.
    const options = { filters: 5, kernelSize: 3, dilationRate } as const;
    const [length = 0, channels = 0] = sequence;
    const zeros = 2 * dilationRate;
    const causal = tf.sequential({ layers: [l.conv1d({ ...options, inputShape: sequence, padding: 'causal' })] });
    const valid = tf.sequential({ layers: [l.conv1d({ ...options, inputShape: [length + zeros, channels] })] });
    randomize(causal);
    valid.setWeights(causal.getWeights());
    const { json, shard } = await savedModel(causal);
    const values = randomValues(elementCount(sequence), 3);
    const padded = tf.tensor3d(Float32Array.of(...new Float32Array(zeros * channels), ...values), [
      1,
      length + zeros,
      channels,
    ]);
    const expected = (valid.predict(padded) as tf.Tensor).dataSync();
    const graph = importTfjs(modelFile(json, { 'group1-shard1of1.bin': shard }));
    expect(distance(runFloat32(graph, [values])[0]!, expected)).toBeLessThan(1e-5);
  });

  it('models nested in a model, as Teachable Machine exports them', async () => {
    const base = tf.sequential({
      layers: [l.conv2d({ inputShape: image, filters: 4, kernelSize: 3 }), l.globalAveragePooling2d({})],
    });
    const head = tf.sequential({ layers: [l.dense({ inputShape: [4], units: 3, activation: 'softmax' })] });
    await expectEqual(tf.sequential({ layers: [base, head] }));
    const input = tf.input({ shape: image });
    const nested = head.apply(base.apply(input)) as tf.SymbolicTensor;
    await expectEqual(tf.model({ inputs: input, outputs: nested }));
  });
});

describe('a model without biases', () => {
  it.each([
    ['conv2d', image, l.conv2d({ filters: 4, kernelSize: 3, useBias: false })],
    ['depthwise conv2d', image, l.depthwiseConv2d({ kernelSize: 3, useBias: false })],
    ['separable conv2d', image, l.separableConv2d({ filters: 4, kernelSize: 3, useBias: false })],
    ['dense', [7], l.dense({ units: 5, useBias: false })],
    ['dense on a sequence', sequence, l.dense({ units: 5, useBias: false })],
  ] as const)('runs in the TFLite runtime as in TensorFlow.js: %s', async (_, inputShape, layer) => {
    const model = tf.sequential({ layers: [l.inputLayer({ inputShape: [...inputShape] }), layer] });
    randomize(model);
    const { json, shard } = await savedModel(model);
    const graph = simplify(importTfjs(modelFile(json, { 'group1-shard1of1.bin': shard }))).graph;
    const input = randomValues(elementCount(inputShape), 7);
    const engine = await tfliteRuntimeEngine(emitTflite(graph));
    const [actual] = await engine.run([input]);
    await engine.close();
    const expected = (model.predict(tf.tensor(input, [1, ...inputShape])) as tf.Tensor).dataSync();
    expect(distance(actual as Float32Array, expected as Float32Array)).toBeLessThan(1e-5);
    model.dispose();
  });
});
