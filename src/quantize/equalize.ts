/**
 * Cross-layer equalization (Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction",
 * ICCV 2019): where a layer's channels run through a ReLU into one other layer, channel c of the first may be divided by
 * any s > 0 and what reads it multiplied by s, and the network computes the same. Channels whose weights differ by
 * orders of magnitude, ruinous for int8, get ranges alike on both sides: s = √(range before / range after).
 */
import { consumersOf, type Graph, type Node, tensorOf } from '../core/graph.js';
import { dataOf, elementCount, type Tensor } from '../core/tensor.js';
import { opNamed } from '../ops/index.js';
import { prepared } from './quantizable.js';

/** Two layers with weights, the first of which is read by the second alone, channel by channel. */
export interface EqualizedPair {
  readonly first: string; // node names
  readonly second: string;
  readonly largestFactor: number; // by which a channel was scaled, or its reciprocal; 1 = nothing to do
}

export interface EqualizationReport {
  readonly pairs: readonly EqualizedPair[];
}

const ROUNDS = 50; // of all pairs; chains converge in about ten
const SETTLED = 1e-3; // of a factor's logarithm
const LARGEST_FACTOR = 2 ** 20; // further apart, one of the two is numerically nothing

/** @returns an equal float32 graph; the given one where no two layers follow each other in the way that is needed */
export function equalizeLayers(graph: Graph): { readonly graph: Graph; readonly report: EqualizationReport } {
  const own = prepared(graph);
  const links = linksOf(own);
  if (links.length === 0) return { graph, report: { pairs: [] } };
  const tensors = new Map(own.tensors);
  for (const { constants } of links)
    for (const name of constants) tensors.set(name, copied(tensorOf({ ...own, tensors }, name)));
  const largest = links.map(() => 1);
  const total = links.map(({ channels }) => new Float64Array(channels).fill(1));
  for (let round = 0; round < ROUNDS; round++) {
    let furthest = 0;
    for (const [i, link] of links.entries()) {
      const factors = factorsOf(link, tensors, total[i]!);
      scale(link, tensors, factors);
      for (const [c, factor] of factors.entries()) {
        total[i]![c]! *= factor;
        furthest = Math.max(furthest, Math.abs(Math.log(factor)));
        largest[i] = Math.max(largest[i]!, total[i]![c]!, 1 / total[i]![c]!);
      }
    }
    if (furthest < SETTLED) break;
  }
  const pairs = links.map(({ first, second }, i) => ({ first, second, largestFactor: largest[i]! }));
  return { graph: { ...own, tensors }, report: { pairs } };
}

interface Link {
  readonly first: string;
  readonly second: string;
  readonly channels: number;
  readonly constants: readonly string[]; // that scaling changes
  readonly before: Slices; // weights that make channel c
  readonly bias: string | null;
  readonly after: Slices; // weights that read channel c
}

interface Slices {
  readonly weights: string;
  channelOf(index: number): number; // of an element
}

/** Operators that give s · y for s · x, channel by channel, and keep the channels where they are. */
const homogeneous = new Set(['relu', 'max_pool_2d', 'average_pool_2d', 'mean', 'pad', 'reshape']);

function linksOf(graph: Graph): Link[] {
  return graph.nodes.flatMap((first) => {
    if (opNamed(first.op).quantization?.kind !== 'weighted' || !isHomogeneous(first)) return [];
    const channels = tensorOf(graph, first.outputs[0]!).shape.at(-1)!;
    const second = readerOf(graph, first);
    const after = second && slicesRead(graph, second, channels);
    if (!second || !after) return [];
    const [, weights, bias] = first.inputs;
    const before = slicesMade(tensorOf(graph, weights!), first.op);
    const constants = [weights!, after.weights, ...(bias ? [bias] : [])];
    return [{ first: first.name, second: second.name, channels, constants, before, bias: bias ?? null, after }];
  });
}

const isHomogeneous = ({ attrs }: Node): boolean =>
  attrs['activation'] === undefined || attrs['activation'] === 'none' || attrs['activation'] === 'relu';

/** The only layer with weights that reads a node, past operators that keep channels apart. */
function readerOf(graph: Graph, node: Node): Node | undefined {
  const [output] = node.outputs;
  const readers = consumersOf(graph, output!);
  const [reader] = readers;
  if (!reader || readers.length !== 1 || graph.outputs.includes(output!) || reader.inputs[0] !== output)
    return undefined;
  if (opNamed(reader.op).quantization?.kind === 'weighted') return reader;
  return homogeneous.has(reader.op) && isHomogeneous(reader) && keepsChannels(graph, reader)
    ? readerOf(graph, reader)
    : undefined;
}

/** The last axis still holds the channels, or after a reshape whole pixels one after another. */
function keepsChannels(graph: Graph, { op, inputs, outputs, attrs }: Node): boolean {
  const [from, to] = [tensorOf(graph, inputs[0]!).shape, tensorOf(graph, outputs[0]!).shape];
  if (op === 'reshape') return to.at(-1)! % from.at(-1)! === 0;
  if (op === 'pad' || op === 'mean')
    return to.at(-1) === from.at(-1) && (op === 'pad' || attrs['keepDims'] === true || to.length > 1);
  return true;
}

/** conv_2d OHWI and fully_connected [out, in] make channels along axis 0, depthwise along the last. */
function slicesMade({ name, shape }: Tensor, op: string): Slices {
  const channels = op === 'depthwise_conv_2d' ? shape.at(-1)! : shape[0]!;
  const inner = elementCount(shape) / shape[0]!;
  return { weights: name, channelOf: (i) => (op === 'depthwise_conv_2d' ? i % channels : Math.floor(i / inner)) };
}

function slicesRead(graph: Graph, { op, inputs }: Node, channels: number): Slices | undefined {
  const { name, shape } = tensorOf(graph, inputs[1]!);
  const last = shape.at(-1)!;
  if (op === 'depthwise_conv_2d') {
    const multiplier = last / channels;
    return Number.isInteger(multiplier)
      ? { weights: name, channelOf: (i) => Math.floor((i % last) / multiplier) }
      : undefined;
  }
  // A grouped convolution's filters each see their own channels; a flattened image repeats its channels.
  if (op === 'conv_2d' && last !== channels) return undefined;
  if (op === 'fully_connected' && last % channels !== 0) return undefined;
  return { weights: name, channelOf: (i) => (i % last) % channels };
}

const copied = (tensor: Tensor): Tensor => ({ ...tensor, data: Float32Array.from(dataOf(tensor)) });

function largestBySlice({ weights, channelOf }: Slices, tensors: ReadonlyMap<string, Tensor>, channels: number) {
  const largest = new Float64Array(channels);
  dataOf(tensors.get(weights)!).forEach((value, i) => {
    largest[channelOf(i)] = Math.max(largest[channelOf(i)]!, Math.abs(value));
  });
  return largest;
}

function factorsOf(link: Link, tensors: ReadonlyMap<string, Tensor>, total: Float64Array): Float64Array {
  const made = largestBySlice(link.before, tensors, link.channels);
  const read = largestBySlice(link.after, tensors, link.channels);
  return made.map((range, c) => {
    const factor = Math.sqrt(range / read[c]!);
    const usable = Number.isFinite(factor) && factor > 0; // a channel of zeros has no range to speak of
    const bounded = usable && Math.abs(Math.log(total[c]! * factor)) < Math.log(LARGEST_FACTOR);
    return bounded ? factor : 1;
  });
}

function scale({ before, after, bias }: Link, tensors: ReadonlyMap<string, Tensor>, factors: Float64Array): void {
  const [made, read] = [dataOf(tensors.get(before.weights)!), dataOf(tensors.get(after.weights)!)];
  for (let i = 0; i < made.length; i++) made[i]! /= factors[before.channelOf(i)]!;
  for (let i = 0; i < read.length; i++) read[i]! *= factors[after.channelOf(i)]!;
  if (bias === null) return;
  const values = dataOf(tensors.get(bias)!);
  for (let c = 0; c < values.length; c++) values[c]! /= factors[c]!;
}
