/** Keras .h5 files with architecture and weights, from Keras 2 and 3. */
import { ThimbleError } from '../../core/errors.js';
import type { Graph } from '../../core/graph.js';
import type { Importer } from '../model-file.js';
import { brokenTopology } from './config.js';
import { type H5Group, isH5, openH5 } from './hdf5/h5.js';
import { importKeras } from './import-keras.js';
import { parseTopology } from './topology.js';
import { type StoredWeight, WeightStore } from './weights.js';

export const kerasImporter: Importer = {
  name: 'keras',
  reads: 'Keras (.h5)',
  matches: ({ bytes }) => isH5(bytes),
  read: ({ bytes }) => importH5(bytes),
};

/** @throws ThimbleError */
export function importH5(bytes: Uint8Array): Graph {
  const root = openH5(bytes);
  const config = textAttribute(root, 'model_config');
  if (config === undefined)
    throw new ThimbleError(
      'E_UNSUPPORTED_MODEL',
      'the HDF5 file has no model_config: it holds weights only, or is no Keras model',
      ['Save layers and weights together: model.save("model.h5"), not save_weights.'],
    );
  const isKeras3 = textAttribute(root, 'keras_version')?.startsWith('3') ?? false;
  const model = parseTopology(parseJson(config, 'model_config'), isKeras3);
  return importKeras(model, new WeightStore(storedWeights(root.group('model_weights') ?? root)));
}

/** @throws ThimbleError E_MODEL_FORMAT, where JSON.parse would throw a SyntaxError */
export function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ThimbleError('E_MODEL_FORMAT', `${what} is not valid JSON`, 'Export or download the model again.', {
      cause,
    });
  }
}

/** Each top-level layer has a group; its attribute weight_names lists paths below that group. */
function storedWeights(root: H5Group): readonly StoredWeight[] {
  return root.names().flatMap((owner) => {
    const group = root.group(owner);
    return group ? weightNames(group).flatMap((name) => storedWeight(group, owner, name)) : [];
  });
}

function storedWeight(group: H5Group, owner: string, name: string): StoredWeight[] {
  const dataset = group.dataset(name);
  if (!dataset) throw brokenTopology(`weight "${name}" is listed, but not in the file`);
  const path = name.replace(/:\d+$/, '').split('/');
  return [{ owner, path, shape: dataset.shape, read: () => dataset.read() }];
}

/** Lists above 64 KiB are split into weight_names0, weight_names1 … */
function weightNames(group: H5Group): readonly string[] {
  const whole = group.attribute('weight_names');
  if (whole) return whole.map(String);
  const parts: string[] = [];
  for (let i = 0; ; i++) {
    const part = group.attribute(`weight_names${i}`);
    if (!part) return parts;
    parts.push(...part.map(String));
  }
}

function textAttribute(group: H5Group, name: string): string | undefined {
  const [text] = group.attribute(name) ?? [];
  return text === undefined ? undefined : String(text);
}
