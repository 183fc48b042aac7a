/**
 * Scales and zero points of activations. Operators that move raw bytes tie their tensors into groups with one
 * quantization; where a member cannot follow its group, a quantize node is planned in front of the reader.
 */
import { ThimbleError } from '../core/errors.js';
import { consumersOf, type Graph, isConstant, type Node, tensorOf } from '../core/graph.js';
import { dataOf, elementCount, type QuantParams, sameQuant, type Tensor } from '../core/tensor.js';
import { opNamed } from '../ops/index.js';
import type { QuantRule } from '../ops/op.js';
import type { CalibrationStats } from './calibrate.js';
import { chosenRange } from './chosen-range.js';
import type { Recipe } from './recipe.js';
import {
  asymmetricQuant,
  exactQuant16,
  perTensor,
  type Range,
  rangeOfInt8,
  symmetricQuant16,
  unite,
  widened,
} from './scales.js';
import type { Width, Widths } from './widths.js';

export interface Parameters {
  readonly dtype: Width;
  readonly quant: QuantParams;
}

export interface Requantize extends Parameters {
  readonly node: string; // the reader
  readonly input: number; // its position there
  readonly why: string;
}

/** A result that is computed in 16 bits and handed on in 8. */
export interface Narrowed extends Parameters {
  readonly node: string; // the writer
  readonly output: number; // its position there
  readonly why: string;
}

export interface ActivationPlan {
  readonly quantOf: ReadonlyMap<string, Parameters>; // every float tensor but weights and biases
  readonly whyOf: ReadonlyMap<string, string>;
  readonly requantize: readonly Requantize[];
  readonly results: readonly Narrowed[];
}

/** Tensors with one quantization. */
interface Group {
  readonly width: Width;
  readonly members: string[];
  readonly ties: string[]; // the nodes that tie them
  fixed?: QuantParams;
}

// An output step finer than 1/256 of the accumulator's shows nothing, and its multiplier would leave the fixed-point range.
const finestOutputStep: Readonly<Record<Width, number>> = { int8: 1 / 256, int16: 1 / 64 };

/** @throws ThimbleError E_QUANT where the statistics miss a tensor */
export function planActivations(graph: Graph, stats: CalibrationStats, recipe: Recipe, widths: Widths): ActivationPlan {
  const groups = groupsOf(graph, widths);
  const quantOf = new Map<string, Parameters>();
  const whyOf = new Map<string, string>();
  for (const group of new Set(groups.values())) {
    const { width: dtype } = group;
    const range = group.members.map((name) => rangeOf(graph, stats, recipe, name, dtype)).reduce(unite);
    const quant = group.fixed ?? (dtype === 'int16' ? symmetricQuant16(range) : asymmetricQuant(range));
    for (const name of group.members) {
      quantOf.set(name, { dtype, quant });
      whyOf.set(name, reasonFor(graph, group, name, recipe));
    }
  }
  coarsenOutputs(graph, groups, quantOf, widths);
  const narrow = (name: string): QuantParams => asymmetricQuant(rangeOf(graph, stats, recipe, name, 'int8'));
  return {
    quantOf,
    whyOf,
    requantize: requantizations(graph, quantOf, widths, narrow),
    results: narrowedResults(graph, quantOf, widths),
  };
}

/** Ties inputs and output of every 'same' operator, in order, as far as fixed parameters and other readers allow. */
function groupsOf(graph: Graph, widths: Widths): Map<string, Group> {
  const groups = new Map<string, Group>();
  const start = (name: string, width: Width, rule?: QuantRule | null): void => {
    const group: Group = { width, members: [name], ties: [] };
    if (rule?.kind === 'fixed') group.fixed = perTensor(rule.scale, rule.zeroPoint);
    groups.set(name, group);
  };
  for (const name of graph.inputs) if (isFloat(tensorOf(graph, name))) start(name, 'int8');
  for (const node of graph.nodes) {
    const rule = opNamed(node.op).quantization;
    for (const name of activationsOf(graph, node)) if (!groups.has(name)) start(name, widths.computed(node)); // constants of add, mul …
    for (const name of node.outputs) start(name, widths.of(name), rule);
    if (rule?.kind === 'same') tie(graph, groups, node, widths);
  }
  return groups;
}

/**
 * Joins a node's inputs to its output. Inputs with fixed parameters join only where all have the same: the range of
 * the others may not fit theirs. A concatenation may not widen a tensor that others read too.
 */
function tie(graph: Graph, groups: Map<string, Group>, node: Node, widths: Widths): void {
  const inputs = activationsOf(graph, node);
  const fixed = inputs.map((name) => groups.get(name)!.fixed);
  const allFixed = fixed.every((quant) => quant !== undefined && sameQuant(quant, fixed[0]));
  for (const name of inputs) {
    if (groups.get(name)!.width !== widths.of(node.outputs[0]!)) continue; // a quantize node goes between
    const mayWiden = inputs.length === 1 || isConstant(tensorOf(graph, name)) || isOnlyReadBy(graph, name);
    if (allFixed || (!groups.get(name)!.fixed && mayWiden)) merge(groups, name, node);
  }
  for (const part of node.outputs.slice(1)) merge(groups, part, node);
}

const isOnlyReadBy = (graph: Graph, name: string): boolean =>
  consumersOf(graph, name).length === 1 && !graph.outputs.includes(name) && !graph.inputs.includes(name);

function merge(groups: Map<string, Group>, input: string, { name: tie, outputs }: Node): void {
  const [from, into] = [groups.get(input)!, groups.get(outputs[0]!)!];
  if (from === into) return;
  into.members.push(...from.members);
  into.ties.push(...from.ties, ...(into.ties.includes(tie) ? [] : [tie]));
  if (from.fixed) into.fixed = from.fixed;
  for (const name of from.members) groups.set(name, into);
}

/** The operands that are activations: float inputs, without weights and biases. */
export function activationsOf(graph: Graph, node: Node): readonly string[] {
  const candidates = opNamed(node.op).quantization?.kind === 'weighted' ? node.inputs.slice(0, 1) : node.inputs;
  return candidates.filter((name) => name !== null && isFloat(tensorOf(graph, name))) as string[];
}

const isFloat = ({ dtype }: Tensor): boolean => dtype === 'float32';

/** 16 bits have steps to spare: there every value that was seen stays inside. */
function rangeOf(graph: Graph, stats: CalibrationStats, { activations }: Recipe, name: string, width: Width): Range {
  const tensor = tensorOf(graph, name);
  if (isConstant(tensor)) {
    let range = { min: 0, max: 0 };
    for (const value of dataOf(tensor)) range = unite(range, { min: value, max: value });
    return range;
  }
  const seen = Object.hasOwn(stats.tensors, name) ? stats.tensors[name] : undefined;
  if (!seen)
    throw new ThimbleError(
      'E_QUANT',
      `calibration has not seen "${name}"`,
      'Calibrate the same graph that is quantized.',
    );
  return width === 'int16' ? seen : chosenRange(seen, activations, name);
}

function reasonFor(graph: Graph, group: Group, name: string, recipe: Recipe): string {
  const shared = group.ties.length > 0 ? `, shared through ${group.ties.map((tie) => `"${tie}"`).join(', ')}` : '';
  if (group.fixed) return `fixed by the operator${shared}`;
  if (isConstant(tensorOf(graph, name))) return `range of the constant${shared}`;
  const how = group.width === 'int16' ? 'smallest and largest value' : recipe.activations.calibrator;
  return `${how} of calibration${shared}`;
}

/** Widens outputs whose steps would be far finer than the operator can make: dead layers have such ranges. */
function coarsenOutputs(
  graph: Graph,
  groups: ReadonlyMap<string, Group>,
  quantOf: Map<string, Parameters>,
  widths: Widths,
): void {
  for (const node of graph.nodes) {
    const rule = opNamed(node.op).quantization;
    if (rule?.kind !== 'weighted' && rule?.kind !== 'free') continue;
    const width = widths.computed(node);
    const scales = activationsOf(graph, node).map((name) => inWidth(quantOf.get(name)!, width).quant.scale[0]!);
    const step = finestOutputStep[width] * accumulatorStep(graph, node, scales);
    const least = width === 'int16' ? Math.max(step, largestResult(graph, node, scales[0]!) / 2 ** 30) : step;
    for (const output of node.outputs) {
      const group = groups.get(output)!;
      const { dtype, quant: given } = quantOf.get(output)!;
      // A result that is narrowed is first made in 16 bits, whose step is at most 256 times as fine.
      const finest = dtype === width ? least : 256 * least;
      if (group.fixed || given.scale[0]! >= finest) continue;
      const quant = dtype === 'int16' ? perTensor(finest, 0) : widened(given, finest);
      for (const name of group.members) quantOf.set(name, { dtype, quant });
    }
  }
}

/** A tensor as a node of another width reads it, where that is exact. */
const inWidth = ({ dtype, quant }: Parameters, width: Width): Parameters =>
  dtype === 'int8' && width === 'int16' ? { dtype: width, quant: exactQuant16(quant) } : { dtype, quant };

/** No result of a layer with 16-bit inputs can be larger; before it is clamped it must fit int32. 0 without weights. */
function largestResult(graph: Graph, { op, inputs }: Node, inputScale: number): number {
  if (opNamed(op).quantization?.kind !== 'weighted') return 0;
  const [weights, bias] = inputs.slice(1).map((name) => (name === null ? undefined : tensorOf(graph, name)));
  const largest = (tensor: Tensor | undefined): number => {
    let reach = 0;
    for (const value of tensor ? dataOf(tensor) : []) reach = Math.max(reach, Math.abs(value));
    return reach;
  };
  const channels = bias ? elementCount(bias.shape) : 1;
  const taps = elementCount(weights!.shape) / channels;
  return taps * largest(weights) * 32768 * inputScale + largest(bias);
}

/** The real value of 1 in the operator's accumulator, about. */
function accumulatorStep(graph: Graph, { op, inputs }: Node, scales: readonly number[]): number {
  const rule = opNamed(op).quantization;
  if (rule?.kind === 'free' && rule.accumulatorStep === 'product')
    return scales.reduce((product, scale) => product * scale, 1);
  if (rule?.kind === 'free' && rule.accumulatorStep === 'first') return scales[0]!;
  if (rule?.kind !== 'weighted') return Math.max(...scales);
  let largest = 0;
  for (const weight of dataOf(tensorOf(graph, inputs[1]!))) largest = Math.max(largest, Math.abs(weight));
  return (scales[0]! * largest) / 127;
}

/** Readers that compute in another width than an input has, or whose output must share its parameters and does not. */
function requantizations(
  graph: Graph,
  quantOf: ReadonlyMap<string, Parameters>,
  widths: Widths,
  narrow: (name: string) => QuantParams,
): readonly Requantize[] {
  return graph.nodes.flatMap((node) => {
    const width = widths.computed(node);
    const shared = opNamed(node.op).quantization?.kind === 'same' ? quantOf.get(node.outputs[0]!)! : undefined;
    return node.inputs.flatMap((name, input): Requantize[] => {
      const given = name === null ? undefined : quantOf.get(name);
      if (name === null || !given) return [];
      const at = { node: node.name, input };
      if (shared && !(sameQuant(given.quant, shared.quant) && given.dtype === shared.dtype))
        return [{ ...at, ...shared, why: `${node.op} needs its inputs at one scale` }];
      if (shared || given.dtype === width) return [];
      if (width === 'int16') return [{ ...at, ...inWidth(given, width), why: `"${node.name}" computes in 16 bits` }];
      return [{ ...at, dtype: width, quant: narrow(name), why: `"${node.name}" computes in 8 bits` }];
    });
  });
}

/** Results in 8 bits of nodes that compute in 16: every value of the 8 bits stays inside. */
function narrowedResults(graph: Graph, quantOf: ReadonlyMap<string, Parameters>, widths: Widths): readonly Narrowed[] {
  return graph.nodes.flatMap((node) => {
    const dtype = widths.computed(node);
    return node.outputs.flatMap((name, output): Narrowed[] => {
      const given = quantOf.get(name)!;
      if (given.dtype === dtype || dtype === 'int8') return [];
      const quant = symmetricQuant16(rangeOfInt8(given.quant));
      return [{ node: node.name, output, dtype, quant, why: 'computed in 16 bits, handed on in 8' }];
    });
  });
}
