/**
 * How near fake quantization comes to the integers: layer by layer, the int8 reference on the very inputs that the layer
 * had under fake quantization, output byte against output byte.
 */
import { type Graph, isConstant, type Node, tensorOf } from '../core/graph.js';
import { quantizeValue } from '../core/real-to-int8.js';
import { elementCount, integerRange, perTensorQuant, type TypedArray } from '../core/tensor.js';
import { opNamed } from '../ops/index.js';
import { operandsOf } from '../ops/op.js';
import type { QuantizationPlan } from '../quantize/plan.js';
import { graphToTf } from './graph-to-tf.js';
import { plannedForward } from './planned-quantizer.js';
import { trainingBackend } from './wasm-backend.js';

export interface LayerAgreement {
  readonly node: string;
  readonly op: string;
  readonly values: number; // compared
  readonly equal: number;
  readonly worst: number; // largest difference, in steps of the output (LSB)
}

/**
 * @param float with the weights that `plan` was made for
 * @param int8 applyPlan(float, plan)
 * @param samples of the model's one input
 */
export async function integerAgreement(
  float: Graph,
  plan: QuantizationPlan,
  int8: Graph,
  samples: readonly Float32Array[],
): Promise<readonly LayerAgreement[]> {
  const lib = await trainingBackend();
  const model = graphToTf(lib, float);
  const [, ...shape] = tensorOf(float, float.inputs[0]!).shape;
  const names = [...new Set([...float.inputs, ...float.nodes.flatMap(({ outputs }) => outputs)])];
  const counts = new Map(int8.nodes.map((node) => [node, { values: 0, equal: 0, worst: 0 }]));
  try {
    for (const sample of samples) {
      const reals = lib.tidy(() =>
        model
          .forward([lib.tensor(sample, [1, ...shape])], names, { quantizer: plannedForward(lib, plan) })
          .map((tensor) => tensor.dataSync<'float32'>().slice()),
      );
      const values = asIntegers(int8, new Map(names.map((name, i) => [name, reals[i]!])));
      for (const node of int8.nodes)
        if ([...node.inputs, ...node.outputs].every((name) => isKnown(int8, name, values)))
          compare(int8, node, values, counts.get(node)!);
    }
  } finally {
    model.dispose();
  }
  return int8.nodes.map((node) => ({ node: node.name, op: node.op, ...counts.get(node)! }));
}

/** Every tensor of the int8 graph; what stands between a tensor and one reader has the tensor's values on its own grid. */
function asIntegers(int8: Graph, reals: ReadonlyMap<string, Float32Array>): Map<string, TypedArray> {
  const values = new Map<string, TypedArray>();
  const put = (name: string, from: Float32Array): void => {
    const { scale, zeroPoint } = perTensorQuant(tensorOf(int8, name));
    const { dtype } = tensorOf(int8, name);
    const [min, max] = integerRange[dtype === 'int16' ? 'int16' : 'int8'];
    const integers = Array.from(from, (value) => quantizeValue(value, scale, zeroPoint, [min, max]));
    values.set(name, dtype === 'int16' ? Int16Array.from(integers) : Int8Array.from(integers));
  };
  for (const [name, real] of reals) put(name, real);
  for (const { op, inputs, outputs } of int8.nodes)
    if (op === 'quantize' && !values.has(outputs[0]!)) put(outputs[0]!, reals.get(inputs[0]!)!);
  return values;
}

/** A result of 16 bits that is handed on in 8 has no counterpart in real numbers; what makes and narrows it is left out. */
const isKnown = (int8: Graph, name: string | null, values: ReadonlyMap<string, TypedArray>): boolean =>
  name === null || values.has(name) || isConstant(tensorOf(int8, name));

function compare(
  int8: Graph,
  node: Node,
  values: ReadonlyMap<string, TypedArray>,
  count: { values: number; equal: number; worst: number },
): void {
  const [result] = opNamed(node.op).runInt8(operandsOf(int8, node, values));
  const expected = values.get(node.outputs[0]!)!;
  for (let i = 0; i < elementCount(tensorOf(int8, node.outputs[0]!).shape); i++) {
    const difference = Math.abs(result![i]! - expected[i]!);
    count.values++;
    if (difference === 0) count.equal++;
    else count.worst = Math.max(count.worst, difference);
  }
}
