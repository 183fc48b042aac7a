/** Graphs of real operators without weights, small enough to reason about: what the planner's tests plan. */
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
