/**
 * Which channels can only leave together. Every position along an axis of a tensor is an element; operators tie
 * elements: a convolution its filters to its output's channels, a residual add the channels of both branches, a flatten
 * a channel to each of its pixels. Elements that are tied make one channel class: it stays or leaves as a whole.
 */
import { type Graph, isConstant, tensorOf } from '../../core/graph.js';
import { elementCount } from '../../core/tensor.js';
import { lastAxis, type Ties, tieNode } from './channel-ties.js';

/** Channels of one or several layers, and all that reads them. */
export interface ChannelClass {
  readonly id: number; // position in DependencyGroups.classes
  /** Where the class is made: slices of constants along the axis of their layer's outputs. */
  readonly filters: readonly Slice[];
  readonly elements: readonly Slice[];
  readonly frozen: string | null; // why it cannot leave
}

/** One position along an axis of a tensor. */
export interface Slice {
  readonly tensor: string;
  readonly axis: number;
  readonly index: number;
}

/** Classes that the same layers make: they compete with each other, and one at least stays. */
export interface ChannelGroup {
  readonly layers: readonly string[]; // node names
  readonly classes: readonly number[]; // those that may leave or stay, in the order of the channels
}

export interface DependencyGroups {
  readonly classes: readonly ChannelClass[];
  readonly groups: readonly ChannelGroup[];
  /** By layer: why its channels stay; absent where some may leave. */
  readonly kept: ReadonlyMap<string, string>;
}

/** @param graph float32, checked */
export function dependencyGroups(graph: Graph): DependencyGroups {
  const elements = new Elements(graph);
  for (const node of graph.nodes) tieNode(graph, node, elements);
  for (const name of graph.inputs)
    elements.freezeAxis(name, lastAxis(graph, name), 'its channels are the model’s inputs');
  for (const name of graph.outputs)
    elements.freezeAxis(name, lastAxis(graph, name), 'its channels are the model’s outputs');
  const classes = elements.classes(makersOf(graph));
  return { classes, ...groupsOf(graph, classes) };
}

/** Disjoint sets of elements (union-find with path halving). */
class Elements implements Ties {
  private readonly first = new Map<string, number>(); // by tensor and axis
  private readonly parent: number[] = [];
  private readonly slices: Slice[] = [];
  private readonly reasons = new Map<number, string>(); // by element, as frozen

  constructor(private readonly graph: Graph) {
    for (const tensor of graph.tensors.values()) {
      if (isConstant(tensor) && tensor.dtype !== 'float32') continue; // shapes, paddings, axes
      const axes = isConstant(tensor) ? tensor.shape.keys() : [tensor.shape.length - 1];
      for (const axis of axes) this.add(tensor.name, axis, tensor.shape[axis] ?? 1);
    }
  }

  tie(a: Slice, b: Slice): void {
    const [x, y] = [this.root(this.elementOf(a)), this.root(this.elementOf(b))];
    this.parent[Math.max(x, y)] = Math.min(x, y);
  }

  freeze(name: string, reason: string): void {
    const { shape } = tensorOf(this.graph, name);
    for (let axis = Math.min(0, shape.length - 1); axis < shape.length; axis++) this.freezeAxis(name, axis, reason);
  }

  freezeAxis(name: string, axis: number, reason: string): void {
    const first = this.first.get(keyOf(name, axis));
    if (first === undefined) return;
    const size = tensorOf(this.graph, name).shape[axis] ?? 1;
    for (let i = first; i < first + size; i++) if (!this.reasons.has(i)) this.reasons.set(i, reason);
  }

  /** @param makers axis of the filters, by name of the weights */
  classes(makers: ReadonlyMap<string, number>): readonly ChannelClass[] {
    const found = new Map<number, { elements: Slice[]; filters: Slice[]; frozen: string | null }>();
    for (const [i, slice] of this.slices.entries()) {
      const root = this.root(i);
      const entry = found.get(root) ?? { elements: [], filters: [], frozen: null };
      found.set(root, entry);
      entry.elements.push(slice);
      if (makers.get(slice.tensor) === slice.axis) entry.filters.push(slice);
      entry.frozen ??= this.reasons.get(i) ?? null;
    }
    return [...found.values()].filter(({ filters }) => filters.length > 0).map((entry, id) => ({ id, ...entry }));
  }

  private add(tensor: string, axis: number, size: number): void {
    this.first.set(keyOf(tensor, axis), this.slices.length);
    for (let index = 0; index < size; index++) {
      this.parent.push(this.slices.length);
      this.slices.push({ tensor, axis, index });
    }
  }

  private elementOf({ tensor, axis, index }: Slice): number {
    const first = this.first.get(keyOf(tensor, axis));
    if (first === undefined) throw new TypeError(`axis ${axis} of "${tensor}" has no channels`);
    return first + index;
  }

  private root(element: number): number {
    let at = element;
    while (this.parent[at] !== at) {
      this.parent[at] = this.parent[this.parent[at]!]!;
      at = this.parent[at]!;
    }
    return at;
  }
}

const keyOf = (tensor: string, axis: number): string => `${axis}:${tensor}`;

/** Layers whose filters make channels. A depthwise layer takes over those of the layer before it. */
export const makes = (op: string): boolean => ['conv_2d', 'transpose_conv', 'fully_connected'].includes(op);

function makersOf(graph: Graph): ReadonlyMap<string, number> {
  const makers = new Map<string, number>();
  for (const { op, inputs } of graph.nodes)
    if (makes(op) && isConstant(tensorOf(graph, inputs[1]!))) makers.set(inputs[1]!, 0);
  return makers;
}

function groupsOf(graph: Graph, classes: readonly ChannelClass[]): Omit<DependencyGroups, 'classes'> {
  const layersOf = new Map<string, string[]>(); // by weights, which layers may share
  for (const { name, op, inputs } of graph.nodes)
    if (makes(op)) layersOf.set(inputs[1]!, [...(layersOf.get(inputs[1]!) ?? []), name]);
  const groups = new Map<string, { layers: readonly string[]; classes: number[] }>();
  const [reasons, free] = [new Map<string, string>(), new Set<string>()];
  for (const { id, filters, frozen } of classes) {
    const layers = [...new Set(filters.flatMap(({ tensor }) => layersOf.get(tensor) ?? []))];
    for (const layer of layers)
      if (frozen === null) free.add(layer);
      else if (!reasons.has(layer)) reasons.set(layer, frozen);
    if (frozen !== null) continue;
    const key = JSON.stringify(layers.toSorted());
    const group = groups.get(key) ?? { layers, classes: [] };
    group.classes.push(id);
    groups.set(key, group);
  }
  const kept = new Map<string, string>();
  for (const { name, op, inputs } of graph.nodes) {
    if (op === 'depthwise_conv_2d') kept.set(name, 'a depthwise layer has the channels of the layer before it');
    if (makes(op) && !free.has(name))
      kept.set(
        name,
        reasons.get(name) ?? (isConstant(tensorOf(graph, inputs[1]!)) ? 'no channels' : 'computes its weights'),
      );
  }
  return { groups: [...groups.values()].filter(({ classes: own }) => own.length > 1), kept };
}

/** Values that a class takes with it out of the constants, elements of two classes counted twice. */
export const valuesIn = (graph: Graph, { elements }: ChannelClass): number =>
  elements.reduce((sum, { tensor, axis }) => {
    const { shape, data } = tensorOf(graph, tensor);
    return sum + (data ? elementCount(shape) / (shape[axis] ?? 1) : 0);
  }, 0);
