/** Writes .h5 files in Keras' layout, with the HDF5 library itself: somebody else's writer for our reader. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as tf from '@tensorflow/tfjs';
import * as h5wasm from 'h5wasm/node';
import { savedModel } from './save-tfjs.js';

/** The oldest file format, which h5py wrote for years; and the one with link messages and dense storage. */
export type H5Version = 'earliest' | 'v114';

let files = 0;

/** @param fill writes into the open file */
export async function writeH5(version: H5Version, fill: (file: h5wasm.File) => void): Promise<Uint8Array> {
  const { FS } = await h5wasm.ready;
  const name = join(tmpdir(), `thimble-fixture-${process.pid}-${files++}.h5`); // this build writes real files
  const file = new h5wasm.File(name, 'w', { libver: [version, version === 'earliest' ? 'v108' : version] });
  fill(file);
  file.close();
  const bytes = FS.readFile(name).slice();
  FS.unlink(name);
  return bytes;
}

export async function kerasH5(model: tf.LayersModel, version: H5Version = 'earliest'): Promise<Uint8Array> {
  const { json } = await savedModel(model);
  return writeH5(version, (file) => {
    const topology = json['modelTopology'] as { class_name: string; config: unknown };
    file.create_attribute('model_config', JSON.stringify({ class_name: topology.class_name, config: topology.config }));
    file.create_attribute('keras_version', '2.4.0');
    const root = file.create_group('model_weights');
    root.create_attribute('layer_names', model.layers.map(({ name }) => name)); // biome-ignore format: one line
    for (const layer of model.layers) {
      const group = root.create_group(layer.name);
      const names = layer.weights.map(({ originalName }) => `${originalName}:0`);
      if (names.length > 0) group.create_attribute('weight_names', names);
      layer.getWeights().forEach((weight, i) => {
        const path = names[i]!.split('/');
        const folder = path
          .slice(0, -1)
          .reduce((at, part) => (at.get(part) as h5wasm.Group) ?? at.create_group(part), group);
        folder.create_dataset({ name: path.at(-1)!, data: Float32Array.from(weight.dataSync()), shape: weight.shape });
      });
    }
  });
}
