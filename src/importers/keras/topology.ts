/**
 * A Keras model as layers and calls, from any dialect: Sequential and Functional, nested, of Keras 2, Keras 3 and
 * TensorFlow.js.
 */
import { brokenTopology, isObject, type Json, LayerConfig } from './config.js';

/** Output `tensor` of the call `node` of a layer. */
export interface TensorRef {
  readonly layer: string;
  readonly node: number;
  readonly tensor: number;
}

export interface KerasLayer {
  readonly name: string;
  readonly className: string;
  readonly config: LayerConfig;
  readonly calls: readonly (readonly TensorRef[])[]; // the inputs of each call; empty in a Sequential model
  readonly model?: KerasModel; // of a nested model
}

export interface KerasModel {
  readonly name: string;
  readonly kind: 'sequential' | 'functional';
  readonly layers: readonly KerasLayer[];
  readonly inputs: readonly TensorRef[]; // functional only
  readonly outputs: readonly TensorRef[];
  readonly buildShape: unknown; // of a Sequential that was built without an input layer
}

const modelClasses = new Set(['Sequential', 'Functional', 'Model']);
const maxLayers = 4096; // a layer may wait for every other one: time grows with the square
const maxDepth = 32;

/**
 * @param json { class_name, config } as model.to_json() gives it
 * @throws ThimbleError E_MODEL_FORMAT
 */
export function parseTopology(json: unknown, isKeras3: boolean): KerasModel {
  if (!isObject(json) || !modelClasses.has(String(json['class_name'])))
    throw brokenTopology('it describes neither a Sequential nor a Functional model');
  return parseModel(json, isKeras3, 0);
}

function parseModel(json: Json, isKeras3: boolean, depth: number): KerasModel {
  if (depth > maxDepth) throw brokenTopology(`models are nested more than ${maxDepth} deep`);
  const { config } = json;
  const body: Json = Array.isArray(config) ? { layers: config } : isObject(config) ? config : {};
  const { layers } = body;
  if (!Array.isArray(layers) || layers.length === 0) throw brokenTopology('a model has no layers');
  if (layers.length > maxLayers) throw brokenTopology(`${layers.length} layers`);
  const parsed = layers.map((layer) => parseLayer(layer, isKeras3, depth));
  if (new Set(parsed.map(({ name }) => name)).size !== parsed.length) throw brokenTopology('two layers share a name');
  const isSequential = json['class_name'] === 'Sequential';
  return {
    name: typeof body['name'] === 'string' ? body['name'] : 'model',
    kind: isSequential ? 'sequential' : 'functional',
    layers: parsed,
    inputs: isSequential ? [] : endsOf(body['input_layers'] ?? body['inputLayers']),
    outputs: isSequential ? [] : endsOf(body['output_layers'] ?? body['outputLayers']),
    buildShape: body['build_input_shape'] ?? body['batch_input_shape'],
  };
}

function parseLayer(json: unknown, isKeras3: boolean, depth: number): KerasLayer {
  if (!isObject(json) || typeof json['class_name'] !== 'string') throw brokenTopology('a layer without a class');
  const className = json['class_name'];
  const config = isObject(json['config']) ? json['config'] : {};
  const name = json['name'] ?? config['name'];
  if (typeof name !== 'string' || name === '') throw brokenTopology(`a layer of class ${className} without a name`);
  const nodes = json['inbound_nodes'] ?? json['inboundNodes'] ?? [];
  if (!Array.isArray(nodes)) throw brokenTopology(`the calls of layer "${name}"`);
  const layer = { name, className, config: new LayerConfig(name, config, isKeras3), calls: nodes.map(refsOf) };
  return modelClasses.has(className) ? { ...layer, model: parseModel(json, isKeras3, depth + 1) } : layer;
}

/** ["name", 0, 0], or a list of them. */
function endsOf(json: unknown): readonly TensorRef[] {
  const refs = refsOf(json);
  if (refs.length === 0) throw brokenTopology('a model without inputs or outputs');
  return refs;
}

/**
 * Every tensor mentioned in a call, in order: Keras 2 lists ["name", node, tensor, kwargs], Keras 3 objects with a
 * keras_history.
 */
function refsOf(json: unknown): readonly TensorRef[] {
  const refs: TensorRef[] = [];
  const visit = (value: unknown, depth: number): void => {
    if (depth > maxDepth) throw brokenTopology('a call nested too deeply');
    if (Array.isArray(value)) {
      const [layer, node, tensor] = value as readonly unknown[];
      if (typeof layer === 'string' && Number.isInteger(node) && Number.isInteger(tensor))
        refs.push({ layer, node: node as number, tensor: tensor as number });
      else for (const item of value) visit(item, depth + 1);
    } else if (isObject(value)) {
      const { config } = value;
      if (value['class_name'] === '__keras_tensor__' && isObject(config)) visit(config['keras_history'], depth + 1);
      else for (const item of Object.values(value)) visit(item, depth + 1);
    }
  };
  visit(json, 0);
  return refs;
}
