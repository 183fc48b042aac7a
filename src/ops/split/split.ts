/** split: cuts a tensor into equal parts along one axis, which is a constant. */
import { ThimbleError } from '../../core/errors.js';
import { dataOf, elementCount, shapeText, type Tensor, type TypedArray } from '../../core/tensor.js';
import { axisIn, constantNumber } from '../axis.js';
import { int8Faults, unequalQuantFaults } from '../int8-operands.js';
import { type Moves, moveCall, moveElements, moveKernels } from '../moves.js';
import type { OpDef, OpNode } from '../op.js';
import { partsOf, splittingMoves } from '../parts.js';
import { versionOf } from '../tflite-options.js';

export interface SplitAttrs {
  readonly count: number; // of the parts
}
type Inputs = readonly [input: Tensor, axis: Tensor];

export const split: OpDef<SplitAttrs, Inputs> = {
  name: 'split',
  inputCount: [2, 2],
  quantization: { kind: 'same' },

  inferShape([{ name, shape }, axis], { count }) {
    const at = axisIn(constantNumber(axis), shape.length);
    if (at === undefined || !(count > 0 && count <= shape[at]!) || shape[at]! % count !== 0)
      throw new ThimbleError(
        'E_SHAPE',
        `split of "${name}" ${shapeText(shape)} into ${count}: "${axis.name}" must be one constant axis that is a ` +
          `multiple of ${count}`,
        'Export the model with a constant axis and equal parts.',
      );
    return new Array<readonly number[]>(count).fill(shape.with(at, shape[at]! / count));
  },

  checkQuant({ inputs: [input], outputs }) {
    const faults = int8Faults(input, ...outputs);
    return faults.length > 0 ? faults : outputs.flatMap((output) => unequalQuantFaults('split', output, [input]));
  },

  runFloat32: (node) => cut(node, (count) => new Float32Array(count)),
  runInt8: (node) => cut(node, (count) => new Int8Array(count)),
  cost: () => ({ macs: 0, weightBytes: 0, scratchBytes: 0 }),

  emitC: (node, { symbol, inputs: [inputC], outputs: outputsC }) => ({
    kernels: moveKernels,
    constants: [],
    call: movesOf(node)
      .map((each, i) => moveCall(`${symbol}_moves_${i}`, each, inputC!, false, outputsC[i]!))
      .join('\n'),
  }),

  isReshape: ({ attrs: { count } }) => count === 1,

  tflite: {
    builtin: 49,
    options: 35,
    order: [1, 0],
    version: (node) => versionOf(node, 2),
    read: (options) => ({ count: options.int32(0) }),
    write: ({ count }) => [{ id: 0, type: 'int32', value: count }],
  },
};

function movesOf({ inputs, attrs }: OpNode<SplitAttrs, Inputs>): Moves[] {
  const [{ shape }, axis] = inputs;
  return splittingMoves(partsOf(split.inferShape(inputs, attrs), axisIn(constantNumber(axis), shape.length)!));
}

function cut<Result extends TypedArray>(
  node: OpNode<SplitAttrs, Inputs>,
  arrayOf: (count: number) => Result,
): Result[] {
  const [input] = node.inputs;
  return movesOf(node).map((each) => {
    const part = arrayOf(elementCount(input.shape) / node.attrs.count);
    moveElements(dataOf(input), each, part);
    return part;
  });
}
