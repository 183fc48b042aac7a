/**
 * Models that compute in float but store their weights smaller: dynamic-range (hybrid) files hold int8 weights, float16
 * files hold halves behind a dequantize. For Thimble both are float32 models, which `compress` quantizes in full; what
 * the file stored becomes the float weights, exactly, and the graph says so in its remarks.
 */
import { type Graph, isConstant, type Node, tensorOf, withoutUnusedTensors } from '../../core/graph.js';
import { dataOf, type QuantParams, type Tensor } from '../../core/tensor.js';
import { refuseModel } from './unsupported.js';

const remarkOf = (count: number, stored: string): string =>
  `The file holds ${count} weight tensors as ${stored}, but computes in float: it is read as a float32 model. ` +
  'thimble compress makes a fully quantized one of it, which is what a board runs.';

/** @throws ThimbleError E_UNSUPPORTED_MODEL for int8 weights without a scale, or used by int8 arithmetic as well */
export function withFloatWeights(graph: Graph): Graph {
  const hybrid = new Map<string, Tensor>();
  for (const node of graph.nodes)
    if (node.op !== 'dequantize' && isFloat(graph, node.outputs[0]!))
      for (const name of node.inputs)
        if (name !== null && isInt8Constant(tensorOf(graph, name))) hybrid.set(name, inFloat(tensorOf(graph, name)));
  const mixed = [...hybrid.keys()].find((name) =>
    graph.nodes.some((node) => node.inputs.includes(name) && !isFloat(graph, node.outputs[0]!)),
  );
  if (mixed !== undefined) throw refuseModel('hybrid', mixed);

  const unpacking = graph.nodes.filter(
    (node) => node.op === 'dequantize' && isConstant(tensorOf(graph, node.inputs[0]!)),
  );
  if (hybrid.size === 0 && unpacking.length === 0) return graph;
  const unpacked = unpacking.map((node): Tensor => {
    const stored = tensorOf(graph, node.inputs[0]!);
    const { data } = stored.dtype === 'float32' ? stored : inFloat(stored);
    return { ...tensorOf(graph, node.outputs[0]!), data: data! };
  });
  const tensors = new Map([...graph.tensors, ...hybrid, ...unpacked.map((tensor) => [tensor.name, tensor] as const)]);
  const nodes: readonly Node[] = graph.nodes.filter((node) => !unpacking.includes(node));
  const remarks = [
    ...(graph.remarks ?? []),
    ...(hybrid.size > 0 ? [remarkOf(hybrid.size, 'int8 (dynamic-range, "hybrid" quantization)')] : []),
    ...(unpacked.length > 0 ? [remarkOf(unpacked.length, 'float16 or int8 behind a dequantize')] : []),
  ];
  return withoutUnusedTensors({ ...graph, tensors, nodes, remarks });
}

const isFloat = (graph: Graph, name: string): boolean => tensorOf(graph, name).dtype === 'float32';
const isInt8Constant = (tensor: Tensor): boolean => tensor.dtype === 'int8' && isConstant(tensor);

/** real = scale · (q − zeroPoint), per tensor or along the axis, as float32. */
function inFloat(tensor: Tensor): Tensor {
  const { quant, shape, name } = tensor;
  if (!quant) throw refuseModel('hybrid', name);
  const channelOf = channelIndex(quant, shape);
  const data = Float32Array.from(dataOf(tensor), (q, i) => {
    const channel = channelOf(i);
    return quant.scale[channel]! * (q - (quant.zeroPoint[channel] ?? 0));
  });
  return { name, shape, dtype: 'float32', data };
}

function channelIndex({ axis }: QuantParams, shape: readonly number[]): (index: number) => number {
  if (axis === null) return () => 0;
  const inner = shape.slice(axis + 1).reduce((product, size) => product * size, 1);
  return (index) => Math.floor(index / inner) % shape[axis]!;
}
