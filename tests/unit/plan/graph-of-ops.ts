/** Graphs of real operators without weights, small enough to reason about: what the planner's tests plan. */
import fc from 'fast-check';
import type { Graph, Node } from '../../../src/core/graph.js';
import type { Tensor } from '../../../src/core/tensor.js';

export const quant = { scale: [0.5], zeroPoint: [0], axis: null };

/** An int8 tensor; a batch of 1 is put in front. */
export const int8 = (name: string, ...shape: readonly number[]): Tensor => ({
  name,
  shape: [1, ...shape],
  dtype: 'int8',
  quant,
});

export const graphOf = (
  tensors: readonly Tensor[],
  nodes: readonly Omit<Node, 'name'>[],
  inputs: readonly string[],
  outputs: readonly string[],
): Graph => ({
  name: 'test',
  tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])),
  nodes: nodes.map((node) => ({ ...node, name: `make_${node.outputs[0]}` })),
  inputs,
  outputs,
});

export const relu = (input: string, output: string) => ({ op: 'relu', inputs: [input], outputs: [output], attrs: {} });
export const add = (a: string, b: string, output: string) => ({
  op: 'add',
  inputs: [a, b],
  outputs: [output],
  attrs: { activation: 'none' },
});
export const maxPool = (input: string, output: string) => ({
  op: 'max_pool_2d',
  inputs: [input],
  outputs: [output],
  attrs: { filter: [2, 2], stride: [2, 2], padding: 'VALID', activation: 'none' },
});

/** Each node reads any earlier tensors; what nobody reads is an output of the model. */
function randomGraph(choices: readonly (readonly [kind: number, first: number, second: number])[]): Graph {
  const tensors = [int8('t0', 8, 8, 3), int8('t1', 8, 8, 3)];
  const nodes = choices.map(([kind, first, second], i) => {
    const name = `t${i + 2}`;
    const a = tensors[first % tensors.length]!;
    const same = tensors.filter(({ shape }) => shape.join() === a.shape.join());
    const b = same[second % same.length]!;
    const [, height = 0, width = 0, channels = 0] = a.shape;
    const pools = kind === 2 && height > 1;
    tensors.push(pools ? int8(name, height / 2, width / 2, channels) : int8(name, height, width, channels));
    return pools ? maxPool(a.name, name) : kind === 1 ? add(a.name, b.name, name) : relu(a.name, name);
  });
  const read = new Set(nodes.flatMap(({ inputs }) => inputs));
  const outputs = tensors.slice(2).filter(({ name }) => !read.has(name));
  return graphOf(
    tensors,
    nodes,
    ['t0', 't1'],
    outputs.map(({ name }) => name),
  );
}

/** Graphs of up to 14 nodes with branches, joins, and several inputs and outputs. */
export const graphs: fc.Arbitrary<Graph> = fc
  .array(fc.tuple(fc.nat(2), fc.nat(99), fc.nat(99)), { minLength: 1, maxLength: 14 })
  .map(randomGraph);
