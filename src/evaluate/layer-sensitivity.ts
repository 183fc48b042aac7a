/** Which layer of a quantized network does the harm: every layer in three views, over the same samples. */
import { ThimbleError } from '../core/errors.js';
import { type Graph, type Node, tensorOf } from '../core/graph.js';
import { quantizeValue } from '../core/real-to-int8.js';
import type { OnEvent } from '../core/stage-event.js';
import { elementCount, type TypedArray } from '../core/tensor.js';
import { createInterpreter } from '../interpret/interpreter.js';
import type { Sample } from '../quantize/calibrate.js';
import { type FakeQuantStep, fakeQuant, fakeQuantStep, integersOf, runFakeQuant } from '../quantize/fake-quant.js';
import { floatTwin } from '../quantize/float-twin.js';
import type { QuantizationPlan } from '../quantize/plan.js';
import { prepared } from '../quantize/quantizable.js';
import { type Proportion, proportion } from './interval.js';
import { ErrorMeter, type LayerError } from './layer-error.js';
import { argMax } from './score.js';

export interface LayerSensitivity {
  readonly node: string;
  readonly op: string;
  /** The layer's output in the int8 network against the float one: its own error and all that it was handed. */
  readonly int8: LayerError;
  /** The same with fake quantization: what is left when the arithmetic is in real numbers. */
  readonly fakeQuant: LayerError;
  /** Share of the float layer's values that its int8 range cuts off. */
  readonly clipped: number;
  /** The network's output when this layer alone is quantized, all others staying float. */
  readonly alone: LayerError;
  /** In how many samples that alone changes the class; null for a network with a single output value. */
  readonly changedClass: Proportion | null;
}

export interface SensitivityInput {
  readonly float: Graph;
  readonly int8: Graph; // what applyPlan made of `float` by `plan`
  readonly plan: QuantizationPlan;
  readonly samples: readonly Sample[];
}

/** @throws ThimbleError E_DATA_EMPTY, E_INTERRUPTED */
export async function layerSensitivity(
  { float, int8, plan, samples }: SensitivityInput,
  { onEvent, signal }: { onEvent?: OnEvent | undefined; signal?: AbortSignal | undefined } = {},
): Promise<readonly LayerSensitivity[]> {
  if (samples.length === 0)
    throw new ThimbleError('E_DATA_EMPTY', 'there is no sample to explain with', 'Give data with samples in it.');
  const own = prepared(float);
  const faked = fakeQuant(own, plan);
  const inFloat = own.nodes.map((node) => fakeQuantStep(own, plan, node, false));
  const integers = createInterpreter(int8);
  const twin = floatTwin(int8);
  const namesClasses = elementCount(tensorOf(own, own.outputs[0]!).shape) > 1;
  const meters = own.nodes.map(() => ({
    int8: new ErrorMeter(),
    fakeQuant: new ErrorMeter(),
    alone: new ErrorMeter(),
    clipped: 0,
    values: 0,
    changed: 0,
  }));
  for (const [k, sample] of samples.entries()) {
    await new Promise(setImmediate); // lets bars be drawn and Ctrl-C be heard
    if (signal?.aborted) throw new ThimbleError('E_INTERRUPTED', `stopped after ${k} of ${samples.length} samples`, []);
    const reals = new Map<string, TypedArray>(own.inputs.map((name, i) => [name, sample[i]!]));
    for (const step of inFloat) advance(step, reals);
    const fake = runFakeQuant(faked, sample);
    const bytes = integers.runAll(int8.inputs.map((name, i) => onIntegers(int8, name, sample[i]!)));
    const answer = own.outputs[0]!;
    for (const [i, node] of own.nodes.entries()) {
      const [name, meter] = [node.outputs[0]!, meters[i]!];
      const values = reals.get(name)!;
      const quantized = bytes.get(name)!;
      const entry = twin.plan.tensors[name]!;
      const { scale, zeroPoint } = entry;
      meter.int8.add(values, quantized, scale[0]!, zeroPoint[0]!);
      meter.fakeQuant.add(values, fake.get(name)!);
      meter.clipped += outside(values, scale[0]!, zeroPoint[0]!, integersOf(entry, false));
      meter.values += quantized.length;
      const output = withOneQuantized(own, faked.steps[i]!, inFloat, i, reals).get(answer)!;
      meter.alone.add(reals.get(answer)!, output);
      if (argMax(output) !== argMax(reals.get(answer)!)) meter.changed++;
    }
    onEvent?.({ stage: 'explain', done: k + 1, total: samples.length });
  }
  return own.nodes.map((node, i) => ({
    node: node.name,
    op: node.op,
    int8: meters[i]!.int8.result(),
    fakeQuant: meters[i]!.fakeQuant.result(),
    clipped: meters[i]!.clipped / meters[i]!.values,
    alone: meters[i]!.alone.result(),
    changedClass: namesClasses ? proportion(meters[i]!.changed, samples.length) : null,
  }));
}

/** How many values lie more than half a step beyond the integers of their type. */
function outside(values: TypedArray, scale: number, zeroPoint: number, [min, max]: readonly [number, number]): number {
  let count = 0;
  for (const x of values) {
    const q = x / scale + zeroPoint;
    if (q < min - 0.5 || q > max + 0.5) count++;
  }
  return count;
}

/** The float network's values with one layer quantized: only what lies behind it is computed anew. */
function withOneQuantized(
  own: Graph,
  quantized: FakeQuantStep,
  inFloat: readonly FakeQuantStep[],
  index: number,
  reals: ReadonlyMap<string, TypedArray>,
): ReadonlyMap<string, TypedArray> {
  const values = new Map(reals);
  advance(quantized, values);
  const touched = new Set<string | null>(own.nodes[index]!.outputs);
  for (const step of inFloat.slice(index + 1)) {
    if (!reads(step.node, touched)) continue;
    advance(step, values);
    for (const name of step.node.outputs) touched.add(name);
  }
  return values;
}

const reads = (node: Node, names: ReadonlySet<string | null>): boolean => node.inputs.some((name) => names.has(name));

function advance({ node, run }: FakeQuantStep, values: Map<string, TypedArray>): void {
  run(values).forEach((result, i) => {
    values.set(node.outputs[i]!, result);
  });
}

function onIntegers(int8: Graph, name: string, values: TypedArray): TypedArray {
  const { quant } = tensorOf(int8, name);
  const [scale, zeroPoint] = [quant!.scale[0]!, quant!.zeroPoint[0]!];
  return Int8Array.from(values, (x) => quantizeValue(x, scale, zeroPoint));
}

/** A layer whose error is this much above that of what it reads adds an error of its own. */
const HURTS_DB = 3;

/**
 * The layers that lose most of the signal at their place: those whose SQNR in the int8 network is well below that of the
 * worst layer that they read from, the first of the network first.
 */
export function firstThatHurt(
  graph: Graph,
  layers: readonly LayerSensitivity[],
  count = 3,
): readonly LayerSensitivity[] {
  const sqnrOf = new Map(
    graph.nodes.flatMap((node) => {
      const layer = layers.find((each) => each.node === node.name);
      return layer ? node.outputs.map((name) => [name, layer.int8.sqnrDb] as const) : [];
    }),
  );
  return layers
    .filter((layer) => {
      const node = graph.nodes.find(({ name }) => name === layer.node)!;
      const before = Math.min(...node.inputs.map((name) => sqnrOf.get(name ?? '') ?? Number.POSITIVE_INFINITY));
      return Number.isFinite(before) && layer.int8.sqnrDb < before - HURTS_DB;
    })
    .slice(0, count);
}
