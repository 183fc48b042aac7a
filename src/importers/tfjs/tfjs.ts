/** TensorFlow.js LayersModels: model.json with weight shards beside it, Teachable Machine's exports included. */
import { ThimbleError } from '../../core/errors.js';
import { type Graph, type ModelMetadata, tensorOf } from '../../core/graph.js';
import { elementCount } from '../../core/tensor.js';
import { isObject, type Json } from '../keras/config.js';
import { importKeras } from '../keras/import-keras.js';
import { parseJson } from '../keras/keras.js';
import { parseTopology } from '../keras/topology.js';
import { WeightStore } from '../keras/weights.js';
import type { Importer, ModelFile } from '../model-file.js';
import { readMetadata } from './teachable-machine.js';
import { readWeightShards } from './weight-shards.js';

export const tfjsImporter: Importer = {
  name: 'tfjs',
  reads: 'TensorFlow.js LayersModel (model.json)',
  matches: ({ bytes }) => /^\s*\{/.test(head(bytes)) && /"(modelTopology|weightsManifest)"/.test(text(bytes)),
  read: importTfjs,
};

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const head = (bytes: Uint8Array): string => text(bytes.subarray(0, 64));

/** @throws ThimbleError */
export function importTfjs(file: ModelFile): Graph {
  const json = parseJson(text(file.bytes), `"${file.name}"`);
  const topology = layersTopology(json);
  const keras = isObject(topology['model_config']) ? topology['model_config'] : topology;
  const version = topology['keras_version'];
  const isKeras3 = typeof version === 'string' && version.startsWith('3');
  const weights = readWeightShards(file, isObject(json) ? json['weightsManifest'] : undefined);
  const graph = importKeras(parseTopology(keras, isKeras3), new WeightStore(weights));
  const metadata = fitting(graph, readMetadata(file));
  return Object.keys(metadata).length > 0 ? { ...graph, metadata } : graph;
}

function layersTopology(json: unknown): Json {
  const topology = isObject(json) ? json['modelTopology'] : undefined;
  if (!isObject(topology))
    throw new ThimbleError('E_MODEL_FORMAT', 'model.json has no modelTopology: it holds no layers', [
      'Save the model with model.save(…) of TensorFlow.js and give its model.json.',
    ]);
  if ((isObject(json) && json['format'] === 'graph-model') || Array.isArray(topology['node']))
    throw new ThimbleError('E_UNSUPPORTED_MODEL', 'this is a TensorFlow.js graph model, not a layers model', [
      'Convert with tensorflowjs_converter --output_format=tfjs_layers_model from the Keras model.',
      'Or convert the SavedModel that it came from to .tflite.',
    ]);
  return topology;
}

/** Labels of another number than the model has classes belong to something else. */
function fitting(graph: Graph, metadata: ModelMetadata): ModelMetadata {
  const [output = ''] = graph.outputs;
  const classes = elementCount(tensorOf(graph, output).shape);
  if (metadata.labels === undefined || metadata.labels.length === classes) return metadata;
  const { labels: _, ...rest } = metadata;
  return rest;
}
