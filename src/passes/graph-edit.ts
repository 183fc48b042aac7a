/**
 * One pass's working copy of a graph, with producers and consumers indexed. The graph that it came from stays as it
 * is; `finish` gives a new one.
 */
import { type Graph, type Node, tensorOf, withoutUnusedTensors } from '../core/graph.js';
import type { Tensor } from '../core/tensor.js';
import type { PassResult } from './pass.js';

export class GraphEdit {
  private readonly tensors: Map<string, Tensor>;
  private readonly slots: (Node | undefined)[]; // a node's place stays its own: the order remains topological
  private readonly slotOf = new Map<Node, number>();
  private readonly producers = new Map<string, Node>();
  private readonly readers = new Map<string, Set<Node>>();
  private readonly changes: string[] = [];

  constructor(private readonly graph: Graph) {
    this.tensors = new Map(graph.tensors);
    this.slots = [];
    for (const node of graph.nodes) this.place(node, this.slots.length);
  }

  /** The nodes of now, in order. A pass that edits while it walks asks `has` first. */
  nodes(): readonly Node[] {
    return this.slots.filter((node) => node !== undefined);
  }

  has(node: Node): boolean {
    return this.slotOf.has(node);
  }

  tensor(name: string): Tensor {
    return tensorOf({ ...this.graph, tensors: this.tensors }, name);
  }

  producer(name: string): Node | undefined {
    return this.producers.get(name);
  }

  isOutput(name: string): boolean {
    return this.graph.outputs.includes(name);
  }

  isInput(name: string): boolean {
    return this.graph.inputs.includes(name);
  }

  isRead(name: string): boolean {
    return this.isOutput(name) || (this.readers.get(name)?.size ?? 0) > 0;
  }

  /** Whether one node reads a tensor, in one place, and nobody else sees it. */
  isReadOnlyBy(name: string, node: Node): boolean {
    const uses = node.inputs.filter((input) => input === name).length;
    return (
      !this.isOutput(name) && this.readers.get(name)?.size === 1 && this.readers.get(name)!.has(node) && uses === 1
    );
  }

  /** The node that alone reads a tensor; undefined where there are more, or the model's output is read outside. */
  onlyReader(name: string): Node | undefined {
    const [reader] = this.readers.get(name) ?? [];
    return reader && this.isReadOnlyBy(name, reader) ? reader : undefined;
  }

  /** Puts a node in another one's place; what the old one wrote and nobody reads vanishes with `finish`. */
  replace(old: Node, replacement: Node): void {
    this.place(replacement, this.take(old));
  }

  /** Puts two nodes in the place of one; the second reads what the first writes. */
  replaceByTwo(old: Node, first: Node, second: Node): void {
    const slot = this.take(old);
    this.slots.splice(slot, 0, undefined);
    for (const [node, at] of this.slotOf) if (at >= slot) this.slotOf.set(node, at + 1);
    this.place(first, slot);
    this.place(second, slot + 1);
  }

  remove(node: Node): void {
    this.slots[this.take(node)] = undefined;
  }

  /**
   * Adds a constant under this name, or one made from it where the name is taken by a tensor that others still read.
   * @returns its name
   */
  constant(wanted: string, tensor: Omit<Tensor, 'name'>, soleReader?: Node): string {
    const mayReplace = soleReader !== undefined && this.isReadOnlyBy(wanted, soleReader);
    let name = wanted;
    for (let i = 1; this.tensors.has(name) && !mayReplace; i++) name = `${wanted}_${i}`;
    this.tensors.set(name, { ...tensor, name });
    return name;
  }

  setTensor(tensor: Tensor): void {
    this.tensors.set(tensor.name, tensor);
  }

  /**
   * Lets everybody who reads `from` read `to`, and removes the node that writes `from`.
   * @returns false, with nothing changed, where `from` is a model output that nothing else can write
   */
  bypass(node: Node, from: string, to: string): boolean {
    if (!this.isOutput(from)) {
      for (const reader of [...(this.readers.get(from) ?? [])])
        this.replace(reader, { ...reader, inputs: reader.inputs.map((name) => (name === from ? to : name)) });
      this.remove(node);
      return true;
    }
    const producer = this.producers.get(to);
    if (!producer || !this.isReadOnlyBy(to, node)) return false;
    this.remove(node);
    this.replace(producer, { ...producer, outputs: producer.outputs.map((name) => (name === to ? from : name)) });
    return true;
  }

  note(change: string): void {
    this.changes.push(change);
  }

  finish(pass: string): PassResult {
    const report = { pass, changes: this.changes };
    if (this.changes.length === 0) return { graph: this.graph, report };
    return { graph: withoutUnusedTensors({ ...this.graph, tensors: this.tensors, nodes: this.nodes() }), report };
  }

  private place(node: Node, slot: number): void {
    this.slots[slot] = node;
    this.slotOf.set(node, slot);
    for (const output of node.outputs) this.producers.set(output, node);
    for (const input of node.inputs)
      if (input !== null) this.readers.set(input, (this.readers.get(input) ?? new Set()).add(node));
  }

  private take(node: Node): number {
    const slot = this.slotOf.get(node);
    if (slot === undefined) throw new TypeError(`node "${node.name}" is no longer in the graph`);
    this.slotOf.delete(node);
    for (const output of node.outputs) if (this.producers.get(output) === node) this.producers.delete(output);
    for (const input of node.inputs) if (input !== null) this.readers.get(input)?.delete(node);
    return slot;
  }
}
