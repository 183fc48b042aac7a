/** From a Keras model to a float32 Graph: the one walk that .h5 and TF.js models share. */
import { ThimbleError } from '../../core/errors.js';
import type { Graph, ModelMetadata } from '../../core/graph.js';
import type { Shape } from '../../core/tensor.js';
import { brokenTopology } from './config.js';
import { GraphBuilder } from './graph-builder.js';
import { LayerCall } from './layer-call.js';
import { kindOf, layerFault } from './layers/index.js';
import type { KerasLayer, KerasModel } from './topology.js';
import type { WeightStore } from './weights.js';

/**
 * @returns a float32 Graph in TFLite's vocabulary, batch 1; nodes and tensors are named after the layers
 * @throws ThimbleError E_UNSUPPORTED_OP with every layer that has no counterpart; E_UNSUPPORTED_MODEL for sizes that
 *   are not fixed; E_SHAPE, E_MODEL_FORMAT, E_NOT_FINITE
 */
export function importKeras(model: KerasModel, weights: WeightStore, metadata?: ModelMetadata): Graph {
  const faults = faultsOf(model);
  if (faults.length > 0) throw unsupported(faults);
  const builder = new GraphBuilder();
  const inputs = inputsOf(model).map(({ name, shape }) => builder.input(name, shape));
  const outputs = evaluate({ builder, weights, shared: new Map() }, model, inputs, []);
  const graph = builder.build(model.name, inputs, outputs);
  return metadata && Object.keys(metadata).length > 0 ? { ...graph, metadata } : graph;
}

interface Walk {
  readonly builder: GraphBuilder;
  readonly weights: WeightStore;
  readonly shared: Map<string, string>;
}

function evaluate(
  walk: Walk,
  model: KerasModel,
  inputs: readonly string[],
  path: readonly string[],
): readonly string[] {
  return model.kind === 'sequential'
    ? evaluateSequential(walk, model, inputs, path)
    : evaluateFunctional(walk, model, inputs, path);
}

function evaluateSequential(walk: Walk, model: KerasModel, inputs: readonly string[], path: readonly string[]) {
  let values = inputs;
  for (const layer of model.layers) if (layer.className !== 'InputLayer') values = apply(walk, layer, values, path);
  return values;
}

/** Calls every layer as soon as its inputs are known; what never becomes known is a cycle or a missing layer. */
function evaluateFunctional(walk: Walk, model: KerasModel, inputs: readonly string[], path: readonly string[]) {
  if (inputs.length !== model.inputs.length)
    throw brokenTopology(`model "${model.name}" has ${model.inputs.length} inputs and gets ${inputs.length}`);
  const known = new Map<string, readonly string[]>();
  const key = (layer: string, node: number): string => `${node}:${layer}`;
  model.inputs.forEach(({ layer }, i) => {
    known.set(key(layer, 0), [inputs[i]!]);
  });
  const lastNode = lastNodes(model);
  let waiting = model.layers.flatMap((layer) => {
    // A nested model counts its own making as a first call that the file does not list.
    const unlisted = Math.max(0, (lastNode.get(layer.name) ?? 0) + 1 - layer.calls.length);
    return layer.className === 'InputLayer' ? [] : layer.calls.map((refs, i) => ({ layer, refs, node: i + unlisted }));
  });
  const find = ({ layer, node, tensor }: (typeof model.inputs)[number]) => known.get(key(layer, node))?.[tensor];
  for (let before = -1; before !== waiting.length; ) {
    before = waiting.length;
    waiting = waiting.filter(({ layer, refs, node }) => {
      const values = refs.map(find);
      if (values.includes(undefined)) return true;
      known.set(key(layer.name, node), apply(walk, layer, values as string[], path));
      return false;
    });
  }
  return model.outputs.map((ref) => {
    const value = find(ref);
    if (value === undefined) throw brokenTopology(`nothing computes the output of layer "${ref.layer}"`);
    return value;
  });
}

/** The highest call that any reference in a model mentions, by layer. */
function lastNodes({ layers, outputs }: KerasModel): ReadonlyMap<string, number> {
  const last = new Map<string, number>();
  for (const { layer, node } of [...outputs, ...layers.flatMap(({ calls }) => calls.flat())])
    last.set(layer, Math.max(last.get(layer) ?? 0, node));
  return last;
}

function apply(walk: Walk, layer: KerasLayer, inputs: readonly string[], path: readonly string[]): readonly string[] {
  const ownPath = [...path, layer.name];
  if (layer.model) return evaluate(walk, layer.model, inputs, ownPath);
  const call = new LayerCall(walk.builder, layer, inputs, ownPath, walk.weights, walk.shared);
  const result = kindOf(layer).convert(call);
  // A layer that left its input as it was keeps the name of what computed it.
  return [inputs.includes(result) ? result : walk.builder.rename(result, layer.name)];
}

/** The layer's name and what is wrong, in order, from all nested models. */
function faultsOf(model: KerasModel): readonly string[] {
  return model.layers.flatMap((layer) => {
    if (layer.model) return faultsOf(layer.model);
    const fault = layer.className === 'InputLayer' ? undefined : layerFault(layer);
    return fault ? [`"${layer.name}" (${fault.what}): ${fault.wayOut}`] : [];
  });
}

const unsupported = (faults: readonly string[]): ThimbleError =>
  new ThimbleError(
    'E_UNSUPPORTED_OP',
    `${faults.length === 1 ? 'a layer has' : `${faults.length} layers have`} no counterpart on a microcontroller:\n` +
      faults.map((fault) => `    ${fault}`).join('\n'),
    [
      'Change the layers as said beside each, and train again; docs/operators.md lists those that Thimble reads.',
      'Or convert with TensorFlow Lite to int8 and give Thimble the .tflite; it lists what is left.',
    ],
  );

interface ModelInput {
  readonly name: string;
  readonly shape: Shape;
}

function inputsOf(model: KerasModel): readonly ModelInput[] {
  if (model.kind === 'functional')
    return model.inputs.map((ref) => {
      const layer = model.layers.find(({ name }) => name === ref.layer);
      if (!layer) throw brokenTopology(`there is no input layer "${ref.layer}"`);
      return { name: layer.name, shape: fixedShape(layer.name, declaredShape(layer) ?? innerShape(layer)) };
    });
  const [first] = model.layers;
  if (!first) throw brokenTopology('a model has no layers');
  const name = first.className === 'InputLayer' ? first.name : `${first.name}_input`;
  return [{ name, shape: fixedShape(name, declaredShape(first) ?? model.buildShape ?? innerShape(first)) }];
}

/** [null, 32, 32, 3], with the batch first; Keras 3 says batch_shape. */
function declaredShape({ config }: KerasLayer): unknown {
  const shape = config.value('batch_input_shape') ?? config.value('batch_shape');
  const inner = config.value('input_shape');
  return shape ?? (Array.isArray(inner) ? [null, ...inner] : undefined);
}

/** A nested model that comes first brings its own input shape. */
function innerShape({ model }: KerasLayer): unknown {
  return model && [1, ...(inputsOf(model)[0]?.shape.slice(1) ?? [])];
}

/** @throws ThimbleError E_UNSUPPORTED_MODEL where a size other than the batch is open */
function fixedShape(name: string, declared: unknown): Shape {
  if (!Array.isArray(declared) || declared.length < 2 || declared.length > 4)
    throw new ThimbleError(
      'E_UNSUPPORTED_MODEL',
      Array.isArray(declared)
        ? `input "${name}" has ${declared.length - 1} dimensions; Thimble takes one to three`
        : `the model does not say how large its input "${name}" is`,
      'Build the model with an input of fixed size, for instance Input(shape=(28, 28, 1)), and save it again.',
    );
  const sizes: readonly unknown[] = declared.slice(1);
  if (sizes.includes(null))
    throw new ThimbleError(
      'E_UNSUPPORTED_MODEL',
      `input "${name}" has an open size: [${declared.map((size) => size ?? 'any').join(', ')}]`,
      [
        'A board needs its memory planned, so every size but the batch must be fixed.',
        'Rebuild it with fixed sizes, Input(shape=(96, 96, 3)), copy the weights (set_weights) and save again.',
      ],
    );
  if (!sizes.every((size): size is number => Number.isInteger(size) && (size as number) > 0))
    throw brokenTopology(`the shape of input "${name}"`);
  return [1, ...sizes];
}
