/**
 * Structured pruning: channels leave the graph, and with them all that made them and all that read them. Weights, MACs
 * and the arena shrink; no mask stays behind. Channels that are tied together, by a residual add or a flatten, leave
 * together (prune/dependency-groups.ts).
 */
import { ThimbleError } from '../core/errors.js';
import { type Graph, isConstant, type Node, tensorOf } from '../core/graph.js';
import { elementCount } from '../core/tensor.js';
import { opNamed } from '../ops/index.js';
import { operandsOf } from '../ops/op.js';
import { withoutClasses } from './prune/apply.js';
import { byBudgets, byShare, byShareOfAll, macsOf, type PruneBudget, parametersOf } from './prune/choose.js';
import { type ChannelGroup, type DependencyGroups, dependencyGroups, makes } from './prune/dependency-groups.js';
import { classImportance, type FilterScores, type Importance } from './prune/importance.js';

export { activationsOf, macsOf, type PruneBudget, parametersOf } from './prune/choose.js';
export { type FilterScores, type Importance, importances } from './prune/importance.js';

/** How much: `ratio`, `layers`, both (a layer's own ratio wins), or `budgets`. */
export interface PruneOptions {
  readonly ratio?: number | undefined; // 0 … < 1: the share of channels that leaves; at least one of each layer stays
  /** layer: that share of every layer; global: the least important of all, many here and few there. */
  readonly scope?: 'layer' | 'global' | undefined; // layer
  readonly layers?: Readonly<Record<string, number>> | undefined; // ratios by layer name
  readonly budgets?: readonly PruneBudget[] | undefined; // all must hold
  readonly importance?: Importance | undefined; // l1
  readonly scores?: FilterScores | undefined; // for bn-scale and taylor
  readonly roundTo?: number | undefined; // 1; channels that stay are rounded up to a multiple, as some kernels like 4
  readonly smallestShare?: number | undefined; // 0.1; of a layer's channels stays at least, for budgets and global
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
  readonly kept: string | null; // why no channel could leave; null where channels may
  readonly tiedTo: readonly string[]; // layers whose channels leave with this one's
}

export interface PruneReport {
  readonly ratio: number | null; // null where there was none
  readonly importance: Importance;
  readonly layers: readonly PrunedLayer[]; // every layer with weights, in order
  readonly parametersBefore: number;
  readonly parametersAfter: number;
  readonly macsBefore: number;
  readonly macsAfter: number;
}

export interface Pruned {
  readonly graph: Graph;
  readonly report: PruneReport;
  /** Filters that are left, as they were numbered before, by name of the weights; absent where all are. */
  readonly filters: ReadonlyMap<string, readonly number[]>;
}

const withWeights = ['conv_2d', 'depthwise_conv_2d', 'transpose_conv', 'fully_connected'];

/**
 * @returns the smaller float32 graph; the given one where nothing leaves
 * @throws ThimbleError E_RECIPE for options out of range, E_UNSUPPORTED_MODEL for a quantized graph, E_DOES_NOT_FIT for
 *   a budget that cannot be met
 */
export function pruneChannels(graph: Graph, options: PruneOptions): Pruned {
  checkOptions(graph, options);
  const { importance = 'l1', ratio } = options;
  const groups = dependencyGroups(graph);
  const leaving = chosen(graph, groups, classImportance(graph, groups, importance, options.scores), options);
  const pruned = withoutClasses(graph, groups, leaving);
  const report = { ratio: ratio ?? null, importance, ...reportOf(graph, pruned, groups) };
  return { graph: pruned, report, filters: filtersLeft(graph, groups, leaving) };
}

function filtersLeft(
  graph: Graph,
  { classes }: DependencyGroups,
  leaving: ReadonlySet<number>,
): ReadonlyMap<string, readonly number[]> {
  const left = new Map<string, number[]>();
  for (const { id, filters } of classes) {
    if (!leaving.has(id)) continue;
    for (const { tensor, index } of filters) {
      const count = tensorOf(graph, tensor).shape[0]!;
      const before = left.get(tensor) ?? Array.from({ length: count }, (_, i) => i);
      left.set(
        tensor,
        before.filter((i) => i !== index),
      );
    }
  }
  return left;
}

function chosen(
  graph: Graph,
  groups: DependencyGroups,
  importance: Float64Array,
  options: PruneOptions,
): ReadonlySet<number> {
  const comparable = options.importance === 'taylor';
  const { ratio = 0, scope = 'layer', budgets = [], layers = {}, roundTo = 1, smallestShare = 0.1 } = options;
  const ranking = { importance, comparable, roundTo, smallestShare };
  if (budgets.length > 0) return byBudgets(groups, ranking, graph, budgets);
  if (scope === 'global') return byShareOfAll(groups, ranking, graph, ratio);
  return byShare(groups, ranking, (group) => shareOf(group, layers) ?? ratio);
}

/** The ratio that the layers of a group were given. */
function shareOf({ layers }: ChannelGroup, ratios: Readonly<Record<string, number>>): number | undefined {
  const given = layers.filter((name) => Object.hasOwn(ratios, name));
  const values = new Set(given.map((name) => ratios[name]!));
  if (values.size > 1)
    throw new ThimbleError(
      'E_RECIPE',
      `the channels of ${given.map((name) => `"${name}" (${ratios[name]})`).join(' and ')} leave together, and their ratios differ`,
      'Give them the same ratio, or name one of them only.',
    );
  return values.values().next().value;
}

function checkOptions(graph: Graph, options: PruneOptions): void {
  const { ratio, scope, layers = {}, budgets = [], roundTo = 1, smallestShare = 0.1 } = options;
  const isShare = (value: number): boolean => value >= 0 && value < 1;
  const names = graph.nodes.filter(({ op }) => makes(op)).map(({ name }) => name);
  const faults = [
    ...[...(ratio === undefined ? [] : [ratio]), ...Object.values(layers)]
      .filter((value) => !isShare(value))
      .map((value) => `channels cannot be pruned by ${value}`),
    ...(Number.isInteger(roundTo) && roundTo >= 1 ? [] : [`channels cannot be rounded to a multiple of ${roundTo}`]),
    ...(isShare(smallestShare) ? [] : [`a smallest share of ${smallestShare} is none`]),
    ...Object.keys(layers)
      .filter((name) => !names.includes(name))
      .map((name) => `no layer with channels of its own is called "${name}"; there is ${names.join(', ')}`),
    ...budgets.filter(({ most }) => !(most > 0)).map(({ name, most }) => `a budget of ${most} ${name} is none`),
    ...(budgets.length > 0 && (ratio !== undefined || Object.keys(layers).length > 0)
      ? ['a budget and a ratio contradict each other']
      : []),
    ...(scope === 'global' && Object.keys(layers).length > 0
      ? ['ratios of layers and a global one contradict each other']
      : []),
  ];
  if (faults.length > 0)
    throw new ThimbleError('E_RECIPE', faults.join('; '), [
      'Give a ratio from 0 to below 1, such as 0.5, and a whole multiple, such as 4.',
    ]);
  const quantized = [...graph.tensors.values()].find(({ quant, dtype }) => quant !== undefined || dtype === 'int8');
  if (quantized)
    throw new ThimbleError(
      'E_UNSUPPORTED_MODEL',
      `"${graph.name}" is already quantized; channels are pruned from the float model`,
      'Give the float model: it is pruned first and quantized afterwards.',
      { where: `at tensor "${quantized.name}"` },
    );
}

function reportOf(before: Graph, after: Graph, groups: DependencyGroups): Omit<PruneReport, 'ratio' | 'importance'> {
  const layers = before.nodes.flatMap((node, i): PrunedLayer[] => {
    if (!withWeights.includes(node.op)) return [];
    const [was, is] = [sizeOf(before, node), sizeOf(after, after.nodes[i]!)];
    const { name, op } = node;
    const tied = groups.groups.filter((group) => group.layers.includes(name)).flatMap((group) => group.layers);
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
        kept: groups.kept.get(name) ?? null,
        tiedTo: [...new Set(tied)].filter((other) => other !== name),
      },
    ];
  });
  return {
    layers,
    parametersBefore: parametersOf(before),
    parametersAfter: parametersOf(after),
    macsBefore: macsOf(before),
    macsAfter: macsOf(after),
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
