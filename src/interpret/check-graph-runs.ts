/** What must hold before a graph can run; a faulty one is reported whole, not fault by fault. */
import { ThimbleError } from '../core/errors.js';
import type { Graph, Node } from '../core/graph.js';
import { sameShape, shapeText } from '../core/tensor.js';
import { findOp, opNamed } from '../ops/index.js';
import { type OpNode, operandsOf } from '../ops/op.js';

/** A node computes in real numbers if it writes float32 and reads no integer activation or weight. */
export const isFloatNode = ({ inputs, outputs }: OpNode): boolean =>
  outputs[0]?.dtype === 'float32' && inputs.every((input) => input?.dtype !== 'int8' && input?.dtype !== 'int16');

/**
 * Every operator is known, has operands that fit, and every integer node can be computed exactly.
 * @throws ThimbleError E_UNSUPPORTED_OP, E_SHAPE or E_QUANT with all faults of that kind
 */
export function checkGraphRuns(graph: Graph): void {
  refuse('E_UNSUPPORTED_OP', graph, unknownOpFaults, [
    'Replace these operators by those that docs/operators.md lists, or cut the model before them and compute the rest on the host.',
  ]);
  refuse('E_SHAPE', graph, shapeFaults, [
    'Export the model again; if a tool edited it, check what it did to the shapes.',
  ]);
  refuse('E_QUANT', graph, quantFaults, [
    'Quantize the float model with Thimble, whose int8 models always qualify.',
    'Or convert it with full-integer int8 quantization (TFLITE_BUILTINS_INT8) and a representative dataset.',
  ]);
}

function refuse(
  code: 'E_UNSUPPORTED_OP' | 'E_SHAPE' | 'E_QUANT',
  graph: Graph,
  faultsOf: (graph: Graph, node: Node) => readonly string[],
  hints: readonly string[],
): void {
  const faults = graph.nodes.flatMap((node) =>
    faultsOf(graph, node).map((fault) => `${fault} (at node "${node.name}", ${node.op})`),
  );
  if (faults.length > 0)
    throw new ThimbleError(code, `"${graph.name}" cannot run: ${faults.join('; ')}`, hints, {
      where: `in ${faults.length} place${faults.length > 1 ? 's' : ''}`,
    });
}

const unknownOpFaults = (_: Graph, { op }: Node): string[] => (findOp(op) ? [] : ['not a supported operator']);

function shapeFaults(graph: Graph, node: Node): string[] {
  const [min, max] = opNamed(node.op).inputCount;
  const present = node.inputs.length;
  if (present < min || present > max || node.inputs.slice(0, min).includes(null))
    return [`it has ${present} inputs, ${min === max ? min : `${min} to ${max}`} are needed`];
  const operands = operandsOf(graph, node);
  try {
    const shapes = opNamed(node.op).inferShape(operands.inputs, operands.attrs);
    return operands.outputs
      .filter(({ shape }, i) => !shapes[i] || !sameShape(shape, shapes[i]))
      .map(({ name, shape }) => `"${name}" is declared as ${shapeText(shape)}, but computes to another shape`);
  } catch (error) {
    if (error instanceof ThimbleError) return [error.message];
    throw error;
  }
}

function quantFaults(graph: Graph, node: Node): readonly string[] {
  const operands = operandsOf(graph, node);
  return isFloatNode(operands) ? [] : opNamed(node.op).checkQuant(operands);
}
