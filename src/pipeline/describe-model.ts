/** A model as figures: one row an operator, and the sums. Plain data, for `inspect` and for reports. */
import type { Graph } from '../core/graph.js';
import { isConstant, tensorOf } from '../core/graph.js';
import { byteCount, elementCount, type QuantParams, type Shape, type TensorSpec } from '../core/tensor.js';
import { opNamed } from '../ops/index.js';
import { operandsOf } from '../ops/op.js';

export interface LayerDescription {
  readonly index: number; // as the layer hook and `verify` count
  readonly name: string;
  readonly op: string;
  readonly outputShape: Shape;
  readonly outputType: string; // 'int8', 'int16' …
  readonly outputBytes: number;
  readonly macs: number;
  readonly parameters: number; // numbers in its constants
  readonly weightBytes: number; // flash of those, with their tables, as int8 C; 0 for a float model
  readonly quant: { readonly scale: number; readonly zeroPoint: number } | null; // of the output
  readonly unpinned: string | null; // why its results are not held against somebody else's bytes
}

export interface ModelDescription {
  readonly name: string;
  readonly inputs: readonly TensorDescription[];
  readonly outputs: readonly TensorDescription[];
  readonly layers: readonly LayerDescription[];
  readonly macs: number;
  readonly parameters: number;
  readonly labels: readonly string[] | null;
}

export interface TensorDescription {
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: string;
  readonly quant: LayerDescription['quant'];
}

export function describeModel(graph: Graph): ModelDescription {
  const layers = graph.nodes.map((node, index): LayerDescription => {
    const op = opNamed(node.op);
    const operands = operandsOf(graph, node);
    const output = operands.outputs[0]!;
    const cost = op.cost(operands);
    return {
      index,
      name: node.name,
      op: node.op,
      outputShape: output.shape,
      outputType: output.dtype,
      outputBytes: byteCount(output),
      macs: cost.macs,
      parameters: parametersOf(graph, node.inputs),
      weightBytes: output.dtype === 'float32' ? 0 : cost.weightBytes,
      quant: quantOf(output.quant),
      unpinned: op.unpinned ?? null,
    };
  });
  const describe = (name: string): TensorDescription => describeTensor(tensorOf(graph, name));
  return {
    name: graph.name,
    inputs: graph.inputs.map(describe),
    outputs: graph.outputs.map(describe),
    layers,
    macs: sum(layers.map(({ macs }) => macs)),
    parameters: sum(layers.map(({ parameters }) => parameters)),
    labels: graph.metadata?.labels ?? null,
  };
}

/** Weights and biases; shapes, paddings and axes, which are int32 without a scale, are no parameters. */
function parametersOf(graph: Graph, inputs: readonly (string | null)[]): number {
  const constants = inputs
    .filter((name) => name !== null)
    .map((name) => tensorOf(graph, name))
    .filter((tensor) => isConstant(tensor) && (tensor.dtype === 'float32' || tensor.quant !== undefined));
  return sum(constants.map(({ shape }) => elementCount(shape)));
}

const describeTensor = ({ name, shape, dtype, quant }: TensorSpec): TensorDescription => ({
  name,
  shape,
  dtype,
  quant: quantOf(quant),
});

const quantOf = (quant: QuantParams | undefined): LayerDescription['quant'] =>
  quant && quant.axis === null ? { scale: quant.scale[0] ?? 0, zeroPoint: quant.zeroPoint[0] ?? 0 } : null;

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
