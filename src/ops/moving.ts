/** What transpose and strided_slice share: an output whose elements are some of the input's, in some order. */
import { dataOf, elementCount, integerArray, type Tensor, type TypedArray } from '../core/tensor.js';
import { activationFaults, isInt16, unequalQuantFaults } from './int8-operands.js';
import { type Moves, mayOverwrite, moveCall, moveElements, moveKernels, moveWork, staysInPlace } from './moves.js';
import type { OpDef, Operands, OpNode } from './op.js';

type Inputs = readonly [input: Tensor, ...others: Operands];

interface MovingOp<Attrs, I extends Inputs>
  extends Pick<OpDef<Attrs, I>, 'name' | 'inputCount' | 'inferShape' | 'tflite' | 'unpinned'> {
  /** How the input's elements come to the output; inferShape has accepted the node. */
  movesOf(inputs: I, attrs: Attrs): Moves;
}

/** The whole operator from its rule for shapes and its moves. */
export function movingOp<Attrs, I extends Inputs>({ movesOf, ...op }: MovingOp<Attrs, I>): OpDef<Attrs, I> {
  const ofNode = ({ inputs, attrs }: OpNode<Attrs, I>): Moves => movesOf(inputs, attrs);
  const countOf = ({ inputs, attrs }: OpNode<Attrs, I>): number => elementCount(op.inferShape(inputs, attrs)[0]!);
  const moved = <Result extends TypedArray>(node: OpNode<Attrs, I>, result: Result): Result[] => {
    moveElements(dataOf(node.inputs[0]), ofNode(node), result);
    return [result];
  };
  return {
    ...op,
    int16: true,
    quantization: { kind: 'same' },

    checkQuant({ inputs: [input], outputs: [output] }) {
      const faults = activationFaults(input, output!);
      return faults.length > 0 ? faults : unequalQuantFaults(op.name, output!, [input]);
    },

    runFloat32: (node) => moved(node, new Float32Array(countOf(node))),
    runInt8: (node) => moved(node, integerArray(node.outputs[0]!, countOf(node))),
    cost: (node) => ({
      macs: 0,
      weightBytes: 0,
      scratchBytes: 0,
      moves: moveWork([ofNode(node)], isInt16(node)),
    }),

    emitC: (node, { symbol, inputs: [inputC], outputs: [outputC] }) => ({
      kernels: moveKernels(isInt16(node)),
      constants: [],
      call: moveCall(`${symbol}_moves`, isInt16(node), ofNode(node), inputC!, false, outputC!),
    }),

    overwrites: (node) => (mayOverwrite(ofNode(node)) ? [0] : []),
    isReshape: (node) => staysInPlace(ofNode(node)),
  };
}
