/** What average_pool_2d and max_pool_2d share: a window over each channel that leaves out the padding. NHWC, batch 1. */
import { clamp } from '../core/fixed-point.js';
import { dataOf, type HeightWidth, type Tensor } from '../core/tensor.js';
import {
  type Activation,
  type ActivationRange,
  activationNumbered,
  activationRange,
  activationRangeQuantized,
} from './activation.js';
import { activationFaults, isInt16, unequalQuantFaults } from './int8-operands.js';
import { mveCores } from './mve/matrix.js';
import type { CNames, EmittedC, KernelVariant, OpDef, OpNode } from './op.js';
import { activationField, versionOf } from './tflite-options.js';
import { paddingNumbered, paddings, type Window, type WindowAttrs, windowOf } from './window.js';

export interface PoolAttrs extends WindowAttrs {
  readonly filter: HeightWidth;
  readonly activation: Activation;
}
export type PoolInputs = readonly [input: Tensor];
export type PoolNode = OpNode<PoolAttrs, PoolInputs>;

export interface PoolOp {
  readonly name: string;
  readonly builtin: number;
  /** Takes a value into the state of a window. */
  readonly start: number;
  take(state: number, value: number): number;
  /** The result of a window over `count` values that are not padding. */
  float32(state: number, count: number): number;
  int8(state: number, count: number): number;
  readonly header: string;
  readonly kernel: string; // the C function
  readonly int16: { readonly header: string; readonly kernel: string }; // the same for 16 bits
  readonly mve?: { readonly header: string; readonly kernel: string }; // the same for Helium
}

/** The whole operator from what it does with one window. */
export function poolOp(op: PoolOp): OpDef<PoolAttrs, PoolInputs> {
  return {
    name: op.name,
    inputCount: [1, 1],
    int16: true,
    quantization: { kind: 'same' },

    inferShape([input], attrs) {
      const { outputHeight, outputWidth, inputChannels } = windowOf(input.shape, attrs.filter, attrs);
      return [[1, outputHeight, outputWidth, inputChannels]];
    },

    checkQuant({ inputs: [input], outputs: [output] }) {
      const faults = activationFaults(input, output!);
      return faults.length > 0 ? faults : unequalQuantFaults(op.name, output!, [input]);
    },

    runFloat32: (node) => [slideOver(op, node, Float32Array, op.float32, activationRange[node.attrs.activation])],
    runInt8: (node) => [
      slideOver<Int8Array | Int16Array>(op, node, isInt16(node) ? Int16Array : Int8Array, op.int8, rangeOf(node)),
    ],
    cost: () => ({ macs: 0, weightBytes: 0, scratchBytes: 0 }),

    emitC: (node, names) => emitC(isInt16(node) ? op.int16 : op, node, names),
    ...(op.mve && { variants: [mveVariant(op, op.mve)] }),

    tflite: {
      builtin: op.builtin,
      options: 5,
      version: (node) => versionOf(node, 2, 3),
      read: (options) => ({
        padding: paddingNumbered(options.int8(0)),
        stride: [options.int32(2), options.int32(1)],
        filter: [options.int32(4), options.int32(3)],
        activation: activationNumbered(options.int8(5)),
      }),
      write: ({ padding, stride, filter, activation }) => [
        { id: 0, type: 'int8', value: paddings.indexOf(padding) },
        { id: 1, type: 'int32', value: stride[1] },
        { id: 2, type: 'int32', value: stride[0] },
        { id: 3, type: 'int32', value: filter[1] },
        { id: 4, type: 'int32', value: filter[0] },
        activationField(5, activation),
      ],
    },
  };
}

/** @param kernels the op's own header and function, or those of a variant */
function emitC(
  { header, kernel }: Pick<PoolOp, 'header' | 'kernel'>,
  node: PoolNode,
  { inputs: [inputC], outputs: [outputC] }: CNames,
  qualifier?: string,
): EmittedC {
  const w = windowOf(node.inputs[0].shape, node.attrs.filter, node.attrs);
  const [min, max] = rangeOf(node);
  return {
    kernels: ['thimble_base.h', header],
    constants: [],
    ...(qualifier !== undefined && { qualifier }),
    call: `${kernel}(
    ${inputC}, /* height, width, channels */ ${w.inputHeight}, ${w.inputWidth}, ${w.inputChannels},
    /* window's height, width */ ${w.filterHeight}, ${w.filterWidth}, /* stride */ ${w.strideHeight}, ${w.strideWidth},
    /* pad top, left */ ${w.padTop}, ${w.padLeft},
    ${outputC}, /* height, width */ ${w.outputHeight}, ${w.outputWidth}, /* activation_min, activation_max */ ${min}, ${max});`,
  };
}

function mveVariant(op: PoolOp, kernels: NonNullable<PoolOp['mve']>): KernelVariant<PoolAttrs, PoolInputs> {
  return {
    name: 'mve',
    cores: mveCores,
    implement(node) {
      if (isInt16(node)) return [];
      const w = windowOf(node.inputs[0].shape, node.attrs.filter, node.attrs);
      const outputs = w.outputHeight * w.outputWidth * w.inputChannels;
      return [
        {
          variant: 'mve',
          instructions: Math.round((outputs / 4) * (w.filterHeight * (w.filterWidth * 3.5 + 8) + 60)),
          codeBytes: 300,
          weightBytes: 0,
          scratchBytes: 0,
          overwrites: [],
          emitC: (names) => emitC({ ...op, ...kernels }, node, names, 'THIMBLE_MVE_FUNCTION'),
        },
      ];
    },
  };
}

const rangeOf = ({ attrs, outputs: [output] }: PoolNode): ActivationRange =>
  activationRangeQuantized(attrs.activation, output!);

function slideOver<Result extends Float32Array | Int8Array | Int16Array>(
  op: PoolOp,
  { inputs: [input], attrs }: PoolNode,
  ArrayType: new (length: number) => Result,
  finish: (state: number, count: number) => number,
  [min, max]: ActivationRange,
): Result {
  const w = windowOf(input.shape, attrs.filter, attrs);
  const values = dataOf(input);
  const result = new ArrayType(w.outputHeight * w.outputWidth * w.inputChannels);
  let at = 0;
  for (let y = 0; y < w.outputHeight; y++) {
    const [top, bottom] = inside(y * w.strideHeight - w.padTop, w.filterHeight, w.inputHeight);
    for (let x = 0; x < w.outputWidth; x++) {
      const [left, right] = inside(x * w.strideWidth - w.padLeft, w.filterWidth, w.inputWidth);
      const count = (bottom - top) * (right - left);
      for (let c = 0; c < w.inputChannels; c++)
        result[at++] = clamp(finish(overWindow(op, values, w, top, bottom, left, right, c), count), min, max);
    }
  }
  return result;
}

/** Where a window overlaps its input: padding is left out. */
const inside = (begin: number, taps: number, size: number): [begin: number, end: number] => [
  Math.max(begin, 0),
  Math.min(begin + taps, size),
];

function overWindow(
  { start, take }: PoolOp,
  values: ArrayLike<number>,
  { inputWidth, inputChannels }: Window,
  top: number,
  bottom: number,
  left: number,
  right: number,
  channel: number,
): number {
  let state = start;
  for (let y = top; y < bottom; y++)
    for (let x = left; x < right; x++) state = take(state, values[(y * inputWidth + x) * inputChannels + channel]!);
  return state;
}
