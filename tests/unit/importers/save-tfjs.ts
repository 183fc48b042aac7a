/** Saves a TensorFlow.js model as the files that a person has: model.json and its weights. */
import type * as tf from '@tensorflow/tfjs';
import { ThimbleError } from '../../../src/core/errors.js';
import type { ModelFile } from '../../../src/importers/model-file.js';

export async function savedModel(model: tf.LayersModel): Promise<{ json: Record<string, unknown>; shard: Uint8Array }> {
  let saved: { json: Record<string, unknown>; shard: Uint8Array } | undefined;
  await model.save({
    save(artifacts) {
      const weightsManifest = [{ paths: ['group1-shard1of1.bin'], weights: artifacts.weightSpecs }];
      const json = { format: 'layers-model', modelTopology: artifacts.modelTopology, weightsManifest };
      saved = {
        json: JSON.parse(JSON.stringify(json)),
        shard: new Uint8Array(artifacts.weightData as ArrayBuffer),
      };
      return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } });
    },
  });
  return saved!;
}

export function modelFile(json: unknown, files: Readonly<Record<string, Uint8Array>>): ModelFile {
  return fileOf(new TextEncoder().encode(JSON.stringify(json)), files);
}

export const fileOf = (bytes: Uint8Array, files: Readonly<Record<string, Uint8Array>> = {}): ModelFile => ({
  name: 'model.json',
  bytes,
  sibling(path) {
    const found = files[path];
    if (!found) throw new ThimbleError('E_FILE', `no file "${path}"`, 'Copy all files of the model.');
    return found;
  },
});
