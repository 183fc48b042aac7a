/** What add, sub, mul and prelu share: two operands with broadcasting, a constant one in flash, a fused activation. */

import { clamp } from '../core/fixed-point.js';
import {
  dataOf,
  elementCount,
  integerArray,
  perTensorQuant,
  sameShape,
  type Tensor,
  type TypedArray,
} from '../core/tensor.js';
import { type Activation, type ActivationRange, activationRange, activationRangeQuantized } from './activation.js';
import { broadcastLoops, broadcastShape, forEachPair, loopsText } from './broadcast.js';
import { activationFaults, constantBytes, int8Faults, isInt16 } from './int8-operands.js';
import type { EmittedC, KernelVariant, OpDef, OpNode, QuantRule, TfliteMapping } from './op.js';

export interface BinaryAttrs {
  readonly activation: Activation;
}
export type BinaryInputs = readonly [a: Tensor, b: Tensor];
export type BinaryNode = OpNode<BinaryAttrs, BinaryInputs>;

export interface BinaryOp {
  readonly name: string;
  readonly quantization: QuantRule;
  float32(a: number, b: number): number;
  /** Two integers to the output before zero_point and clamp, prepared once per node; of 16 bits where `int16` is given. */
  int8(node: BinaryNode): (a: number, b: number) => number;
  /** Sentences about scales that the arithmetic cannot honour; dtypes have been checked. */
  scaleFaults(node: BinaryNode): readonly string[];
  readonly kernels: readonly string[]; // the op's own, after those of every binary op
  readonly kernel: string; // the C function
  readonly int16?: Pick<BinaryOp, 'kernels' | 'kernel'>; // the same for 16-bit operands; absent = refused
  /** Its arguments between the second operand and the output: what the arithmetic needs. */
  kernelArguments(node: BinaryNode): string;
  readonly variants?: readonly KernelVariant<BinaryAttrs, BinaryInputs>[];
  readonly tflite: TfliteMapping<BinaryAttrs, BinaryInputs>;
}

/** The whole operator from its arithmetic. */
export function binaryOp(op: BinaryOp): OpDef<BinaryAttrs, BinaryInputs> {
  return {
    name: op.name,
    inputCount: [2, 2],
    int16: op.int16 !== undefined,
    quantization: op.quantization,
    inferShape: ([a, b]) => [broadcastShape(op.name, a, b)],

    checkQuant(node) {
      const faults = (op.int16 ? activationFaults : int8Faults)(...node.inputs, node.outputs[0]!);
      return faults.length > 0 ? faults : op.scaleFaults(node);
    },

    runFloat32({ inputs, attrs }) {
      const range = activationRange[attrs.activation];
      const result = new Float32Array(elementCount(broadcastShape(op.name, ...inputs)));
      return [combineOperands(inputs, result, clamped(range, op.float32))];
    },

    runInt8(node) {
      const output = node.outputs[0]!;
      const { zeroPoint } = perTensorQuant(output);
      const arithmetic = op.int8(node);
      const range = activationRangeQuantized(node.attrs.activation, output);
      const result = integerArray(output, elementCount(output.shape));
      return [
        combineOperands(
          node.inputs,
          result,
          clamped(range, (a, b) => arithmetic(a, b) + zeroPoint),
        ),
      ];
    },

    cost: ({ inputs }) => ({ macs: 0, weightBytes: constantBytes(inputs), scratchBytes: 0 }),
    emitC: (node, names) => emitBinary(op, node, names),
    ...(op.variants && { variants: op.variants }),

    overwrites({ inputs, outputs: [output] }) {
      const whole = (tensor: Tensor): boolean => !tensor.data && sameShape(tensor.shape, output!.shape);
      return [0, 1].filter((position) => whole(inputs[position]!)); // a repeated operand is read after its place is written
    },

    tflite: op.tflite,
  };
}

type Arithmetic = (a: number, b: number) => number;

const clamped =
  ([min, max]: ActivationRange, arithmetic: Arithmetic): Arithmetic =>
  (a, b) =>
    clamp(arithmetic(a, b), min, max);

/** Fills `result`, which is as long as both operands broadcast to one shape. */
export function combineOperands<Result extends TypedArray>(
  [a, b]: BinaryInputs,
  result: Result,
  arithmetic: Arithmetic,
): Result {
  const [x, y] = [dataOf(a), dataOf(b)];
  forEachPair(broadcastLoops(a.shape, b.shape), (out, i, j) => {
    result[out] = arithmetic(x[i]!, y[j]!);
  });
  return result;
}

function emitBinary(
  op: BinaryOp,
  node: BinaryNode,
  { symbol, inputs, outputs }: Parameters<OpDef['emitC']>[1],
): EmittedC {
  const output = node.outputs[0]!;
  const wide = isInt16(node);
  const { kernel, kernels } = (wide && op.int16) || op;
  const [min, max] = activationRangeQuantized(node.attrs.activation, output);
  const constants = node.inputs.flatMap((tensor, i) =>
    tensor.data
      ? [
          {
            name: `${symbol}_operand_${i}`,
            type: wide ? ('int16_t' as const) : ('int8_t' as const),
            values: tensor.data,
          },
        ]
      : [],
  );
  const operand = (i: 0 | 1): string => {
    const { data } = node.inputs[i];
    const { zeroPoint } = perTensorQuant(node.inputs[i]);
    return `${data ? `${symbol}_operand_${i}` : inputs[i]}, /* in flash */ ${data ? 1 : 0}, /* zero_point */ ${zeroPoint}`;
  };
  return {
    kernels: [
      'thimble_base.h',
      'thimble_fixed_point.h',
      `thimble_operand_${wide ? 's16' : 's8'}.h`,
      'thimble_broadcast.h',
      ...kernels,
    ],
    constants,
    call: `const thimble_broadcast ${symbol}_loops =
    ${loopsText(broadcastLoops(node.inputs[0].shape, node.inputs[1].shape))};
${kernel}(
    &${symbol}_loops,
    ${operand(0)},
    ${operand(1)},
    ${op.kernelArguments(node)},
    ${outputs[0]}, /* zero_point, activation_min, activation_max */ ${perTensorQuant(output).zeroPoint}, ${min}, ${max});`,
  };
}
