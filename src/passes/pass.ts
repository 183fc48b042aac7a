/** A pass: a graph goes in, an equal one that is smaller or simpler comes out, with what changed. */
import type { Graph } from '../core/graph.js';

export interface PassReport {
  readonly pass: string;
  readonly changes: readonly string[]; // sentences, one per change, naming the nodes
}

export interface PassResult {
  readonly graph: Graph; // the same object where nothing changed
  readonly report: PassReport;
}

export type Pass = (graph: Graph) => PassResult;
