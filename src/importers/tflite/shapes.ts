/** Runs every op's shape rule over an imported graph: later stages rely on the shapes that the file declares. */
import { ThimbleError } from '../../core/errors.js';
import { type Graph, tensorOf } from '../../core/graph.js';
import { sameShape, shapeText } from '../../core/tensor.js';
import { opNamed } from '../../ops/index.js';
import { type OpNode, operandsOf } from '../../ops/op.js';
import { refuseModel } from './unsupported.js';

/** @throws ThimbleError E_SHAPE, E_MODEL_FORMAT, E_UNSUPPORTED_MODEL for a batch other than 1 */
export function checkShapes(graph: Graph): Graph {
  for (const node of graph.nodes) {
    const operands = operandsOf(graph, node);
    const expected = inferred(graph, node.op, operands);
    if (expected.length !== operands.outputs.length)
      throw formatFault(node.name, `has ${operands.outputs.length} outputs; the op makes ${expected.length}`);
    operands.outputs.forEach((output, i) => {
      if (!sameShape(output.shape, expected[i]!))
        throw formatFault(
          node.name,
          `declares the output shape ${shapeText(output.shape)}, but its inputs give ${shapeText(expected[i]!)}`,
        );
    });
  }
  return graph;
}

function inferred(graph: Graph, op: string, { inputs, attrs, name }: OpNode): readonly (readonly number[])[] {
  try {
    return opNamed(op).inferShape(inputs, attrs);
  } catch (error) {
    const batched = graph.inputs.find((input) => (tensorOf(graph, input).shape[0] ?? 1) !== 1);
    if (error instanceof ThimbleError && batched !== undefined)
      throw refuseModel('batch', batched, shapeText(tensorOf(graph, batched).shape));
    if (error instanceof ThimbleError && error.where === undefined)
      throw new ThimbleError(error.code, error.message, error.hints, {
        where: `at node "${name}" (${op})`,
        cause: error,
      });
    throw error;
  }
}

const formatFault = (node: string, fault: string): ThimbleError =>
  new ThimbleError('E_MODEL_FORMAT', `node "${node}" ${fault}`, 'Export the model again.', {
    where: `at node "${node}"`,
  });
