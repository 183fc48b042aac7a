/**
 * Structured pruning: the output channels of a layer that have the smallest L1 norm (Li et al., "Pruning Filters for
 * Efficient ConvNets", 2017) leave the graph, and with them what later layers read of them. Weights, MACs and the arena
 * all shrink; no mask stays behind. Only where a layer's channels run into the next layers one after another: where
 * they meet others (a residual add, a concatenation), the layer keeps all of them and the report says why.
 */
import { ThimbleError } from '../core/errors.js';
import { consumersOf, type Graph, isConstant, type Node, tensorOf, withoutUnusedTensors } from '../core/graph.js';
import { elementCount, type Tensor, type TypedArray } from '../core/tensor.js';
import { opNamed } from '../ops/index.js';
import { operandsOf } from '../ops/op.js';

export interface PruneOptions {
  readonly ratio: number; // 0 … < 1: the share of every layer's channels that leaves; at least one stays
  readonly roundTo?: number; // channels that stay are rounded up to a multiple, as some kernels like 4
}

export interface PrunedLayer {
  readonly name: string;
  readonly op: string;
  readonly channelsBefore: number;
  readonly channelsAfter: number;
  readonly parametersBefore: number;
  readonly parametersAfter: number;
  readonly macsBefore: number;
  readonly macsAfter: number;
  readonly kept: string | null; // why no channel left; null where channels were to leave
}

export interface PruneReport {
  readonly ratio: number;
  readonly layers: readonly PrunedLayer[]; // every layer with weights, in order
  readonly parametersBefore: number;
  readonly parametersAfter: number;
  readonly macsBefore: number;
  readonly macsAfter: number;
}

/** Which entries of a tensor's last axis stay; absent = all. */
type Masks = Map<string, readonly boolean[]>;

const withWeights = ['conv_2d', 'depthwise_conv_2d', 'fully_connected'];
const elementwise = ['relu', 'relu6', 'leaky_relu', 'hard_swish', 'logistic', 'tanh'];
const byChannel = [...elementwise, 'average_pool_2d', 'max_pool_2d'];

/**
 * @returns the smaller float32 graph; the given one where nothing leaves
 * @throws ThimbleError E_RECIPE for a ratio or multiple out of range, E_UNSUPPORTED_MODEL for a quantized graph
 */
export function pruneChannels(
  graph: Graph,
  { ratio, roundTo = 1 }: PruneOptions,
): { graph: Graph; report: PruneReport } {
  checkOptions(graph, ratio, roundTo);
  const masks: Masks = new Map();
  const kept = new Map<string, string>();
  for (const node of graph.nodes) {
    if (node.op === 'depthwise_conv_2d')
      kept.set(node.name, 'a depthwise layer has the channels of the layer before it');
    if (node.op !== 'conv_2d' && node.op !== 'fully_connected') continue;
    const blocked = cannotEdit(graph, node);
    const traced = blocked ?? trace(graph, node.outputs[0]!, strongest(graph, node, ratio, roundTo));
    if (typeof traced === 'string') kept.set(node.name, traced);
    else for (const [name, mask] of traced) masks.set(name, mask);
  }
  const pruned = [...masks.values()].some((mask) => mask.includes(false)) ? withoutMasked(graph, masks) : graph;
  return { graph: pruned, report: reportOf(graph, pruned, ratio, kept) };
}

function checkOptions(graph: Graph, ratio: number, roundTo: number): void {
  if (!(ratio >= 0 && ratio < 1) || !Number.isInteger(roundTo) || roundTo < 1)
    throw new ThimbleError(
      'E_RECIPE',
      `channels cannot be pruned by ${ratio}, rounded to a multiple of ${roundTo}`,
      'Give a ratio from 0 to below 1, such as 0.5, and a whole multiple, such as 4.',
    );
  const quantized = [...graph.tensors.values()].find(({ quant, dtype }) => quant !== undefined || dtype === 'int8');
  if (quantized)
    throw new ThimbleError(
      'E_UNSUPPORTED_MODEL',
      `"${graph.name}" is already quantized; channels are pruned from the float model`,
      'Give the float model: it is pruned first and quantized afterwards.',
      { where: `at tensor "${quantized.name}"` },
    );
}

/** The output channels that stay: those with the largest Σ |weight|, the earlier where two are equal. */
function strongest(graph: Graph, node: Node, ratio: number, roundTo: number): boolean[] {
  const weights = tensorOf(graph, node.inputs[1]!);
  const channels = weights.shape[0]!;
  const taps = elementCount(weights.shape) / channels;
  const norms = Array.from({ length: channels }, (_, c) =>
    (weights.data as Float32Array).subarray(c * taps, (c + 1) * taps).reduce((sum, w) => sum + Math.abs(w), 0),
  );
  const staying = Math.max(1, channels - Math.floor(channels * ratio + 1e-9)); // 0.3 · 10 is 2.9999…
  const rounded = Math.min(channels, Math.ceil(staying / roundTo) * roundTo);
  const order = [...norms.keys()].sort((a, b) => norms[b]! - norms[a]! || a - b);
  const stay = new Set(order.slice(0, rounded));
  return norms.map((_, c) => stay.has(c));
}

/** Why the constants of a node must stay as they are; undefined = they may be cut. */
function cannotEdit(graph: Graph, node: Node): string | undefined {
  for (const name of node.inputs.slice(1)) {
    if (name === null) continue;
    if (!isConstant(tensorOf(graph, name))) return `"${node.name}" computes its weights`;
    if (consumersOf(graph, name).length > 1) return `"${node.name}" shares weights with another layer`;
  }
  return undefined;
}

/** Follows a mask to the layers that end it. @returns masks of all tensors on the way, or why it cannot be followed */
function trace(graph: Graph, start: string, mask: readonly boolean[]): Masks | string {
  const masks: Masks = new Map([[start, mask]]);
  const open = [start];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (graph.outputs.includes(name)) return 'its channels are the model’s outputs';
    for (const node of consumersOf(graph, name)) {
      const next = maskAfter(graph, node, name, masks.get(name)!);
      if (typeof next === 'string') return next;
      if (next === null) continue; // a layer with weights of its own per input channel: the mask ends here
      masks.set(node.outputs[0]!, next);
      open.push(node.outputs[0]!);
    }
  }
  return masks;
}

/** The mask of a node's output, null where the node ends it, or why it cannot pass. */
function maskAfter(
  graph: Graph,
  node: Node,
  input: string,
  mask: readonly boolean[],
): readonly boolean[] | null | string {
  const output = tensorOf(graph, node.outputs[0]!);
  const rank = tensorOf(graph, input).shape.length;
  if (byChannel.includes(node.op)) return mask;
  const meets = `its channels meet others in "${node.name}" (${node.op})`;
  switch (node.op) {
    case 'conv_2d':
      if (tensorOf(graph, node.inputs[1]!).shape[3] !== mask.length) return `"${node.name}" is a grouped convolution`;
      return cannotEdit(graph, node) ?? null;
    case 'fully_connected':
      if (tensorOf(graph, node.inputs[1]!).shape[1]! % mask.length !== 0) return meets;
      return cannotEdit(graph, node) ?? null;
    case 'depthwise_conv_2d': {
      const multiplier = output.shape.at(-1)! / mask.length;
      return (
        cannotEdit(graph, node) ??
        Array.from({ length: output.shape.at(-1)! }, (_, i) => mask[Math.floor(i / multiplier)]!)
      );
    }
    case 'mean': {
      const axes = [...(tensorOf(graph, node.inputs[1]!).data ?? [-1])];
      return axes.some((axis) => axis === -1 || axis === rank - 1) ? meets : mask;
    }
    case 'pad': {
      const paddings = tensorOf(graph, node.inputs[1]!).data;
      return !paddings || paddings.at(-1) || paddings.at(-2) ? meets : mask;
    }
    case 'reshape':
      return reshapedMask(mask, output.shape.at(-1) ?? 1) ?? meets;
    case 'add':
    case 'sub':
    case 'mul': {
      const other = node.inputs.find((name) => name !== input);
      const operand = other ? tensorOf(graph, other) : undefined;
      if (!operand || !isConstant(operand)) return meets;
      if (output.shape.at(-1) !== mask.length) return meets; // a single channel spread over many
      return consumersOf(graph, operand.name).length > 1 ? `"${node.name}" shares a constant` : mask;
    }
    case 'softmax':
      return 'its channels are the classes';
    default:
      return meets;
  }
}

/** Memory keeps its order: a flattened image repeats the mask, an unflattened one must have repeated it. */
function reshapedMask(mask: readonly boolean[], size: number): readonly boolean[] | undefined {
  const length = mask.length;
  if (size % length !== 0 && (length % size !== 0 || mask.some((stays, i) => stays !== mask[i % size])))
    return undefined;
  return Array.from({ length: size }, (_, i) => mask[i % length]!);
}

/** The graph without what the masks drop. */
function withoutMasked(graph: Graph, masks: Masks): Graph {
  const tensors = new Map(graph.tensors);
  for (const [name, mask] of masks) {
    const tensor = tensorOf(graph, name);
    tensors.set(name, { ...tensor, shape: [...tensor.shape.slice(0, -1), countOf(mask)] });
  }
  const cut = (name: string | null | undefined, axis: number, mask: readonly boolean[] | undefined): void => {
    const tensor = name ? tensors.get(name) : undefined;
    if (tensor && mask) tensors.set(tensor.name, select(tensor, axis, mask));
  };
  const nodes = graph.nodes.map((node): Node => {
    const [input, second, third] = node.inputs;
    const [before, after] = [masks.get(input ?? ''), masks.get(node.outputs[0]!)];
    if (node.op === 'conv_2d') cut(second, 3, before);
    if (node.op === 'fully_connected' && before) cut(second, 1, repeated(before, tensors.get(second!)!.shape[1]!));
    if (node.op === 'conv_2d' || node.op === 'fully_connected') cut(second, 0, after);
    if (node.op === 'depthwise_conv_2d') cut(second, 3, after);
    if (withWeights.includes(node.op)) cut(third, 0, after);
    if (['add', 'sub', 'mul'].includes(node.op) && after)
      for (const name of node.inputs) {
        const operand = tensors.get(name!)!;
        if (isConstant(operand) && operand.shape.at(-1) === after.length) cut(name, operand.shape.length - 1, after);
      }
    return node.op === 'reshape' && after ? reshapeTo(node, tensors) : node;
  });
  return withoutUnusedTensors({ ...graph, tensors, nodes });
}

const countOf = (mask: readonly boolean[]): number => mask.filter(Boolean).length;
const repeated = (mask: readonly boolean[], length: number): boolean[] =>
  Array.from({ length }, (_, i) => mask[i % mask.length]!);

/** The target shape stands in the attribute, in a constant that other reshapes may share, or in both. */
function reshapeTo(node: Node, tensors: Map<string, Tensor>): Node {
  const { shape } = tensors.get(node.outputs[0]!)!;
  const attrs = node.attrs['newShape'] ? { ...node.attrs, newShape: shape } : node.attrs;
  const [input, target] = node.inputs;
  if (!target) return { ...node, attrs };
  let name = `${node.name}/shape`;
  while (tensors.has(name)) name = `${name}_pruned`;
  tensors.set(name, { name, shape: [shape.length], dtype: 'int32', data: Int32Array.from(shape) });
  return { ...node, attrs, inputs: [input!, name] };
}

/** A constant's slices along one axis for which the mask is true. */
function select(tensor: Tensor, axis: number, mask: readonly boolean[]): Tensor {
  const { shape, data } = tensor;
  const inner = elementCount(shape.slice(axis + 1));
  const outer = elementCount(shape.slice(0, axis));
  const result = new Float32Array(outer * countOf(mask) * inner);
  let at = 0;
  for (let o = 0; o < outer; o++)
    for (const [i, stays] of mask.entries()) {
      if (!stays) continue;
      const begin = (o * mask.length + i) * inner;
      result.set((data as TypedArray).subarray(begin, begin + inner), at);
      at += inner;
    }
  return { ...tensor, shape: shape.with(axis, countOf(mask)), data: result };
}

function reportOf(before: Graph, after: Graph, ratio: number, kept: ReadonlyMap<string, string>): PruneReport {
  const layers = before.nodes.flatMap((node, i): PrunedLayer[] => {
    if (!withWeights.includes(node.op)) return [];
    const [was, is] = [sizeOf(before, node), sizeOf(after, after.nodes[i]!)];
    const { name, op } = node;
    return [
      {
        name,
        op,
        channelsBefore: was.channels,
        channelsAfter: is.channels,
        parametersBefore: was.parameters,
        parametersAfter: is.parameters,
        macsBefore: was.macs,
        macsAfter: is.macs,
        kept: kept.get(name) ?? null,
      },
    ];
  });
  const total = (graph: Graph, key: 'parameters' | 'macs'): number =>
    graph.nodes.reduce((sum, node) => sum + sizeOf(graph, node)[key], 0);
  return {
    ratio,
    layers,
    parametersBefore: total(before, 'parameters'),
    parametersAfter: total(after, 'parameters'),
    macsBefore: total(before, 'macs'),
    macsAfter: total(after, 'macs'),
  };
}

function sizeOf(graph: Graph, node: Node): { channels: number; parameters: number; macs: number } {
  const constants = node.inputs.flatMap((name) => (name === null ? [] : [tensorOf(graph, name)])).filter(isConstant);
  return {
    channels: tensorOf(graph, node.outputs[0]!).shape.at(-1) ?? 1,
    parameters: constants.reduce((sum, { shape, dtype }) => sum + (dtype === 'float32' ? elementCount(shape) : 0), 0),
    macs: opNamed(node.op).cost(operandsOf(graph, node)).macs,
  };
}
