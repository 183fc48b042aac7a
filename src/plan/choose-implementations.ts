/**
 * Which kernels compute a graph on a core. Speed, flash and memory pull in different directions, and layers share both
 * code and memory, so the choice is made for the whole graph: the lowest product of powers of instructions, flash and
 * RAM, whose exponents say what is asked for. A step that costs 1 % of the one must gain as much of the others.
 */
import type { Core } from '../core/board-spec.js';
import type { Graph } from '../core/graph.js';
import { implementationsOf } from '../ops/implementation.js';
import { opNamed } from '../ops/index.js';
import { type Implementation, operandsOf } from '../ops/op.js';
import { memoryLowerBound } from './plan-memory.js';

export const optimizations = ['speed', 'balanced', 'flash', 'ram'] as const;
export type Optimize = (typeof optimizations)[number];

export interface ChoiceOptions {
  readonly optimize?: Optimize; // default balanced
  readonly maxFlashBytes?: number; // of weights and code; the choice keeps to it where any can
  readonly maxRamBytes?: number; // of the arena
  /** Which candidates to choose among; where it takes none of a node's, the portable one stays. For tests and benches. */
  readonly accept?: (implementation: Implementation) => boolean;
}

/** Predicted, but for the weights, which are exact. */
export interface Choice {
  readonly implementations: readonly Implementation[]; // one per node
  readonly instructions: number;
  readonly flashBytes: number; // weights, tables and code of the layers
  readonly arenaBytes: number; // at least
}

/** Memory counts in all four: a plan that wastes it would not fit the board, however fast. */
const exponents: Readonly<Record<Optimize, { instructions: number; flash: number; ram: number }>> = {
  speed: { instructions: 1, flash: 0.1, ram: 0.5 },
  balanced: { instructions: 1, flash: 1, ram: 1 },
  flash: { instructions: 0.1, flash: 1, ram: 0.5 },
  ram: { instructions: 0.1, flash: 0.1, ram: 1 },
};
/** A byte over a budget weighs so much that no gain elsewhere pays for it. */
const OVER_BUDGET = 1000;
/** What a model has beside its layers: getters, invoke, tables of labels. Keeps tiny models from a product near 0. */
const FIXED_FLASH_BYTES = 256;
const FIXED_RAM_BYTES = 128;
const ROUNDS = 6; // it settles in two or three

/** Of a graph that has passed every op's checkQuant. The same input gives the same choice. */
export function chooseImplementations(graph: Graph, core: Core, options: ChoiceOptions = {}): Choice {
  const candidates = graph.nodes.map((node) => {
    const all = implementationsOf(opNamed(node.op), operandsOf(graph, node), core);
    const accepted = options.accept ? all.filter(options.accept) : all;
    return accepted.length > 0 ? accepted : all.slice(0, 1);
  });
  const context: Context = { graph, candidates, shapes: shapesOf(graph), options };
  // Memory is a maximum over the layers: from a start where every layer is lean, giving it up shows at once.
  const starts = [leanest(candidates), quickest(candidates)].map((start) => descend(context, start));
  const best = starts.reduce((a, b) => (score(context, b) < score(context, a) ? b : a));
  return measure(context, best);
}

/** A choice as positions in the lists of candidates. */
type Positions = readonly number[];

interface Context {
  readonly graph: Graph;
  readonly candidates: readonly (readonly Implementation[])[];
  readonly shapes: readonly string[]; // nodes alike in all but their constants have the same
  readonly options: ChoiceOptions;
}

const lowestBy = (list: readonly Implementation[], key: (each: Implementation) => number): number =>
  list.reduce((best, each, i) => (key(each) < key(list[best]!) ? i : best), 0);

const quickest = (candidates: Context['candidates']): Positions =>
  candidates.map((list) => lowestBy(list, ({ instructions }) => instructions));

/** In place first, then little scratch, then quick. */
const leanest = (candidates: Context['candidates']): Positions =>
  candidates.map((list) =>
    lowestBy(
      list,
      ({ overwrites, scratchBytes, instructions }) =>
        (overwrites.length > 0 ? 0 : 1e12) + scratchBytes * 1e3 + instructions * 1e-6,
    ),
  );

/** Changes layers alike together, then one at a time, while that helps. */
function descend(context: Context, start: Positions): Positions {
  const groups = new Map<string, number[]>();
  for (const [node, shape] of context.shapes.entries()) groups.set(shape, [...(groups.get(shape) ?? []), node]);
  const moves = [
    ...[...groups.values()].filter(({ length }) => length > 1),
    ...context.shapes.map((_, node) => [node]),
  ];
  let best = start;
  let lowest = score(context, best);
  for (let round = 0, changed = true; changed && round < ROUNDS; round++) {
    changed = false;
    for (const nodes of moves) {
      const count = Math.min(...nodes.map((node) => context.candidates[node]!.length));
      for (let candidate = 0; candidate < count; candidate++) {
        const next = best.map((position, node) => (nodes.includes(node) ? candidate : position));
        const value = score(context, next);
        if (value >= lowest - 1e-9) continue;
        [best, lowest, changed] = [next, value, true];
      }
    }
  }
  return best;
}

function score(context: Context, positions: Positions): number {
  const {
    optimize = 'balanced',
    maxFlashBytes = Number.POSITIVE_INFINITY,
    maxRamBytes = Number.POSITIVE_INFINITY,
  } = context.options;
  const { instructions, flashBytes, arenaBytes } = measure(context, positions);
  const weight = exponents[optimize];
  const over = (bytes: number, limit: number): number => Math.max(0, bytes / limit - 1) * OVER_BUDGET;
  return (
    weight.instructions * Math.log(instructions + 1) +
    weight.flash * Math.log(flashBytes + FIXED_FLASH_BYTES) +
    weight.ram * Math.log(arenaBytes + FIXED_RAM_BYTES) +
    over(flashBytes, maxFlashBytes) +
    over(arenaBytes, maxRamBytes)
  );
}

function measure({ graph, candidates, shapes }: Context, positions: Positions): Choice {
  const implementations = positions.map((position, node) => candidates[node]![position]!);
  const code = new Map(
    implementations.map(({ variant, codeBytes }, node) => [`${variant} ${shapes[node]}`, codeBytes]),
  );
  const sum = (values: Iterable<number>): number => [...values].reduce((total, value) => total + value, 0);
  return {
    implementations,
    instructions: sum(implementations.map(({ instructions }) => instructions)),
    flashBytes: sum(implementations.map(({ weightBytes }) => weightBytes)) + sum(code.values()),
    arenaBytes: memoryLowerBound(graph, { needs: implementations }),
  };
}

/** All that the call of a node's kernel depends on, its constants apart. */
const shapesOf = (graph: Graph): string[] =>
  graph.nodes.map((node) => {
    const { inputs, outputs, attrs } = operandsOf(graph, node);
    const activations = [...inputs.map((input) => (input?.data ? undefined : input)), ...outputs];
    return JSON.stringify([
      node.op,
      attrs,
      inputs.map((input) => [input?.shape, input?.data !== undefined]),
      activations.map((tensor) => [tensor?.shape, tensor?.dtype, tensor?.quant?.zeroPoint]),
    ]);
  });
