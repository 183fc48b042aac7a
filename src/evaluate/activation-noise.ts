/**
 * Which activations the int8 grid hurts: the float network with one activation rounded to its grid at a time, everything
 * else exact, and what arrives at the output. What cancels on the way, or is never read again, counts for nothing.
 */
import { ThimbleError } from '../core/errors.js';
import { type Graph, type Node, tensorOf } from '../core/graph.js';
import type { TypedArray } from '../core/tensor.js';
import { fakeQuantStep, integersOf, snapped } from '../quantize/fake-quant.js';
import type { QuantizationPlan } from '../quantize/plan.js';
import { prepared } from '../quantize/quantizable.js';

export interface ActivationNoise {
  readonly node: string; // whose result is rounded
  readonly op: string;
  /** Error energy at the model's outputs over that of the outputs themselves: the reciprocal of the SQNR. */
  readonly noise: number;
}

/**
 * @param which nodes are looked at
 * @returns the noisiest first
 * @throws ThimbleError E_INTERRUPTED
 */
export async function activationNoise(
  float: Graph,
  plan: QuantizationPlan,
  samples: readonly (readonly TypedArray[])[],
  which: (node: Node) => boolean,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<readonly ActivationNoise[]> {
  const own = prepared(float);
  const steps = own.nodes.map((node) => fakeQuantStep(own, plan, node, false));
  const looked = own.nodes.flatMap((node, index) => (which(node) ? [{ node, index, error: 0 }] : []));
  let signalEnergy = 0;
  for (const sample of samples) {
    await new Promise(setImmediate); // lets Ctrl-C be heard
    if (signal?.aborted) throw new ThimbleError('E_INTERRUPTED', 'stopped while looking for layers to widen', []);
    const exact = new Map<string, TypedArray>(own.inputs.map((name, i) => [name, sample[i]!]));
    for (const { node, run } of steps) put(exact, node, run(exact));
    for (const name of own.outputs) signalEnergy += energy(exact.get(name)!);
    for (const each of looked) {
      const values = new Map(exact);
      const touched = new Set<string | null>(each.node.outputs);
      for (const name of each.node.outputs) values.set(name, onGrid(own, plan, name, exact.get(name)!));
      for (const { node, run } of steps.slice(each.index + 1)) {
        if (!node.inputs.some((name) => touched.has(name))) continue;
        put(values, node, run(values));
        for (const name of node.outputs) touched.add(name);
      }
      for (const name of own.outputs) each.error += energy(values.get(name)!, exact.get(name)!);
    }
  }
  return looked
    .map(({ node, error }) => ({ node: node.name, op: node.op, noise: signalEnergy > 0 ? error / signalEnergy : 0 }))
    .sort((a, b) => b.noise - a.noise);
}

function put(values: Map<string, TypedArray>, node: Node, results: readonly TypedArray[]): void {
  node.outputs.forEach((name, i) => {
    values.set(name, results[i]!);
  });
}

function onGrid(own: Graph, plan: QuantizationPlan, name: string, values: TypedArray): TypedArray {
  const entry = plan.tensors[name];
  return entry ? snapped(values, tensorOf(own, name).shape, entry, integersOf(entry, false)) : values;
}

/** Of values, or of their distance from others. */
function energy(values: TypedArray, from?: TypedArray): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += (values[i]! - (from?.[i] ?? 0)) ** 2;
  return sum;
}
