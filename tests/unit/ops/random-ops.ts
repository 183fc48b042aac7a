/** Single-operator graphs with shapes, scales and constants that no golden model has. Same seed, same graphs. */
import type { Graph } from '../../../src/core/graph.js';
import { elementCount, type Shape, type Tensor, type TypedArray } from '../../../src/core/tensor.js';
import { opNamed } from '../../../src/ops/index.js';
import { operandsOf } from '../../../src/ops/op.js';

/** A small linear congruential generator: uniform integers below a bound. */
export function randomIntegers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state >> 8) % below;
  };
}

const random = randomIntegers(7);

export const randomBytes = (count: number): Int8Array => Int8Array.from({ length: count }, () => random(256) - 128);

export function int8Tensor(name: string, shape: Shape, scale: number, zeroPoint: number, data?: TypedArray): Tensor {
  const quant = { scale: [Math.fround(scale)], zeroPoint: [zeroPoint], axis: null };
  return { name, shape, dtype: 'int8', quant, ...(data && { data }) };
}

export const int32Constant = (name: string, shape: Shape, values: readonly number[]): Tensor => ({
  name,
  shape,
  dtype: 'int32',
  data: Int32Array.from(values),
});

/** A tensor with random values that are constant. */
export const constantTensor = (name: string, shape: Shape, scale: number, zeroPoint: number): Tensor =>
  int8Tensor(name, shape, scale, zeroPoint, randomBytes(elementCount(shape)));

/** A graph of one node; its inputs are the operands without values, its outputs `y`, `y1`, `y2` … */
export function graphOf(
  op: string,
  operands: readonly Tensor[],
  attrs: Readonly<Record<string, unknown>>,
  output: { readonly scale: number; readonly zeroPoint: number },
): Graph {
  const results = opNamed(op)
    .inferShape(operands, attrs)
    .map((shape, i) => int8Tensor(i === 0 ? 'y' : `y${i}`, shape, output.scale, output.zeroPoint));
  const outputs = results.map(({ name }) => name);
  const node = { name: op, op, inputs: operands.map(({ name }) => name), outputs, attrs };
  return {
    name: op,
    tensors: new Map([...operands, ...results].map((tensor) => [tensor.name, tensor])),
    nodes: [node],
    inputs: operands.filter(({ data }) => !data).map(({ name }) => name),
    outputs,
  };
}

/** The reference's results for inputs in the graph's order. */
export function referenceOf(graph: Graph, inputs: readonly TypedArray[]): readonly TypedArray[] {
  const node = operandsOf(graph, graph.nodes[0]!, new Map(graph.inputs.map((name, i) => [name, inputs[i]!])));
  return opNamed(graph.nodes[0]!.op).runInt8(node);
}
