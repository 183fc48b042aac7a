/** A float32 Graph as a differentiable function of TensorFlow.js, its weights and biases as variables. */
import type * as tf from '@tensorflow/tfjs';
import { ThimbleError } from '../core/errors.js';
import { type Graph, type Node, tensorOf } from '../core/graph.js';
import { elementCount, type Shape, type Tensor } from '../core/tensor.js';
import { prepared } from '../quantize/quantizable.js';
import type { TF } from './kernels/heap.js';
import { type Norm, type NormMode, normOf } from './normalization.js';
import { type Codebook, type Parameter, parameterOf } from './parameter.js';
import { tfOps, untrainable } from './tf-ops.js';
import { biasLayout, weightLayout } from './weight-layout.js';

export interface TfGraphOptions {
  /** By tensor name, one entry per weight: where it is 0 the weight is 0 and stays so. */
  readonly masks?: ReadonlyMap<string, Uint8Array> | undefined;
  /** By tensor name: training moves the centroids, and every weight stays at one of them. */
  readonly codebooks?: ReadonlyMap<string, Codebook> | undefined;
  /** Normalizes the sums of convolutions batch by batch while training, and folds that into them afterwards. */
  readonly batchNorm?: boolean | undefined;
}

/** Moves values to what integers will stand for, on the way through the graph. */
export interface ForwardQuantizer {
  /** @param inner values in a row that share a channel, in TensorFlow.js' layout */
  constant(name: string, values: tf.Tensor, inner: number): tf.Tensor;
  activation(name: string, values: tf.Tensor): tf.Tensor;
  /** An activation as one of its readers gets it. */
  operand(node: Node, position: number, values: tf.Tensor): tf.Tensor;
}

export interface ForwardOptions {
  readonly norms?: NormMode; // infer unless given
  readonly quantizer?: ForwardQuantizer | undefined;
}

/** Frees its variables and constants with dispose(). Everything else it makes belongs to the caller's tf.tidy. */
export interface TfGraph {
  readonly variables: readonly tf.Variable[];
  /**
   * @param inputs one per graph input, the first axis as long as the batch
   * @param wanted names of tensors; the graph's outputs unless given
   */
  forward(inputs: readonly tf.Tensor[], wanted?: readonly string[], options?: ForwardOptions): tf.Tensor[];
  /** The graph with the variables' present values. */
  toGraph(): Graph;
  /** All that training has changed; `restore` brings it back. */
  snapshot(): Float32Array[];
  restore(snapshot: readonly Float32Array[]): void;
  dispose(): void;
}

const layersWithWeights = ['conv_2d', 'depthwise_conv_2d', 'fully_connected', 'transpose_conv', 'prelu'];
const normalizedLayers = ['conv_2d', 'depthwise_conv_2d'];

/**
 * @throws ThimbleError E_UNSUPPORTED_OP naming every node that cannot be trained, E_UNSUPPORTED_MODEL for an int8 graph
 */
export function graphToTf(lib: TF, given: Graph, options: TfGraphOptions = {}): TfGraph {
  checkTrainable(given);
  const { batchNorm = false, masks, codebooks } = options;
  const graph = batchNorm ? prepared(given) : given; // a bias for every convolution
  const parameters = new Map<string, Parameter>();
  const constants = new Map<string, tf.Tensor>();
  const norms = new Map<string, Norm>(); // by node
  const innerOf = new Map<string, number>(); // of weights: see ForwardQuantizer
  for (const node of graph.nodes) {
    const normalized = batchNorm && normalizedLayers.includes(node.op);
    for (const [position, name] of node.inputs.entries()) {
      const tensor = name === null ? undefined : tensorOf(graph, name);
      if (!tensor?.data || parameters.has(tensor.name) || constants.has(tensor.name)) continue;
      if (normalized && position === 2) norms.set(node.name, normOf(lib, tensor));
      else if (layersWithWeights.includes(node.op)) {
        const constraint = { mask: masks?.get(tensor.name), codebook: codebooks?.get(tensor.name) };
        parameters.set(tensor.name, parameterOf(lib, tensor, layoutOf(graph, node, position, tensor), constraint));
        const inner = position === 1 ? runOfChannel(node.op, tensor.shape) : 1;
        innerOf.set(tensor.name, inner);
      } else if (tensor.dtype === 'float32')
        constants.set(tensor.name, lib.keep(lib.tensor(Float32Array.from(tensor.data), [...tensor.shape])));
    }
  }
  const variablesOf = (): tf.Variable[] =>
    [...parameters.values(), ...[...norms.values()].flatMap((norm) => norm.parameters)].map(({ variable }) => variable);

  return {
    get variables() {
      return variablesOf();
    },
    forward(inputs, wanted = graph.outputs, { norms: mode = 'infer', quantizer } = {}) {
      const batch = inputs[0]?.shape[0] ?? 1;
      const moved = (name: string, x: tf.Tensor): tf.Tensor => quantizer?.activation(name, x) ?? x;
      const values = new Map<string, tf.Tensor>(graph.inputs.map((name, i) => [name, moved(name, inputs[i]!)]));
      const constant = (name: string): tf.Tensor => {
        const value = parameters.get(name)?.value() ?? constants.get(name)!;
        return quantizer && value ? quantizer.constant(name, value, innerOf.get(name) ?? 1) : value;
      };
      for (const node of nodesFor(graph, wanted)) {
        const norm = norms.get(node.name);
        const operands = node.inputs.flatMap((name, position) =>
          name === null || (norm && position === 2) ? [] : [{ ...tensorOf(graph, name), position }],
        );
        const results = tfOps[node.op]!({
          lib,
          batch,
          inputs: operands.map(({ name, position }) => {
            const value = values.get(name);
            return value ? (quantizer?.operand(node, position, value) ?? value) : constant(name);
          }),
          shapes: operands.map(({ shape }) => shape),
          values: operands.map(({ data }) => data),
          outputShape: tensorOf(graph, node.outputs[0]!).shape,
          outputShapes: node.outputs.map((name) => tensorOf(graph, name).shape),
          attrs: node.attrs,
          ...(norm && { normalize: (sums) => norm.apply(sums, mode) }),
        });
        for (const [i, result] of [results].flat().entries())
          values.set(node.outputs[i]!, moved(node.outputs[i]!, result));
      }
      return wanted.map((name) => values.get(name)!);
    },
    toGraph() {
      const tensors = new Map(graph.tensors);
      for (const [name, parameter] of parameters)
        tensors.set(name, { ...tensorOf(graph, name), data: parameter.data() });
      for (const [name, norm] of norms) foldNorm(graph, tensors, name, norm);
      return { ...graph, tensors };
    },
    snapshot: () => [
      ...variablesOf().map((variable) => variable.dataSync<'float32'>().slice()),
      ...[...norms.values()].flatMap(({ averages }) => averages.map((values) => values.slice())),
    ],
    restore(snapshot) {
      const variables = variablesOf();
      for (const [i, variable] of variables.entries())
        lib.tidy(() => variable.assign(lib.tensor(snapshot[i]!.slice(), variable.shape)));
      const averages = [...norms.values()].flatMap((norm) => norm.averages);
      for (const [i, values] of averages.entries()) values.set(snapshot[variables.length + i]!);
    },
    dispose() {
      for (const held of [...parameters.values(), ...norms.values(), ...constants.values()]) held.dispose();
    },
  };
}

function layoutOf(graph: Graph, node: Node, position: number, tensor: Tensor) {
  const inputShape = tensorOf(graph, node.inputs[0]!).shape;
  return position === 1 ? weightLayout(node.op, tensor.shape, inputShape) : biasLayout(tensor.shape);
}

function foldNorm(graph: Graph, tensors: Map<string, Tensor>, nodeName: string, norm: Norm): void {
  const node = graph.nodes.find(({ name }) => name === nodeName)!;
  const [weights, bias] = [tensors.get(node.inputs[1]!)!, tensors.get(node.inputs[2]!)!];
  const { factor, bias: folded } = norm.folded();
  const perFilter = node.op === 'conv_2d' ? elementCount(weights.shape.slice(1)) : 1;
  const data = Float32Array.from(weights.data!, (w, i) => w * factor[Math.floor(i / perFilter) % factor.length]!);
  tensors.set(weights.name, { ...weights, data });
  tensors.set(bias.name, { ...bias, data: folded });
}

/** Values in a row that share a channel, in TensorFlow.js' layout of the weights. */
function runOfChannel(op: string, shape: Shape): number {
  if (op === 'fully_connected') return elementCount(shape.slice(1));
  return op === 'transpose_conv' ? shape[3]! : 1;
}

const presentInputs = (graph: Graph, node: Node): Tensor[] =>
  node.inputs.flatMap((name) => (name === null ? [] : [tensorOf(graph, name)]));

/** The nodes that the wanted tensors depend on, in order. */
function nodesFor(graph: Graph, wanted: readonly string[]): Node[] {
  const needed = new Set<string | null>(wanted);
  const nodes: Node[] = [];
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((name) => needed.has(name))) continue;
    nodes.unshift(node);
    for (const name of node.inputs) needed.add(name);
  }
  return nodes;
}

function checkTrainable(graph: Graph): void {
  const quantized = [...graph.tensors.values()].find(({ quant, dtype }) => quant !== undefined || dtype === 'int8');
  if (quantized)
    throw new ThimbleError(
      'E_UNSUPPORTED_MODEL',
      `"${graph.name}" is already quantized; only a float32 model can be trained`,
      'Give the float model that it was made from.',
      { where: `at tensor "${quantized.name}"` },
    );
  const faults = graph.nodes.flatMap((node) => {
    const operands = presentInputs(graph, node);
    const call = {
      attrs: node.attrs,
      shapes: operands.map(({ shape }) => shape),
      values: operands.map(({ data }) => data),
    };
    const fault = node.op in tfOps ? untrainable(node.op, call) : 'the operator has no gradient here';
    return fault === undefined ? [] : [`"${node.name}" (${node.op}): ${fault}`];
  });
  if (faults.length > 0)
    throw new ThimbleError('E_UNSUPPORTED_OP', `"${graph.name}" cannot be trained: ${faults.join('; ')}`, [
      'Fine-tune in the framework that made the model, then import it again.',
      'Or leave out pruning and training: quantization alone needs neither.',
    ]);
}
