/** What the training scripts of the examples leave behind: a TensorFlow.js model and .npz data sets. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { io, LayersModel } from '@tensorflow/tfjs';
import { zipSync } from 'fflate';

/** model.json and weights.bin, as `model.save('file://…')` of the native package would write them. */
export async function saveModel(model: LayersModel, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const handler: io.IOHandler = {
    save: async (artifacts) => {
      const { modelTopology, weightSpecs, weightData, format, generatedBy, convertedBy } = artifacts;
      const weightsManifest = [{ paths: ['weights.bin'], weights: weightSpecs }];
      const json = JSON.stringify({ format, generatedBy, convertedBy, modelTopology, weightsManifest }, null, 1);
      writeFileSync(join(folder, 'model.json'), `${json}\n`);
      writeFileSync(join(folder, 'weights.bin'), new Uint8Array(weightData as ArrayBuffer));
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
    },
  };
  await model.save(handler);
}

export interface NpyArray {
  readonly shape: readonly number[];
  readonly values: Uint8Array | Float32Array;
}

/** An .npz: a zip of .npy files. The same arrays give the same bytes. */
export function saveNpz(path: string, arrays: Readonly<Record<string, NpyArray>>): void {
  const files = Object.fromEntries(Object.entries(arrays).map(([name, array]) => [`${name}.npy`, npy(array)]));
  writeFileSync(path, zipSync(files, { level: 9, mtime: new Date(1980, 0, 1) }));
}

/** NumPy's format 1.0: magic, version, a Python dictionary padded to a multiple of 64 bytes, then the values. */
function npy({ shape, values }: NpyArray): Uint8Array {
  const dtype = values instanceof Uint8Array ? '|u1' : '<f4';
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const dictionary = `{'descr': '${dtype}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const length = Math.ceil((10 + dictionary.length + 1) / 64) * 64;
  const header = new Uint8Array(length).fill(0x20);
  header.set([0x93, ...Buffer.from('NUMPY'), 1, 0, (length - 10) & 0xff, (length - 10) >> 8]);
  header.set(Buffer.from(dictionary), 10);
  header[length - 1] = 0x0a;
  return Buffer.concat([header, new Uint8Array(values.buffer, values.byteOffset, values.byteLength)]);
}
