/** Removes nodes whose output is their input, bit for bit. */
import type { Graph, Node } from '../core/graph.js';
import { sameQuant, sameShape } from '../core/tensor.js';
import { channelArithmetic } from './channel-arithmetic.js';
import { GraphEdit } from './graph-edit.js';
import type { PassResult } from './pass.js';

export function removeIdentities(graph: Graph): PassResult {
  const edit = new GraphEdit(graph);
  for (const snapshot of edit.nodes()) {
    const node = edit.has(snapshot) ? snapshot : edit.producer(snapshot.outputs[0]!);
    const [output] = node?.outputs ?? [];
    const same = node && sourceOf(edit, node);
    if (!node || same === undefined || output === undefined) continue;
    if (edit.bypass(node, output, same)) edit.note(`${node.op} "${node.name}" changes nothing and is removed`);
  }
  return edit.finish('remove-identities');
}

/** The tensor that a node's output equals; undefined where there is none. */
function sourceOf(edit: GraphEdit, node: Node): string | undefined {
  const [input] = node.inputs;
  const [output] = node.outputs;
  if (input == null || output === undefined) return undefined;
  const [from, to] = [edit.tensor(input), edit.tensor(output)];
  if (node.op === 'quantize') return beforeDequantize(edit, input, output);
  if (isNeutralArithmetic(edit, node)) return channelArithmetic(edit, node)?.x;
  const movesNothing = node.op === 'reshape' || node.op === 'pad' || (node.op === 'concatenation' && isSingle(node));
  const isEqual = sameShape(from.shape, to.shape) && from.dtype === to.dtype && sameQuant(from.quant, to.quant);
  return movesNothing && isEqual ? input : undefined;
}

const isSingle = (node: Node): boolean => node.inputs.length === 1;

/** x · 1 and x + 0, in float32 and without an activation. */
function isNeutralArithmetic(edit: GraphEdit, node: Node): boolean {
  const arithmetic = channelArithmetic(edit, node);
  if (!arithmetic || (node.attrs['activation'] ?? 'none') !== 'none') return false;
  const neutral = arithmetic.op === 'mul' ? 1 : 0;
  const count = edit.tensor(arithmetic.constant).data?.length ?? 0;
  return Array.from({ length: count }, (_, c) => arithmetic.at(c)).every((value) => value === neutral);
}

/** quantize(dequantize(q)) with equal parameters is q; the other order would round. */
function beforeDequantize(edit: GraphEdit, real: string, output: string): string | undefined {
  const dequantize = edit.producer(real);
  const [q] = dequantize?.inputs ?? [];
  if (dequantize?.op !== 'dequantize' || q == null) return undefined;
  const [from, to] = [edit.tensor(q), edit.tensor(output)];
  return from.dtype === to.dtype && sameQuant(from.quant, to.quant) ? q : undefined;
}
