/** The passes that simplify a graph without changing what it computes, in the order in which they run. */
import type { Graph } from '../core/graph.js';
import { dropDeadNodes } from './drop-dead-nodes.js';
import { foldArithmetic } from './fold-arithmetic.js';
import { foldConstants } from './fold-constants.js';
import { foldPadding } from './fold-padding.js';
import { fuseActivations } from './fuse-activations.js';
import { mergeReshapes } from './merge-reshapes.js';
import { partActivations } from './part-activations.js';
import type { Pass, PassReport } from './pass.js';
import { removeIdentities } from './remove-identities.js';
import { sinkReshapes } from './sink-reshapes.js';
import { unifyReshapes } from './unify-reshapes.js';

export type { Pass, PassReport, PassResult } from './pass.js';

export const simplifications: readonly Pass[] = [
  foldConstants,
  unifyReshapes,
  mergeReshapes,
  removeIdentities,
  sinkReshapes,
  foldArithmetic,
  foldPadding,
  fuseActivations,
  partActivations,
  dropDeadNodes,
];

/**
 * Runs all simplifications until none finds anything. Float32 results stay equal up to rounding, int8 ones bit for bit.
 * @returns the graph and what changed, in order; passes that changed nothing are left out
 */
export function simplify(graph: Graph): { readonly graph: Graph; readonly report: readonly PassReport[] } {
  const reports: PassReport[] = [];
  let current = graph;
  for (let before: Graph | undefined; before !== current; ) {
    before = current;
    for (const pass of simplifications) {
      const { graph: next, report } = pass(current);
      if (report.changes.length > 0) reports.push(report);
      current = next;
    }
  }
  return { graph: current, report: reports };
}
