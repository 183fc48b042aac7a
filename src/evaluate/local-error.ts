/**
 * Which layers int8 hurts: every layer with weights on the float network's own values, moved to the grid of its input,
 * so that no layer answers for those before it. Beside it, what the whole quantized network has shifted by then.
 */
import type { Graph, Node } from '../core/graph.js';
import type { TypedArray } from '../core/tensor.js';
import { createInterpreter } from '../interpret/interpreter.js';
import { opNamed } from '../ops/index.js';
import { fakeQuant, integersOf, runFakeQuant, snapped } from '../quantize/fake-quant.js';
import type { QuantizationPlan } from '../quantize/plan.js';
import { prepared } from '../quantize/quantizable.js';

export interface LocalError {
  readonly node: string;
  readonly op: string;
  /** Of this layer alone, about the mean of the error: biases settle that. Infinity where nothing differs. */
  readonly sqnrDb: number;
  /** Mean error by channel in the whole network, root mean square, in units of the layer's own root mean square. */
  readonly shift: number;
}

/**
 * @param reference the float graph that the other should equal
 * @param refined the float graph that `plan` quantizes: the same nodes, perhaps with refined constants
 */
export function localErrors(
  reference: Graph,
  refined: Graph,
  plan: QuantizationPlan,
  samples: readonly (readonly TypedArray[])[],
): readonly LocalError[] {
  const float = prepared(reference);
  const interpreter = createInterpreter(float);
  const network = fakeQuant(refined, plan);
  const weighted = network.steps.filter(({ node }) => opNamed(node.op).quantization?.kind === 'weighted');
  const meters = weighted.map(
    ({ node }) => new ChannelErrors(node, float.tensors.get(node.outputs[0]!)!.shape.at(-1)!),
  );
  for (const sample of samples) {
    const values = interpreter.runAll(sample);
    const onGrid = new Map([...values].map(([name, data]) => [name, gridded(name, data, float, plan)]));
    const whole = runFakeQuant(network, sample);
    for (const [i, { node, run }] of weighted.entries()) {
      const output = node.outputs[0]!;
      meters[i]!.add(values.get(output)!, run(onGrid)[0]!, whole.get(output)!);
    }
  }
  return meters.map((meter) => meter.result());
}

function gridded(name: string, data: TypedArray, graph: Graph, plan: QuantizationPlan): TypedArray {
  const entry = Object.hasOwn(plan.tensors, name) ? plan.tensors[name] : undefined;
  return entry ? snapped(data, graph.tensors.get(name)!.shape, entry, integersOf(entry, false)) : data;
}

class ChannelErrors {
  #signal = 0;
  #noise = 0;
  #count = 0; // by channel
  readonly #local: Float64Array; // sum of the layer's own error by channel
  readonly #whole: Float64Array;

  constructor(
    private readonly node: Node,
    private readonly channels: number,
  ) {
    this.#local = new Float64Array(channels);
    this.#whole = new Float64Array(channels);
  }

  add(float: TypedArray, local: TypedArray, whole: TypedArray): void {
    const { channels } = this;
    for (let i = 0; i < float.length; i++) {
      const x = float[i]!;
      const difference = local[i]! - x;
      this.#signal += x * x;
      this.#noise += difference * difference;
      this.#local[i % channels]! += difference;
      this.#whole[i % channels]! += whole[i]! - x;
    }
    this.#count += float.length / channels;
  }

  result(): LocalError {
    const meanSquare = (sums: Float64Array): number =>
      sums.reduce((total, sum) => total + (sum / this.#count) ** 2, 0) / this.channels;
    const values = this.#count * this.channels;
    const noise = Math.max(0, this.#noise / values - meanSquare(this.#local));
    const signal = this.#signal / values;
    return {
      node: this.node.name,
      op: this.node.op,
      sqnrDb: noise === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10(signal / noise),
      shift: signal > 0 ? Math.sqrt(meanSquare(this.#whole) / signal) : 0,
    };
  }
}
