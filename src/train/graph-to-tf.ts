/** A float32 Graph as a differentiable function of TensorFlow.js, its weights and biases as variables. */
import type * as tf from '@tensorflow/tfjs';
import { ThimbleError } from '../core/errors.js';
import { type Graph, type Node, tensorOf } from '../core/graph.js';
import type { Tensor } from '../core/tensor.js';
import type { TF } from './kernels/heap.js';
import { tfOps, untrainable } from './tf-ops.js';
import { biasLayout, type WeightLayout, weightLayout } from './weight-layout.js';

/** Frees its variables and constants with dispose(). Everything else it makes belongs to the caller's tf.tidy. */
export interface TfGraph {
  readonly variables: readonly tf.Variable[];
  /**
   * @param inputs one per graph input, the first axis as long as the batch
   * @param wanted names of tensors; the graph's outputs unless given
   */
  forward(inputs: readonly tf.Tensor[], wanted?: readonly string[]): tf.Tensor[];
  /** The graph with the variables' present values. */
  toGraph(): Graph;
  dispose(): void;
}

interface Parameter {
  readonly variable: tf.Variable;
  readonly layout: WeightLayout;
  readonly unit: number;
}

const layersWithWeights = ['conv_2d', 'depthwise_conv_2d', 'fully_connected'];

/**
 * @throws ThimbleError E_UNSUPPORTED_OP naming every node that cannot be trained, E_UNSUPPORTED_MODEL for an int8 graph
 */
export function graphToTf(lib: TF, graph: Graph): TfGraph {
  checkTrainable(graph);
  const parameters = new Map<string, Parameter>();
  const constants = new Map<string, tf.Tensor>();
  for (const node of graph.nodes)
    for (const [position, name] of node.inputs.entries()) {
      const tensor = name === null ? undefined : tensorOf(graph, name);
      if (!tensor?.data || parameters.has(tensor.name) || constants.has(tensor.name)) continue;
      if (layersWithWeights.includes(node.op))
        parameters.set(tensor.name, parameterOf(lib, graph, node, position, tensor));
      else if (tensor.dtype === 'float32')
        constants.set(tensor.name, lib.keep(lib.tensor(Float32Array.from(tensor.data), [...tensor.shape])));
    }

  const weightOf = (name: string): tf.Tensor | undefined => {
    const parameter = parameters.get(name);
    if (!parameter) return constants.get(name);
    return parameter.unit === 1 ? parameter.variable : lib.mul(parameter.variable, parameter.unit);
  };

  return {
    variables: [...parameters.values()].map(({ variable }) => variable),
    forward(inputs, wanted = graph.outputs) {
      const batch = inputs[0]?.shape[0] ?? 1;
      const values = new Map<string, tf.Tensor>(graph.inputs.map((name, i) => [name, inputs[i]!]));
      for (const node of nodesFor(graph, wanted)) {
        const operands = presentInputs(graph, node);
        const result = tfOps[node.op]!({
          lib,
          batch,
          inputs: operands.map(({ name }) => values.get(name) ?? weightOf(name)!),
          shapes: operands.map(({ shape }) => shape),
          values: operands.map(({ data }) => data),
          outputShape: tensorOf(graph, node.outputs[0]!).shape,
          attrs: node.attrs,
        });
        values.set(node.outputs[0]!, result);
      }
      return wanted.map((name) => values.get(name)!);
    },
    toGraph() {
      const tensors = new Map(graph.tensors);
      for (const [name, { variable, layout, unit }] of parameters) {
        const data = layout.toGraph(variable.dataSync<'float32'>()).map((value) => value * unit);
        tensors.set(name, { ...tensorOf(graph, name), data });
      }
      return { ...graph, tensors };
    },
    dispose() {
      for (const { variable } of parameters.values()) variable.dispose();
      for (const constant of constants.values()) constant.dispose();
    },
  };
}

function parameterOf(lib: TF, graph: Graph, node: Node, position: number, tensor: Tensor): Parameter {
  const inputShape = tensorOf(graph, node.inputs[0]!).shape;
  const layout = position === 1 ? weightLayout(node.op, tensor.shape, inputShape) : biasLayout(tensor.shape);
  const unit = unitOf(tensor);
  const values = layout.toTf(tensor.data!).map((value) => value / unit);
  const variable = lib.tidy(() => lib.variable(lib.tensor(values, layout.shape))); // a variable outlives the tidy
  return { variable, layout, unit };
}

/**
 * Adam moves every weight by about the learning rate, whatever its size: fine for weights of 0.1, ruin for the first
 * layer of a model that takes bytes, whose weights are 255 times as small. So variables hold weights in a unit that
 * makes their root mean square about 1/8. A power of two: weights that are not trained come back bit for bit.
 */
function unitOf({ data }: Tensor): number {
  const squares = (data as Float32Array).reduce((sum, value) => sum + value * value, 0);
  const rms = Math.sqrt(squares / data!.length);
  return rms > 2 ** -40 ? 2 ** Math.round(Math.log2(8 * rms)) : 1;
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
      'Or leave out --prune: quantization alone needs no training.',
    ]);
}
