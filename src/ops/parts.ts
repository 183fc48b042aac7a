/**
 * What concatenation and pack, split, split_v and unpack share: a whole that is, over and over, one run of each part. The axis at which the
 * parts meet decides how long the runs are.
 */
import { dataOf, elementCount, integerArray, type Shape, type Tensor, type TypedArray } from '../core/tensor.js';
import { activationFaults, constantBytes, int8Faults, isInt16, unequalQuantFaults } from './int8-operands.js';
import { type Moves, moveCall, moveElements, moveKernels, moves, moveWork } from './moves.js';
import type { OpDef, Operands, OpNode } from './op.js';

/** A node has no more inputs or outputs: what a file claims must not decide about our memory. */
export const MOST_PARTS = 1024;

/** Where a part lies in its whole. */
interface Part {
  readonly offset: number;
  readonly run: number; // elements that lie together in the whole; in the part all do
}
interface Parts {
  readonly count: number; // runs of each part
  readonly whole: number; // elements from a part's run to its next
  readonly parts: readonly Part[];
}

/** Parts whose axes before `axis` are those of the whole. */
export function partsOf(shapes: readonly Shape[], axis: number): Parts {
  const runs = shapes.map((shape) => elementCount(shape.slice(axis)));
  let offset = 0;
  const parts = runs.map((run) => {
    offset += run;
    return { offset: offset - run, run };
  });
  return { count: elementCount(shapes[0]!.slice(0, axis)), whole: offset, parts };
}

/** From each part into the whole. */
export const joiningMoves = ({ count, whole, parts }: Parts): Moves[] =>
  parts.map(({ offset, run }) =>
    moves(
      [
        { size: count, from: run, to: whole },
        { size: run, from: 1, to: 1 },
      ],
      0,
      offset,
    ),
  );

/** From the whole into each part. */
export const splittingMoves = ({ count, whole, parts }: Parts): Moves[] =>
  parts.map(({ offset, run }) =>
    moves(
      [
        { size: count, from: whole, to: run },
        { size: run, from: 1, to: 1 },
      ],
      offset,
    ),
  );

type Inputs = readonly [Tensor, ...Tensor[]];
interface JoiningOp<Attrs>
  extends Pick<OpDef<Attrs, Inputs>, 'name' | 'inputCount' | 'int16' | 'inferShape' | 'tflite'> {
  /** At which axis of the inputs they are joined; inferShape has accepted the node. */
  axisOf(inputs: Inputs, attrs: Attrs): number;
}

/** The whole operator from its rule for shapes and its axis. Inputs may be constants. */
export function joiningOp<Attrs>({ axisOf, ...op }: JoiningOp<Attrs>): OpDef<Attrs, Inputs> {
  type JoinNode = OpNode<Attrs, Inputs>;
  const movesOf = ({ inputs, attrs }: JoinNode): Moves[] =>
    joiningMoves(
      partsOf(
        inputs.map(({ shape }) => shape),
        axisOf(inputs, attrs),
      ),
    );
  const countOf = ({ inputs }: JoinNode): number => inputs.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  const joined = <Result extends TypedArray>(node: JoinNode, result: Result): Result[] => {
    for (const [i, each] of movesOf(node).entries()) moveElements(dataOf(node.inputs[i]!), each, result);
    return [result];
  };
  return {
    ...op,
    quantization: { kind: 'same' },

    checkQuant({ inputs, outputs: [output] }) {
      const faults = (op.int16 ? activationFaults : int8Faults)(...inputs, output!);
      return faults.length > 0 ? faults : unequalQuantFaults(op.name, output!, inputs);
    },

    runFloat32: (node) => joined(node, new Float32Array(countOf(node))),
    runInt8: (node) => joined(node, integerArray(node.outputs[0]!, countOf(node))),
    cost: (node) => ({
      macs: 0,
      weightBytes: constantBytes(node.inputs),
      scratchBytes: 0,
      moves: moveWork(movesOf(node), isInt16(node)),
    }),

    emitC(node, { symbol, inputs: inputsC, outputs: [outputC] }) {
      const wide = isInt16(node);
      const type = wide ? ('int16_t' as const) : ('int8_t' as const);
      const source = (i: number): string => (node.inputs[i]!.data ? `${symbol}_input_${i}` : inputsC[i]!);
      return {
        kernels: moveKernels(wide),
        constants: node.inputs.flatMap(({ data }, i) =>
          data ? [{ name: `${symbol}_input_${i}`, type, values: data }] : [],
        ),
        call: movesOf(node)
          .map((each, i) =>
            moveCall(`${symbol}_moves_${i}`, wide, each, source(i), node.inputs[i]!.data !== undefined, outputC!),
          )
          .join('\n'),
      };
    },

    isReshape: ({ inputs }) => inputs.length === 1,
  };
}

type Whole = readonly [input: Tensor, ...others: Operands];
interface SplittingOp<Attrs, I extends Whole>
  extends Pick<OpDef<Attrs, I>, 'name' | 'inputCount' | 'int16' | 'inferShape' | 'tflite'> {
  /** At which axis of the input it is cut; inferShape has accepted the node. */
  axisOf(inputs: I, attrs: Attrs): number;
}

/** The whole operator from its rule for shapes and its axis. */
export function splittingOp<Attrs, I extends Whole>({ axisOf, ...op }: SplittingOp<Attrs, I>): OpDef<Attrs, I> {
  const shapesOf = ({ inputs, attrs }: OpNode<Attrs, I>): readonly Shape[] => op.inferShape(inputs, attrs);
  const movesOf = (node: OpNode<Attrs, I>): Moves[] =>
    splittingMoves(partsOf(shapesOf(node), axisOf(node.inputs, node.attrs)));
  const cut = <Result extends TypedArray>(node: OpNode<Attrs, I>, arrayOf: (count: number) => Result): Result[] => {
    const shapes = shapesOf(node);
    return movesOf(node).map((each, i) => {
      const part = arrayOf(elementCount(shapes[i]!));
      moveElements(dataOf(node.inputs[0]), each, part);
      return part;
    });
  };
  return {
    ...op,
    quantization: { kind: 'same' },

    checkQuant({ inputs: [input], outputs }) {
      const faults = (op.int16 ? activationFaults : int8Faults)(input, ...outputs);
      return faults.length > 0 ? faults : outputs.flatMap((output) => unequalQuantFaults(op.name, output, [input]));
    },

    runFloat32: (node) => cut(node, (count) => new Float32Array(count)),
    runInt8: (node) => cut(node, (count) => integerArray(node.inputs[0], count)),
    cost: (node) => ({
      macs: 0,
      weightBytes: 0,
      scratchBytes: 0,
      moves: moveWork(movesOf(node), isInt16(node)),
    }),

    emitC: (node, { symbol, inputs: [inputC], outputs: outputsC }) => ({
      kernels: moveKernels(isInt16(node)),
      constants: [],
      call: movesOf(node)
        .map((each, i) => moveCall(`${symbol}_moves_${i}`, isInt16(node), each, inputC!, false, outputsC[i]!))
        .join('\n'),
    }),

    isReshape: ({ outputs }) => outputs.length === 1,
  };
}
