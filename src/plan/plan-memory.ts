/**
 * Where each tensor of a graph lives while it runs: one static arena, sized when the model is emitted.
 *
 * Inputs live from before the first node, since the caller fills all of them first; running may consume them. Outputs
 * live to the end. A node whose operator allows it writes over an input that nobody reads any more.
 */
import type { Graph, Node } from '../core/graph.js';
import { isConstant, tensorOf } from '../core/graph.js';
import { byteCount, elementCount } from '../core/tensor.js';
import { opNamed } from '../ops/index.js';
import { type Implementation, operandsOf } from '../ops/op.js';
import { aligned, type Block, lowerBound, placeBlocks, type Segment } from './place-blocks.js';

/** Steps are node indices, both ends inclusive; −1 = before the first node, the node count = after the last. */
export interface Lifetime {
  readonly firstStep: number;
  readonly lastStep: number;
}

export interface InPlace {
  readonly node: string;
  readonly input: string;
  readonly output: string; // lies where the input lay
}

/** A piece of the arena: one tensor, several that follow each other in place, or a node's scratch memory. */
export interface ArenaBlock extends Block {
  readonly tensors: readonly string[]; // in order of time; empty for scratch
  readonly scratchOf?: string; // node name
  readonly offset: number;
}

export interface MemoryPlan {
  readonly arenaBytes: number;
  readonly stateBytes: number; // beside the arena: what outlives an inference
  readonly lowerBoundBytes: number; // what lives at once at the peak; no plan with these in-place pairs is smaller
  readonly peak: { readonly step: number; readonly node: string; readonly op: string } | undefined; // undefined: no nodes
  readonly stepCount: number; // nodes
  readonly offsets: ReadonlyMap<string, number>; // every tensor that is not constant
  readonly lifetimes: ReadonlyMap<string, Lifetime>;
  readonly scratch: ReadonlyMap<string, { readonly offset: number; readonly bytes: number }>; // by node name
  readonly inPlace: readonly InPlace[];
  readonly blocks: readonly ArenaBlock[];
}

const STATE_ELEMENT_BYTES = 2; // int16 in C, also where the .tflite has int8

/** What of an implementation decides where things lie. */
export type MemoryNeeds = Pick<Implementation, 'scratchBytes' | 'overwrites'>;

export interface PlanOptions {
  readonly inPlace?: boolean; // false: every output gets memory of its own, as TFLite Micro plans; default true
  readonly needs?: readonly MemoryNeeds[]; // one per node, of the implementations chosen; default: the portable ones'
}

/** Plans a checked graph. The same graph gives the same plan. */
export function planMemory(graph: Graph, options: PlanOptions = {}): MemoryPlan {
  const { lifetimes, inPlace, blocks } = memoryBlocks(graph, options);
  const placement = placeBlocks(blocks);
  return describePlan(
    graph,
    lifetimes,
    inPlace,
    blocks.map((block, i) => ({ ...block, offset: placement.offsets[i]! })),
  );
}

/** What no plan can do without, in bytes: much quicker than a plan, and mostly equal to one. */
export const memoryLowerBound = (graph: Graph, options: PlanOptions = {}): number =>
  lowerBound(memoryBlocks(graph, options).blocks).bytes;

function memoryBlocks(graph: Graph, options: PlanOptions) {
  const lifetimes = lifetimesOf(graph);
  const needs = options.needs ?? graph.nodes.map((node) => portableNeeds(graph, node));
  const inPlace: InPlace[] = [];
  const blockOf = new Map<string, { tensors: string[] }>();
  for (const name of lifetimes.keys()) blockOf.set(name, { tensors: [name] });
  for (const [step, node] of graph.nodes.entries()) {
    const input =
      options.inPlace === false ? undefined : overwrittenInput(node, step, lifetimes, needs[step]!.overwrites);
    const output = node.outputs[0];
    if (input === undefined || output === undefined) continue;
    const block = blockOf.get(input)!;
    block.tensors.push(output);
    blockOf.set(output, block);
    inPlace.push({ node: node.name, input, output });
  }
  const blocks: Omit<ArenaBlock, 'offset'>[] = [...new Set(blockOf.values())].map(({ tensors }) => {
    const segments = tensors.map((name) => ({ bytes: byteCount(tensorOf(graph, name)), ...lifetimes.get(name)! }));
    return { tensors, ...envelope(segments), segments };
  });
  for (const [step, node] of graph.nodes.entries()) {
    const { scratchBytes } = needs[step]!;
    if (scratchBytes > 0)
      blocks.push({ tensors: [], scratchOf: node.name, bytes: scratchBytes, firstStep: step, lastStep: step });
  }
  return { lifetimes, inPlace, blocks };
}

function portableNeeds(graph: Graph, node: Node): MemoryNeeds {
  const op = opNamed(node.op);
  const operands = operandsOf(graph, node);
  return { scratchBytes: op.cost(operands).scratchBytes, overwrites: op.overwrites?.(operands) ?? [] };
}

const envelope = (segments: readonly Segment[]): Segment => ({
  bytes: Math.max(...segments.map(({ bytes }) => bytes)),
  firstStep: Math.min(...segments.map(({ firstStep }) => firstStep)),
  lastStep: Math.max(...segments.map(({ lastStep }) => lastStep)),
});

function describePlan(
  graph: Graph,
  lifetimes: ReadonlyMap<string, Lifetime>,
  inPlace: readonly InPlace[],
  blocks: readonly ArenaBlock[],
): MemoryPlan {
  const bound = lowerBound(blocks);
  const peakStep = Math.min(Math.max(bound.step, 0), graph.nodes.length - 1); // inputs alone may be the peak
  const peakNode = graph.nodes[peakStep];
  return {
    arenaBytes: Math.max(0, ...blocks.map(({ offset, bytes }) => offset + aligned(bytes))),
    stateBytes: [...graph.tensors.values()]
      .filter(({ isVariable }) => isVariable)
      .reduce((sum, { shape }) => sum + STATE_ELEMENT_BYTES * elementCount(shape), 0),
    lowerBoundBytes: bound.bytes,
    peak: peakNode && { step: peakStep, node: peakNode.name, op: peakNode.op },
    stepCount: graph.nodes.length,
    offsets: new Map(blocks.flatMap(({ tensors, offset }) => tensors.map((name) => [name, offset]))),
    lifetimes,
    scratch: new Map(
      blocks.flatMap(({ scratchOf, offset, bytes }) =>
        scratchOf === undefined ? [] : [[scratchOf, { offset, bytes }]],
      ),
    ),
    inPlace,
    blocks,
  };
}

function lifetimesOf(graph: Graph): Map<string, Lifetime> {
  const lifetimes = new Map<string, Lifetime>();
  const extend = (name: string, step: number): void => {
    const tensor = tensorOf(graph, name);
    if (isConstant(tensor) || tensor.isVariable) return;
    const known = lifetimes.get(name);
    lifetimes.set(name, { firstStep: known?.firstStep ?? step, lastStep: Math.max(known?.lastStep ?? step, step) });
  };
  for (const name of graph.inputs) extend(name, -1);
  for (const [step, node] of graph.nodes.entries()) {
    for (const name of node.inputs) if (name !== null) extend(name, step);
    for (const name of node.outputs) extend(name, step);
  }
  for (const name of graph.outputs) extend(name, graph.nodes.length);
  return lifetimes;
}

/** The input whose place this node's only output takes, if any: dead afterwards, and every use of it may be overwritten. */
function overwrittenInput(
  node: Node,
  step: number,
  lifetimes: ReadonlyMap<string, Lifetime>,
  positions: readonly number[],
): string | undefined {
  if (node.outputs.length !== 1) return undefined;
  for (const position of positions) {
    const name = node.inputs[position];
    if (name === null || name === undefined) continue;
    const everyUseAllows = node.inputs.every((input, i) => input !== name || positions.includes(i));
    if (everyUseAllows && lifetimes.get(name)?.lastStep === step) return name; // constants have no lifetime
  }
  return undefined;
}
