/**
 * Scales and zero points of activations. Operators that move raw bytes tie their tensors into groups with one
 * quantization; where a member cannot follow its group, a quantize node is planned in front of the reader.
 */
import { ThimbleError } from '../core/errors.js';
import { consumersOf, type Graph, isConstant, type Node, tensorOf } from '../core/graph.js';
import { dataOf, type QuantParams, sameQuant, type Tensor } from '../core/tensor.js';
import { opNamed } from '../ops/index.js';
import type { QuantRule } from '../ops/op.js';
import type { CalibrationStats } from './calibrate.js';
import { chosenRange } from './chosen-range.js';
import type { Recipe } from './recipe.js';
import { asymmetricQuant, perTensor, type Range, unite, widened } from './scales.js';

export interface Requantize {
  readonly node: string; // the reader
  readonly input: number; // its position there
  readonly quant: QuantParams;
  readonly why: string;
}

export interface ActivationPlan {
  readonly quantOf: ReadonlyMap<string, QuantParams>; // every float tensor but weights and biases
  readonly whyOf: ReadonlyMap<string, string>;
  readonly requantize: readonly Requantize[];
}

/** Tensors with one quantization. */
interface Group {
  readonly members: string[];
  readonly ties: string[]; // the nodes that tie them
  fixed?: QuantParams;
}

// An output step finer than 1/256 of the accumulator's shows nothing, and its multiplier would leave the fixed-point range.
const finestOutputStep = 1 / 256;

/** @throws ThimbleError E_QUANT where the statistics miss a tensor */
export function planActivations(graph: Graph, stats: CalibrationStats, recipe: Recipe): ActivationPlan {
  const groups = groupsOf(graph);
  const quantOf = new Map<string, QuantParams>();
  const whyOf = new Map<string, string>();
  for (const group of new Set(groups.values())) {
    const quant =
      group.fixed ?? asymmetricQuant(group.members.map((name) => rangeOf(graph, stats, recipe, name)).reduce(unite));
    for (const name of group.members) {
      quantOf.set(name, quant);
      whyOf.set(name, reasonFor(graph, group, name, recipe));
    }
  }
  coarsenOutputs(graph, groups, quantOf);
  return { quantOf, whyOf, requantize: requantizations(graph, quantOf) };
}

/** Ties inputs and output of every 'same' operator, in order, as far as fixed parameters and other readers allow. */
function groupsOf(graph: Graph): Map<string, Group> {
  const groups = new Map<string, Group>();
  const start = (name: string, rule?: QuantRule | null): void => {
    const group: Group = { members: [name], ties: [] };
    if (rule?.kind === 'fixed') group.fixed = perTensor(rule.scale, rule.zeroPoint);
    groups.set(name, group);
  };
  for (const name of graph.inputs) if (isFloat(tensorOf(graph, name))) start(name);
  for (const node of graph.nodes) {
    const rule = opNamed(node.op).quantization;
    for (const name of activationsOf(graph, node)) if (!groups.has(name)) start(name); // constants of add, mul …
    for (const name of node.outputs) start(name, rule);
    if (rule?.kind === 'same') tie(graph, groups, node);
  }
  return groups;
}

/**
 * Joins a node's inputs to its output. Inputs with fixed parameters join only where all have the same: the range of
 * the others may not fit theirs. A concatenation may not widen a tensor that others read too.
 */
function tie(graph: Graph, groups: Map<string, Group>, node: Node): void {
  const inputs = activationsOf(graph, node);
  const fixed = inputs.map((name) => groups.get(name)!.fixed);
  const allFixed = fixed.every((quant) => quant !== undefined && sameQuant(quant, fixed[0]));
  for (const name of inputs) {
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

function rangeOf(graph: Graph, stats: CalibrationStats, { activations }: Recipe, name: string): Range {
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
  return chosenRange(seen, activations, name);
}

function reasonFor(graph: Graph, group: Group, name: string, recipe: Recipe): string {
  const shared = group.ties.length > 0 ? `, shared through ${group.ties.map((tie) => `"${tie}"`).join(', ')}` : '';
  if (group.fixed) return `fixed by the operator${shared}`;
  if (isConstant(tensorOf(graph, name))) return `range of the constant${shared}`;
  return `${recipe.activations.calibrator} of calibration${shared}`;
}

/** Widens outputs whose steps would be far finer than the operator can make: dead layers have such ranges. */
function coarsenOutputs(graph: Graph, groups: ReadonlyMap<string, Group>, quantOf: Map<string, QuantParams>): void {
  for (const node of graph.nodes) {
    const rule = opNamed(node.op).quantization;
    if (rule?.kind !== 'weighted' && rule?.kind !== 'free') continue;
    const scales = activationsOf(graph, node).map((name) => quantOf.get(name)!.scale[0]!);
    const least = finestOutputStep * accumulatorStep(graph, node, scales);
    for (const output of node.outputs) {
      const group = groups.get(output)!;
      if (group.fixed || quantOf.get(output)!.scale[0]! >= least) continue;
      const quant = widened(quantOf.get(output)!, least);
      for (const name of group.members) quantOf.set(name, quant);
    }
  }
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

/** Readers whose output has other parameters than an input that must share them. */
function requantizations(graph: Graph, quantOf: ReadonlyMap<string, QuantParams>): readonly Requantize[] {
  return graph.nodes.flatMap((node) => {
    if (opNamed(node.op).quantization?.kind !== 'same') return [];
    const quant = quantOf.get(node.outputs[0]!)!;
    return node.inputs.flatMap((name, input) => {
      const differs = name !== null && quantOf.has(name) && !sameQuant(quantOf.get(name), quant);
      return differs ? [{ node: node.name, input, quant, why: `${node.op} needs its inputs at one scale` }] : [];
    });
  });
}
