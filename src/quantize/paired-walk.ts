/**
 * A float32 graph and its quantized self side by side, node after node, over a set of samples: what a refinement of one
 * layer needs to know is what that layer reads in both, with all earlier layers refined already.
 */
import { ThimbleError } from '../core/errors.js';
import { consumersOf, type Graph, type Node, tensorOf } from '../core/graph.js';
import type { OnEvent } from '../core/stage-event.js';
import type { Tensor, TypedArray } from '../core/tensor.js';
import { opNamed } from '../ops/index.js';
import type { Sample } from './calibrate.js';
import { type FakeQuantStep, fakeQuantStep, integersOf, onPlannedGrid, snapped } from './fake-quant.js';
import type { QuantizationPlan } from './plan.js';
import { prepared } from './quantizable.js';

/** A layer with weights, and its varying input in both networks, one array per sample. */
export interface PairedLayer {
  readonly node: Node;
  readonly input: Tensor; // the spec
  readonly weights: Tensor; // float32
  readonly quantizedWeights: Tensor; // on the plan's grid
  readonly bias: Tensor;
  readonly inFloat: readonly Float32Array[];
  readonly inQuantized: readonly Float32Array[];
}

/** New float32 constants for a layer, by tensor name; what is on the plan's grid stays exactly there. */
export type Refinement = (layer: PairedLayer) => ReadonlyMap<string, Float32Array>;

export interface WalkOptions {
  readonly stage: string; // of the events
  readonly onEvent?: OnEvent | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * @param samples all at once: every activation that is still read is kept for each of them
 * @returns the float32 graph with refined constants
 * @throws ThimbleError E_DATA_EMPTY, E_INTERRUPTED
 */
export async function refineLayers(
  graph: Graph,
  plan: QuantizationPlan,
  samples: readonly Sample[],
  refine: Refinement,
  { stage, onEvent, signal }: WalkOptions,
): Promise<Graph> {
  if (samples.length === 0)
    throw new ThimbleError(
      'E_DATA_EMPTY',
      'there is no sample to refine with',
      'Give representative data: --data PATH.',
    );
  const own = prepared(graph);
  const tensors = new Map(own.tensors);
  const refined = { ...own, tensors };
  const inFloat = samples.map((sample) => new Map<string, TypedArray>(own.inputs.map((name, i) => [name, sample[i]!])));
  const inQuantized = samples.map(
    (sample) =>
      new Map<string, TypedArray>(own.inputs.map((name, i) => [name, inputOnGrid(own, plan, name, sample[i]!)])),
  );
  for (const [index, node] of own.nodes.entries()) {
    await new Promise(setImmediate); // lets bars be drawn and Ctrl-C be heard
    if (signal?.aborted)
      throw new ThimbleError('E_INTERRUPTED', `stopped at layer ${index} of ${own.nodes.length}`, []);
    const layer = pairedLayer(refined, plan, node, inFloat, inQuantized);
    if (layer) for (const [name, data] of refine(layer)) tensors.set(name, { ...tensorOf(refined, name), data });
    advance(fakeQuantStep(own, plan, node, false), inFloat);
    advance(fakeQuantStep(refined, plan, node, true), inQuantized);
    for (const name of node.inputs) if (name !== null && isDead(own, name, index)) forget(name, inFloat, inQuantized);
    onEvent?.({ stage, done: index + 1, total: own.nodes.length });
  }
  return refined;
}

function inputOnGrid(own: Graph, plan: QuantizationPlan, name: string, values: TypedArray): TypedArray {
  const entry = plan.tensors[name];
  return entry ? snapped(values, tensorOf(own, name).shape, entry, integersOf(entry, false)) : values;
}

type Values = readonly Map<string, TypedArray>[]; // one per sample

function pairedLayer(
  graph: Graph,
  plan: QuantizationPlan,
  node: Node,
  inFloat: Values,
  inQuantized: Values,
): PairedLayer | undefined {
  if (opNamed(node.op).quantization?.kind !== 'weighted') return undefined;
  const [input, weights, bias] = node.inputs;
  if (!input || !weights || !bias) return undefined; // fully_connected without a bias has nothing to correct
  const of = (values: Values) => values.map((each) => each.get(input) as Float32Array);
  return {
    node,
    input: tensorOf(graph, input),
    weights: tensorOf(graph, weights),
    quantizedWeights: onPlannedGrid(tensorOf(graph, weights), plan),
    bias: tensorOf(graph, bias),
    inFloat: of(inFloat),
    inQuantized: of(inQuantized),
  };
}

function advance({ node, run }: FakeQuantStep, values: Values): void {
  for (const each of values)
    run(each).forEach((result, i) => {
      each.set(node.outputs[i]!, result);
    });
}

const isDead = (graph: Graph, name: string, index: number): boolean =>
  consumersOf(graph, name).every((reader) => graph.nodes.indexOf(reader) <= index);

function forget(name: string, ...networks: readonly Values[]): void {
  for (const network of networks) for (const values of network) values.delete(name);
}
