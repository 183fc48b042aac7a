/** Which graphs can become int8: float32 throughout, every operator with a rule, weights constant and finite. */
import { ThimbleError } from '../core/errors.js';
import { type Graph, isConstant, type Node, tensorOf } from '../core/graph.js';
import type { Tensor } from '../core/tensor.js';
import { opNamed } from '../ops/index.js';

/** @throws ThimbleError E_UNSUPPORTED_OP, E_UNSUPPORTED_MODEL, E_NOT_FINITE, each with all places */
export function checkQuantizable(graph: Graph): void {
  const quantized = [...graph.tensors.values()].find(({ dtype }) => dtype === 'int8' || dtype === 'int16');
  if (quantized)
    throw new ThimbleError(
      'E_UNSUPPORTED_MODEL',
      `the model is quantized already: "${quantized.name}" is ${quantized.dtype}`,
      ['Use it as it is, with thimble emit or deploy.', 'To quantize anew, start from the float32 model.'],
    );
  const without = graph.nodes.filter((node) => opNamed(node.op).quantization === null);
  if (without.length > 0)
    throw new ThimbleError(
      'E_UNSUPPORTED_OP',
      `no int8 rule for ${without.map((node) => `${node.op} at "${node.name}"`).join(', ')}`,
      'Replace these layers, or move them out of the model.',
    );
  const dynamic = graph.nodes.filter(
    (node) => opNamed(node.op).quantization?.kind === 'weighted' && !hasConstantWeights(graph, node),
  );
  if (dynamic.length > 0)
    throw new ThimbleError(
      'E_UNSUPPORTED_MODEL',
      `weights that are computed, not constant, at ${dynamic.map((node) => `"${node.name}"`).join(', ')}`,
      'Use layers whose weights are learned, or mul and add for two activations.',
    );
  const broken = [...graph.tensors.values()].filter(({ data }) => data && !data.every(Number.isFinite));
  if (broken.length > 0)
    throw new ThimbleError(
      'E_NOT_FINITE',
      `NaN or Infinity in the weights ${broken.map(({ name }) => `"${name}"`).join(', ')}`,
      'The training diverged: train again with a smaller learning rate.',
    );
}

const hasConstantWeights = (graph: Graph, { inputs }: Node): boolean =>
  inputs.slice(1).every((name) => name === null || isConstant(tensorOf(graph, name)));

/**
 * The graph as a plan sees it: every float constant with one reader, every convolution with a bias. Names are made
 * from those of the graph; a second call changes nothing.
 */
export const prepared = (graph: Graph): Graph => withOwnConstants(withBiases(graph));

/** Zeros for convolutions that have no bias: TFLite's own converter adds them, and its older runtimes insist. */
function withBiases(graph: Graph): Graph {
  const tensors = new Map(graph.tensors);
  const nodes = graph.nodes.map((node): Node => {
    const [input, weights, bias] = node.inputs;
    const isConvolution = ['conv_2d', 'depthwise_conv_2d', 'transpose_conv'].includes(node.op);
    if (!isConvolution || typeof bias === 'string' || typeof weights !== 'string') return node;
    const channels = tensorOf(graph, node.outputs[0]!).shape.at(-1)!;
    const name = freeName(tensors, `${node.name}_bias`);
    tensors.set(name, { name, shape: [channels], dtype: 'float32', data: new Float32Array(channels) });
    return { ...node, inputs: [input!, weights, name] };
  });
  return { ...graph, tensors, nodes };
}

/** `base`, or with the first number from 2 on that makes it new. */
export function freeName(tensors: ReadonlyMap<string, Tensor>, base: string): string {
  let name = base;
  for (let count = 2; tensors.has(name); count++) name = `${base}_${count}`;
  return name;
}

/**
 * The same graph with a copy of every float constant for each of its readers: two layers that share a bias need it in
 * two units.
 */
function withOwnConstants(graph: Graph): Graph {
  const tensors = new Map(graph.tensors);
  const taken = new Set<string>();
  const nodes = graph.nodes.map((node) => ({ ...node, inputs: node.inputs.map((name) => own(name)) }));
  return { ...graph, tensors, nodes };

  function own(name: string | null): string | null {
    const tensor: Tensor | undefined = name === null ? undefined : tensors.get(name);
    if (!tensor || !isConstant(tensor) || tensor.dtype !== 'float32') return name;
    if (!taken.has(tensor.name)) {
      taken.add(tensor.name);
      return tensor.name;
    }
    const copy = freeName(tensors, tensor.name);
    tensors.set(copy, { ...tensor, name: copy });
    taken.add(copy);
    return copy;
  }
}
