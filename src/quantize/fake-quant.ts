/**
 * Fake quantization: a float32 graph that computes in real numbers, but whose weights and activations are moved to the
 * values that a plan's integers stand for. Between float and int8 it tells the loss of few values from that of integer
 * arithmetic, and, with some layers left alone, which layer loses how much.
 */
import { clamp, roundHalfAway } from '../core/fixed-point.js';
import { type Graph, isConstant, type Node, tensorOf } from '../core/graph.js';
import { dataOf, elementCount, integerRange, type QuantParams, type Tensor, type TypedArray } from '../core/tensor.js';
import { opNamed } from '../ops/index.js';
import { type OpNode, operandsOf } from '../ops/op.js';
import type { QuantizationPlan, TensorPlan } from './plan.js';
import { prepared } from './quantizable.js';

/** Which nodes compute with quantized weights and give quantized outputs. */
export type Which = (node: Node) => boolean;

/** The integers that a planned tensor may take; symmetric int8 weights leave −128 out. */
export const integersOf = (
  { dtype, zeroPoint }: Pick<TensorPlan, 'dtype' | 'zeroPoint'>,
  constant: boolean,
): readonly [number, number] => {
  if (dtype === 'int32') return [-(2 ** 31), 2 ** 31 - 1];
  if (dtype === 'int64') return [-(2 ** 47), 2 ** 47];
  if (dtype === 'int16') return integerRange.int16;
  const symmetric = zeroPoint.every((each) => each === 0);
  return [constant && symmetric ? -127 : -128, 127];
};

/** Values moved to the grid of a quantization, as real numbers. */
export function snapped(
  values: ArrayLike<number>,
  shape: readonly number[],
  { scale, zeroPoint, axis }: QuantParams,
  [min, max]: readonly [number, number],
): Float32Array {
  const inner = axis === null ? values.length : elementCount(shape.slice(axis + 1));
  const result = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const channel = axis === null ? 0 : Math.floor(i / inner) % scale.length;
    const [step, zero] = [scale[channel]!, zeroPoint[channel]!];
    result[i] = step * (clamp(roundHalfAway(values[i]! / step) + zero, min, max) - zero);
  }
  return result;
}

/** A node with all that does not change between samples looked up once. */
export interface FakeQuantStep {
  readonly node: Node;
  /** @param values of every tensor that is not constant; the node's own results, on the grid where it is quantized */
  run(values: ReadonlyMap<string, TypedArray>): readonly Float32Array[];
}

export interface FakeQuant {
  readonly graph: Graph; // every constant with one reader, every convolution with a bias
  readonly steps: readonly FakeQuantStep[];
  /** The model's inputs as the quantized model would see them. */
  inputs(sample: readonly TypedArray[]): Map<string, TypedArray>;
}

/** @param which nodes are quantized; all unless given. The model's inputs are where any is. */
export function fakeQuant(graph: Graph, plan: QuantizationPlan, which: Which = () => true): FakeQuant {
  const own = prepared(graph);
  return {
    graph: own,
    steps: own.nodes.map((node) => fakeQuantStep(own, plan, node, which(node))),
    inputs: (sample) =>
      new Map(
        own.inputs.map((name, i) => [name, own.nodes.some(which) ? onGrid(own, plan, name, sample[i]!) : sample[i]!]),
      ),
  };
}

/** @param own as `prepared` gives it; @param quantized false: the node computes as in the float32 graph */
export function fakeQuantStep(own: Graph, plan: QuantizationPlan, node: Node, quantized: boolean): FakeQuantStep {
  const operands = operandsOf(own, node);
  if (!quantized) return { node, run: prepareCompute(operands, node, []) };
  const inputs = operands.inputs.map((tensor) => tensor && onPlannedGrid(tensor, plan));
  const changes = plan.requantize.filter((change) => change.node === node.name);
  const compute = prepareCompute({ ...operands, inputs }, node, changes);
  return {
    node,
    run: (values) =>
      compute(values).map((result, i) => {
        const first = plan.results.find((each) => each.node === node.name && each.output === i);
        const computed = first
          ? snapped(result, tensorOf(own, node.outputs[i]!).shape, first, integersOf(first, false))
          : result;
        return onGrid(own, plan, node.outputs[i]!, computed) as Float32Array;
      }),
  };
}

const plannedFor = (plan: QuantizationPlan, name: string): TensorPlan | undefined =>
  Object.hasOwn(plan.tensors, name) ? plan.tensors[name] : undefined;

function onGrid(own: Graph, plan: QuantizationPlan, name: string, values: TypedArray): TypedArray {
  const entry = plannedFor(plan, name);
  return entry ? snapped(values, tensorOf(own, name).shape, entry, integersOf(entry, false)) : values;
}

/** A constant with the values that its integers will have; what varies stays as it is. */
export function onPlannedGrid(tensor: Tensor, plan: QuantizationPlan): Tensor {
  const entry = plannedFor(plan, tensor.name);
  if (!entry || tensor.dtype !== 'float32' || !isConstant(tensor)) return tensor;
  return { ...tensor, data: snapped(dataOf(tensor), tensor.shape, entry, integersOf(entry, true)) };
}

/** The float graph whose weights are the values that the plan's integers stand for; activations stay free. */
export function floatOnGrid(graph: Graph, plan: QuantizationPlan): Graph {
  const own = prepared(graph);
  const tensors = new Map([...own.tensors].map(([name, tensor]) => [name, onPlannedGrid(tensor, plan)]));
  return { ...own, tensors };
}

function prepareCompute(
  operands: OpNode,
  { op: name, inputs: names }: Node,
  changes: QuantizationPlan['requantize'],
): (values: ReadonlyMap<string, TypedArray>) => readonly Float32Array[] {
  const op = opNamed(name);
  const [varying, ...others] = operands.inputs;
  if (changes.length === 0 && varying && !isConstant(varying) && others.every((each) => !each || isConstant(each))) {
    const prepared = op.prepareFloat32?.(operands);
    if (prepared) return (values) => prepared(values.get(varying.name)!);
  }
  return (values) => {
    const inputs = operands.inputs.map((tensor, i) => {
      if (!tensor || isConstant(tensor)) return tensor;
      const value = values.get(names[i]!)!;
      const change = changes.find(({ input }) => input === i);
      return { ...tensor, data: change ? snapped(value, tensor.shape, change, integersOf(change, false)) : value };
    });
    return op.runFloat32({ ...operands, inputs });
  };
}

/** One sample through the graph. @returns every tensor that is not constant, the inputs included */
export function runFakeQuant({ steps, inputs }: FakeQuant, sample: readonly TypedArray[]): Map<string, TypedArray> {
  const values = inputs(sample);
  for (const { node, run } of steps)
    run(values).forEach((result, i) => {
      values.set(node.outputs[i]!, result);
    });
  return values;
}
