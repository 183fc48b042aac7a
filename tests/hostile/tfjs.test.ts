/** Damaged model.json files and weight shards. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { importTfjs } from '../../src/importers/tfjs/tfjs.js';
import { fileOf, modelFile, savedModel } from '../unit/importers/save-tfjs.js';
import { expectGraphOrRefusal } from './expect-refusal.js';
import { byteMutations, mutated, mutatedJson } from './mutations.js';

const l = tf.layers;

async function small() {
  const input = tf.input({ shape: [8, 8, 2] });
  const conv = l.conv2d({ filters: 2, kernelSize: 3, padding: 'same', activation: 'relu' }).apply(input);
  const both = l.concatenate().apply([conv as tf.SymbolicTensor, input]);
  const tail = [
    l.depthwiseConv2d({ kernelSize: 2 }),
    l.batchNormalization(),
    l.zeroPadding2d({}),
    l.maxPooling2d({}),
    l.reshape({ targetShape: [16, 4] }),
    l.conv1d({ filters: 2, kernelSize: 2 }),
    l.leakyReLU(),
    l.rescaling({ scale: 2 }),
    l.flatten(),
    tf.sequential({ layers: [l.dense({ inputShape: [30], units: 3, activation: 'softmax' })] }),
  ];
  const output = tail.reduce((x, layer) => layer.apply(x) as tf.SymbolicTensor, both as tf.SymbolicTensor);
  return savedModel(tf.model({ inputs: input, outputs: output }));
}

describe('a damaged TF.js model', () => {
  it('is refused or read when values of model.json change', async () => {
    const { json, shard } = await small();
    const files = { 'group1-shard1of1.bin': shard };
    expect(expectGraphOrRefusal(() => importTfjs(modelFile(json, files)))).toBe(false);
    let refused = 0;
    const places = fc.array(fc.nat(40), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(places, fc.nat(1000), (choices, replacement) => {
        const file = modelFile(mutatedJson(json, choices, replacement), files);
        if (expectGraphOrRefusal(() => importTfjs(file))) refused++;
      }),
      { numRuns: 6000, seed: 1 },
    );
    expect(refused).toBeGreaterThan(1000);
  });

  it('is refused or read when bytes of its files change', async () => {
    const { json, shard } = await small();
    const text = new TextEncoder().encode(JSON.stringify(json));
    const read = (bytes: Uint8Array, weights: Uint8Array): boolean =>
      expectGraphOrRefusal(() => importTfjs(fileOf(bytes, { 'group1-shard1of1.bin': weights })));
    fc.assert(
      fc.property(byteMutations(text.length), byteMutations(shard.length), (inText, inShard) => {
        read(mutated(text, inText.slice(0, 2)), mutated(shard, inShard));
      }),
      { numRuns: 2000, seed: 2 },
    );
    for (let length = 0; length < text.length; length += 16) expect(read(text.subarray(0, length), shard)).toBe(true);
    for (let length = 0; length < shard.length; length += 4) expect(read(text, shard.subarray(0, length))).toBe(true);
  });

  it('may not name files outside its folder', async () => {
    const { json, shard } = await small();
    for (const path of ['../secret.bin', '/etc/passwd', 'C:\\x', 'https://host/x', '', 'a/../../b']) {
      const weightsManifest = [{ ...(json['weightsManifest'] as object[])[0], paths: [path] }];
      expect(() => importTfjs(modelFile({ ...json, weightsManifest }, { [path]: shard }))).toThrow(/beside model.json/);
    }
  });
});
