/**
 * The last rung: 16-bit activations, for as few layers as hold. Those whose rounding arrives at the output with most
 * energy come first; each is tried without before it is kept, for every one costs RAM and instructions.
 */
import type { Core } from '../core/board-spec.js';
import type { Graph } from '../core/graph.js';
import { chooseImplementations } from '../plan/choose-implementations.js';
import type { Recipe } from '../quantize/recipe.js';

/** What a model would take on one core, from the cost table: predicted, but for the weights and the arena. */
export interface PredictedCost {
  readonly instructions: number; // of one inference
  readonly flashBytes: number; // weights, tables, code of the layers
  readonly ramBytes: number; // the arena
}

export interface WideningPrice {
  readonly core: Core;
  readonly layers: readonly string[]; // whose results are 16 bits wide
  readonly before: PredictedCost;
  readonly after: PredictedCost;
}

const PRICE_CORE: Core = 'cortex-m4'; // of most kits that are taught with

export function priceOf(layers: readonly string[], before: Graph, after: Graph): WideningPrice {
  const cost = (graph: Graph): PredictedCost => {
    const { instructions, flashBytes, arenaBytes } = chooseImplementations(graph, PRICE_CORE);
    return { instructions, flashBytes, ramBytes: arenaBytes };
  };
  return { core: PRICE_CORE, layers, before: cost(before), after: cost(after) };
}

/** The recipe with the results of some more layers 16 bits wide. */
export const widenedBy = (recipe: Recipe, layers: readonly string[]): Recipe => ({
  ...recipe,
  name: `${recipe.name}-16bit`,
  activations: {
    ...recipe.activations,
    bits: 16,
    layers: [...new Set([...(recipe.activations.layers ?? []), ...layers])],
  },
});

/**
 * The smallest set that holds, as far as trying tells: ever more of the noisiest, then fewer again, then without each.
 * @param ranked the noisiest first
 * @param attempt carries a set out; @param holds whether its result is good enough
 * @returns the last attempt that holds; that of all layers where none does
 */
export async function fewestThatHold<Attempt>(
  ranked: readonly string[],
  attempt: (layers: readonly string[]) => Promise<Attempt>,
  holds: (attempt: Attempt) => boolean,
): Promise<{ readonly layers: readonly string[]; readonly attempt: Attempt }> {
  const all = { layers: ranked, attempt: await attempt(ranked) };
  if (!holds(all.attempt)) return all;
  let best = all;
  const tryOut = async (layers: readonly string[]): Promise<boolean> => {
    if (layers.length === 0) return false; // that was tried before this rung
    const tried = { layers, attempt: await attempt(layers) };
    if (holds(tried.attempt)) best = tried;
    return best === tried;
  };
  let [tooFew, enough] = [0, ranked.length];
  for (let count = 1; count < ranked.length; count *= 2) {
    if (await tryOut(ranked.slice(0, count))) {
      enough = count;
      break;
    }
    tooFew = count;
  }
  while (enough - tooFew > 1) {
    const middle = (tooFew + enough) >> 1;
    if (await tryOut(ranked.slice(0, middle))) enough = middle;
    else tooFew = middle;
  }
  if (best.layers.length <= MOST_TRIED_APART)
    for (const layer of best.layers.slice(0, -1).toReversed()) // without the last one it was tried already
      await tryOut(best.layers.filter((each) => each !== layer));
  return best;
}

/** Larger sets are hardly a matter of single layers, and each trial scores all samples. */
const MOST_TRIED_APART = 8;
