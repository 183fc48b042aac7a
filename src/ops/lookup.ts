/**
 * int8 functions of one value: the host computes all 256 results with TFLite's own arithmetic, the C looks them up.
 * Exact by construction, and faster on every core than the fixed-point code it replaces, for 256 bytes of flash.
 */
import type { FixedPointScale } from '../core/fixed-point.js';
import { dataOf, elementCount, type Tensor, type TypedArray } from '../core/tensor.js';
import { activationFaults, int8Faults, isInt16 } from './int8-operands.js';
import type { CNames, EmittedC, OpDef, OpNode, QuantRule, TfliteMapping } from './op.js';

export type UnaryInputs = readonly [input: Tensor];
export type UnaryNode<Attrs> = OpNode<Attrs, UnaryInputs>;

export interface LookupOp<Attrs> {
  readonly name: string;
  readonly quantization: QuantRule;
  /** The function in real numbers; its result is rounded to float32. */
  float32(x: number, attrs: Attrs): number;
  /** TFLite's integer arithmetic for one byte, prepared once per node; for 16 bits too, where `int16` is given. */
  int8(node: UnaryNode<Attrs>): (q: number) => number;
  /** The function on 16 bits in C, where there are too many values for a table; absent = refused. */
  int16?(node: UnaryNode<Attrs>, names: CNames): EmittedC;
  /** Sentences about scales that the arithmetic cannot honour; dtypes have been checked. */
  scaleFaults?(node: UnaryNode<Attrs>): readonly string[];
  readonly tflite: TfliteMapping<Attrs, UnaryInputs>;
}

/** The whole operator from its function. */
export function lookupOp<Attrs>(op: LookupOp<Attrs>): OpDef<Attrs, UnaryInputs> {
  const run = (node: UnaryNode<Attrs>) => {
    if (isInt16(node)) {
      const integer = op.int8(node);
      return (input: TypedArray) => [Int16Array.from(input, integer)];
    }
    const table = tableOf(op.int8(node));
    return (input: TypedArray) => [Int8Array.from(input, (q) => table[q + 128]!)];
  };
  return {
    name: op.name,
    inputCount: [1, 1],
    int16: op.int16 !== undefined,
    quantization: op.quantization,
    inferShape: ([input]) => [input.shape],
    checkQuant(node) {
      const faults = (op.int16 ? activationFaults : int8Faults)(node.inputs[0], node.outputs[0]!);
      return faults.length > 0 ? faults : (op.scaleFaults?.(node) ?? []);
    },
    runFloat32: ({ inputs: [input], attrs }) => [Float32Array.from(dataOf(input), (x) => op.float32(x, attrs))],
    runInt8: (node) => run(node)(dataOf(node.inputs[0])),
    prepareInt8: run,
    cost: ({ inputs: [input] }) => ({ macs: 0, weightBytes: input.dtype === 'int8' ? 256 : 0, scratchBytes: 0 }),
    emitC(node, names) {
      if (op.int16 && isInt16(node)) return op.int16(node, names);
      const count = elementCount(node.inputs[0].shape);
      return emitLookup(tableOf(op.int8(node)), count, names.symbol, names.inputs[0]!, names.outputs[0]!);
    },
    overwrites: () => [0],
    tflite: op.tflite,
  };
}

/** Any rescaling with a clamp, on int16 with zero_point 0. */
export const emitRescale16 = (
  { inputs: [input] }: UnaryNode<unknown>,
  { inputs: [inputC], outputs: [outputC] }: CNames,
  { multiplier, shift }: FixedPointScale,
  [min, max]: readonly [number, number],
): EmittedC => ({
  kernels: ['thimble_base.h', 'thimble_fixed_point.h', 'thimble_rescale_s16.h'],
  constants: [],
  call: `thimble_rescale_s16(
    ${inputC}, /* elements */ ${elementCount(input.shape)}, /* multiplier, shift */ ${multiplier}, ${shift},
    ${outputC}, /* minimum, maximum */ ${min}, ${max});`,
});

/** Results for −128 … 127, in that order. */
export const tableOf = (int8: (q: number) => number): Int8Array =>
  Int8Array.from({ length: 256 }, (_, i) => int8(i - 128));

export function emitLookup(table: Int8Array, count: number, symbol: string, input: string, output: string): EmittedC {
  return {
    kernels: ['thimble_base.h', 'thimble_lookup_s8.h'],
    constants: [{ name: `${symbol}_table`, type: 'int8_t', values: table }],
    call: `thimble_lookup_s8(${input}, /* elements */ ${count}, ${symbol}_table, ${output});`,
  };
}
