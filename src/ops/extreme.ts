/**
 * What maximum and minimum share: the larger or the smaller of two bytes, with broadcasting. TFLite Micro's int8 kernels
 * compare the bytes and hand one of them on, whatever the tensors' quantizations say; these give the same bytes.
 * Converters write one quantization for all three tensors, where it is right.
 */
import { elementCount, sameShape, type Tensor } from '../core/tensor.js';
import { type BinaryInputs, combineOperands } from './binary.js';
import { broadcastLoops, broadcastShape, loopsText } from './broadcast.js';
import { constantBytes, int8Faults } from './int8-operands.js';
import type { CNames, EmittedC, OpDef, OpNode } from './op.js';
import { noOptions } from './tflite-options.js';

type Attrs = Readonly<Record<string, never>>;

export interface ExtremeOp {
  readonly name: 'maximum' | 'minimum';
  readonly builtin: number;
}

export function extremeOp({ name, builtin }: ExtremeOp): OpDef<Attrs, BinaryInputs> {
  const pick = name === 'maximum' ? Math.max : Math.min;
  return {
    name,
    inputCount: [2, 2],
    quantization: { kind: 'same' },
    inferShape: ([a, b]) => [broadcastShape(name, a, b)],
    checkQuant: ({ inputs, outputs: [output] }) => int8Faults(...inputs, output!),
    runFloat32: ({ inputs }) => [combineOperands(inputs, new Float32Array(countOf(inputs)), pick)],
    runInt8: ({ inputs }) => [combineOperands(inputs, new Int8Array(countOf(inputs)), pick)],
    cost: ({ inputs }) => ({ macs: 0, weightBytes: constantBytes(inputs), scratchBytes: 0 }),
    emitC: (node, names) => emitExtreme(name, node, names),

    overwrites({ inputs, outputs: [output] }) {
      const whole = (tensor: Tensor): boolean => !tensor.data && sameShape(tensor.shape, output!.shape);
      return [0, 1].filter((position) => whole(inputs[position]!));
    },

    tflite: noOptions(builtin, 2, 39),
  };
}

const countOf = ([a, b]: BinaryInputs): number => elementCount(broadcastShape('', a, b));

function emitExtreme(
  name: ExtremeOp['name'],
  { inputs }: OpNode<Attrs, BinaryInputs>,
  { symbol, inputs: inputsC, outputs: [outputC] }: CNames,
): EmittedC {
  const operand = (i: 0 | 1): string =>
    inputs[i].data ? `${symbol}_operand_${i}, /* in flash */ 1` : `${inputsC[i]}, /* in flash */ 0`;
  return {
    kernels: ['thimble_base.h', 'thimble_operand_s8.h', 'thimble_broadcast.h', 'thimble_extreme_s8.h'],
    constants: inputs.flatMap(({ data }, i) =>
      data ? [{ name: `${symbol}_operand_${i}`, type: 'int8_t' as const, values: data }] : [],
    ),
    call: `const thimble_broadcast ${symbol}_loops =
    ${loopsText(broadcastLoops(inputs[0].shape, inputs[1].shape))};
thimble_extreme_s8(
    &${symbol}_loops, ${operand(0)}, ${operand(1)}, /* the larger */ ${name === 'maximum' ? 1 : 0}, ${outputC});`,
  };
}
