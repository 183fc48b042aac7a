/** Which channel classes leave: a share of every group, or the least important of all until a budget holds. */
import { ThimbleError } from '../../core/errors.js';
import { type Graph, isConstant, tensorOf } from '../../core/graph.js';
import { elementCount } from '../../core/tensor.js';
import { opNamed } from '../../ops/index.js';
import { operandsOf } from '../../ops/op.js';
import { withoutClasses } from './apply.js';
import type { ChannelGroup, DependencyGroups } from './dependency-groups.js';

/** The pruned graph must come down to this. */
export interface PruneBudget {
  readonly name: string; // as messages show it: 'MACs', 'bytes of flash'
  readonly most: number;
  /** Exact, of a pruned float graph; fewer channels never give more. */
  readonly measure: (graph: Graph) => number;
  /** What a channel's worth for the budget is judged by; cheap, and in proportion. */
  readonly saves: (graph: Graph) => number;
}

export interface Ranking {
  readonly importance: Float64Array; // by class
  /** Whether importance is in one unit for all groups. If not, what leaves for a budget counts as a share of its group. */
  readonly comparable: boolean;
  readonly roundTo: number; // channels of a group that stay are a multiple, but for groups that are narrower
  readonly smallestShare: number; // of each group's channels that stays at least
}

export const macsOf = (graph: Graph): number =>
  graph.nodes.reduce((sum, node) => sum + opNamed(node.op).cost(operandsOf(graph, node)).macs, 0);

export const parametersOf = (graph: Graph): number =>
  [...graph.tensors.values()].reduce(
    (sum, tensor) => sum + (isConstant(tensor) && tensor.dtype === 'float32' ? elementCount(tensor.shape) : 0),
    0,
  );

/** Numbers that the nodes write in one run. */
export const activationsOf = (graph: Graph): number =>
  graph.nodes.reduce((sum, { outputs }) => sum + elementCount(tensorOf(graph, outputs[0]!).shape), 0);

/** @param shareOf the share of a group's channels that leaves, 0 … < 1 */
export function byShare(
  { groups }: DependencyGroups,
  { importance, roundTo }: Pick<Ranking, 'importance' | 'roundTo'>,
  shareOf: (group: ChannelGroup) => number,
): ReadonlySet<number> {
  const leaving = new Set<number>();
  for (const group of groups) {
    const count = group.classes.length;
    const staying = Math.max(1, count - Math.floor(count * shareOf(group) + 1e-9)); // 0.3 · 10 is 2.9999…
    const order = ascending(group, importance);
    for (const id of order.slice(0, count - Math.min(count, roundUp(staying, roundTo)))) leaving.add(id);
  }
  return leaving;
}

/** The least important of all channels, as many as make up the share. */
export function byShareOfAll(
  groups: DependencyGroups,
  ranking: Ranking,
  graph: Graph,
  share: number,
): ReadonlySet<number> {
  const all = groups.groups.reduce((sum, { classes }) => sum + classes.length, 0);
  const most = Math.floor(all * share + 1e-9);
  const leaving = new Set<number>();
  for (const { classes } of removals(groups, ranking, graph, []))
    if (leaving.size + classes.length <= most) for (const id of classes) leaving.add(id);
  return leaving;
}

/**
 * The least important of what the budgets charge for, until all hold; what was not needed for it comes back.
 * @throws ThimbleError E_DOES_NOT_FIT where the narrowest network is too large
 */
export function byBudgets(
  groups: DependencyGroups,
  ranking: Ranking,
  graph: Graph,
  budgets: readonly PruneBudget[],
): ReadonlySet<number> {
  const order = removals(groups, ranking, graph, budgets);
  const without = (steps: readonly Removal[]): Graph =>
    withoutClasses(graph, groups, new Set(steps.flatMap(({ classes }) => classes)));
  const holds = (steps: readonly Removal[]): boolean => {
    const pruned = without(steps);
    return budgets.every(({ measure, most }) => measure(pruned) <= most);
  };
  if (!holds(order)) throw tooSmall(graph, without(order), budgets);
  let [low, high] = [0, order.length]; // the first `high` removals hold
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (holds(order.slice(0, middle))) high = middle;
    else low = middle + 1;
  }
  let taken = order.slice(0, high);
  const settled = new Set<number>(); // groups that need all that left
  for (;;) {
    const lasts = [...new Map(taken.map((step) => [step.group, step])).values()].filter(
      ({ group }) => !settled.has(group),
    );
    if (lasts.length === 0) return new Set(taken.flatMap(({ classes }) => classes));
    const dearest = lasts.reduce((a, b) => (b.importance > a.importance ? b : a));
    const rest = taken.filter((step) => step !== dearest);
    if (holds(rest)) taken = rest;
    else settled.add(dearest.group);
  }
}

/** Channels of one group that leave in one step. */
interface Removal {
  readonly group: number;
  readonly classes: readonly number[];
  readonly importance: number;
}

/** All that may leave, in the order of importance for what is saved; without budgets, for the number of channels. */
function removals(
  groups: DependencyGroups,
  { importance, comparable, roundTo, smallestShare }: Ranking,
  graph: Graph,
  budgets: readonly PruneBudget[],
): readonly Removal[] {
  const orders = groups.groups.map((group) => ascending(group, importance));
  const taken = orders.map(() => 0);
  const steps: Removal[] = [];
  const gone = new Set<number>();
  const whole = budgets.map(({ saves }) => saves(graph));
  const sizeWithout = (classes: Iterable<number>): number => {
    const pruned = withoutClasses(graph, groups, new Set([...gone, ...classes]), 'shapes');
    return budgets.reduce((sum, { saves }, i) => sum + saves(pruned) / (whole[i] || 1), 0);
  };
  for (;;) {
    const now = budgets.length > 0 ? sizeWithout([]) : 0;
    let best: (Removal & { readonly price: number }) | undefined;
    for (const [group, order] of orders.entries()) {
      const left = order.length - taken[group]!;
      const next = Math.floor((left - 1) / roundTo) * roundTo;
      if (next < 1 || next < smallestShare * order.length) continue;
      const classes = order.slice(taken[group]!, order.length - next);
      const total = (ids: readonly number[]): number => ids.reduce((sum, id) => sum + importance[id]!, 0);
      // Of what is left now: the narrower a layer has become, the dearer are its channels
      const share = budgets.length > 0 && !comparable;
      const matters = total(classes) / (share ? total(order.slice(taken[group])) || 1 : 1);
      const saved = budgets.length > 0 ? now - sizeWithout(classes) : classes.length;
      const price = matters / Math.max(saved, 1e-12);
      if (!best || price < best.price) best = { group, classes, importance: matters, price };
    }
    if (!best) return steps;
    steps.push(best);
    taken[best.group]! += best.classes.length;
    for (const id of best.classes) gone.add(id);
  }
}

/** The least important first; of equals, the later. */
const ascending = ({ classes }: ChannelGroup, importance: Float64Array): readonly number[] =>
  classes.toSorted((a, b) => importance[a]! - importance[b]! || b - a);

const roundUp = (count: number, multiple: number): number => Math.ceil(count / multiple) * multiple;

function tooSmall(graph: Graph, narrowest: Graph, budgets: readonly PruneBudget[]): ThimbleError {
  const broken = budgets.filter(({ measure, most }) => measure(narrowest) > most);
  const text = (value: number): string => Math.ceil(value).toLocaleString('en-US');
  const faults = broken.map(
    ({ name, measure, most }) =>
      `${text(measure(narrowest))} ${name} are left of ${text(measure(graph))}, and the budget is ${text(most)}`,
  );
  return new ThimbleError(
    'E_DOES_NOT_FIT',
    `pruning cannot make "${graph.name}" small enough: with every layer at its narrowest, ${faults.join('; ')}`,
    [
      'Allow more, or begin with a smaller network.',
      'A lower "smallestShare" or "roundTo" lets layers become narrower.',
    ],
  );
}
