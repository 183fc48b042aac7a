/**
 * resize_nearest_neighbor: every pixel of the output is that of the input which lies nearest. Which one it is has been
 * settled when the model is emitted: whole factors become loops that repeat or skip, all others a table of rows and one
 * of columns.
 */
import { ThimbleError } from '../../core/errors.js';
import { clamp, roundHalfAway } from '../../core/fixed-point.js';
import { dataOf, elementCount, type Shape, shapeText, type Tensor, type TypedArray } from '../../core/tensor.js';
import { int8Faults, unequalQuantFaults } from '../int8-operands.js';
import { type MoveLoop, type Moves, moveCall, moveKernels, moves, moveWork } from '../moves.js';
import type { EmittedC, OpDef, OpNode } from '../op.js';
import { versionOf } from '../tflite-options.js';

export interface ResizeNearestNeighborAttrs {
  readonly alignCorners: boolean; // the corners' centres lie on each other
  readonly halfPixelCenters: boolean; // a pixel's centre lies at its index + 0.5
}
type Inputs = readonly [input: Tensor, size: Tensor];
type ResizeNode = OpNode<ResizeNearestNeighborAttrs, Inputs>;

const LONGEST = 32767; // rows or columns of the input: the tables are of int16

export const resizeNearestNeighbor: OpDef<ResizeNearestNeighborAttrs, Inputs> = {
  name: 'resize_nearest_neighbor',
  inputCount: [2, 2],
  quantization: { kind: 'same' },

  inferShape([{ name, shape }, size]) {
    const [batch, height, width, channels] = shape;
    const [newHeight, newWidth] = size.data ?? [];
    const fits =
      shape.length === 4 &&
      height! > 0 &&
      width! > 0 &&
      size.data?.length === 2 &&
      size.data.every((count) => count > 0);
    if (!fits || Math.max(height!, width!) > LONGEST)
      throw new ThimbleError(
        'E_SHAPE',
        `resize_nearest_neighbor of "${name}" ${shapeText(shape)}: it needs an image of four axes, none beyond ${LONGEST}, ` +
          `and "${size.name}" as a constant of two numbers above 0`,
        'Export the model with a constant size.',
      );
    return [[batch!, newHeight!, newWidth!, channels!]];
  },

  checkQuant({ inputs: [input], outputs: [output] }) {
    const faults = int8Faults(input, output!);
    return faults.length > 0 ? faults : unequalQuantFaults('resize_nearest_neighbor', output!, [input]);
  },

  runFloat32: (node) => [resized(node, new Float32Array(outputCount(node)))],
  runInt8: (node) => [resized(node, new Int8Array(outputCount(node)))],

  cost(node) {
    const { rows, columns } = sourcesOf(node);
    const whole = movesOf(node);
    const weightBytes = whole ? 0 : 2 * (rows.length + columns.length);
    return { macs: 0, weightBytes, scratchBytes: 0, moves: moveWork([whole ?? pixelsOf(node)], false) };
  },

  emitC(node, { symbol, inputs: [inputC], outputs: [outputC] }) {
    const whole = movesOf(node);
    return whole
      ? {
          kernels: moveKernels(false),
          constants: [],
          call: moveCall(`${symbol}_moves`, false, whole, inputC!, false, outputC!),
        }
      : emitByTables(node, symbol, inputC!, outputC!);
  },

  tflite: {
    builtin: 97,
    options: 74,
    version: (node) => (node.attrs.alignCorners || node.attrs.halfPixelCenters ? 3 : versionOf(node, 2)),
    read(options) {
      const [alignCorners, halfPixelCenters] = [options.bool(0), options.bool(1)];
      if (alignCorners && halfPixelCenters)
        throw new ThimbleError(
          'E_UNSUPPORTED_OP',
          'resize_nearest_neighbor with both align_corners and half_pixel_centers is not supported',
          'Choose one of them and export the model again.',
        );
      return { alignCorners, halfPixelCenters };
    },
    write: ({ alignCorners, halfPixelCenters }) => [
      { id: 0, type: 'bool', value: alignCorners },
      { id: 1, type: 'bool', value: halfPixelCenters },
    ],
  },
};

const outputShape = ({ inputs, attrs }: ResizeNode): Shape => resizeNearestNeighbor.inferShape(inputs, attrs)[0]!;
const outputCount = (node: ResizeNode): number => elementCount(outputShape(node));

/** The input's row of each row of the output, and its columns. */
function sourcesOf(node: ResizeNode): { readonly rows: readonly number[]; readonly columns: readonly number[] } {
  const [, height, width] = node.inputs[0].shape as [number, number, number, number];
  const [, newHeight, newWidth] = outputShape(node) as [number, number, number, number];
  return { rows: nearest(height, newHeight, node.attrs), columns: nearest(width, newWidth, node.attrs) };
}

/** The index of the input at each of the output's, along one axis. In float32 and in this order, as TFLite computes it. */
export function nearest(size: number, newSize: number, attrs: ResizeNearestNeighborAttrs): number[] {
  const { alignCorners, halfPixelCenters } = attrs;
  const [distance, steps] = alignCorners && newSize > 1 ? [size - 1, newSize - 1] : [size, newSize];
  const scale = Math.fround(distance / steps);
  const offset = halfPixelCenters ? 0.5 : 0;
  return Array.from({ length: newSize }, (_, i) => {
    const at = Math.fround(Math.fround(i + offset) * scale);
    return clamp(alignCorners ? roundHalfAway(at) : Math.floor(at), 0, size - 1);
  });
}

function resized<Result extends TypedArray>(node: ResizeNode, result: Result): Result {
  const values = dataOf(node.inputs[0]);
  const [batch, height, width, channels] = node.inputs[0].shape as [number, number, number, number];
  const { rows, columns } = sourcesOf(node);
  let to = 0;
  for (let n = 0; n < batch; n++)
    for (const row of rows)
      for (const column of columns) {
        const from = ((n * height + row) * width + column) * channels;
        result.set(values.subarray(from, from + channels), to);
        to += channels;
      }
  return result;
}

/** Two loops for each axis that repeats or skips alike all along; undefined where one does not. */
function movesOf(node: ResizeNode): Moves | undefined {
  const [batch, , width, channels] = node.inputs[0].shape as [number, number, number, number];
  const { rows, columns } = sourcesOf(node);
  const [down, along] = [evenSteps(rows), evenSteps(columns)];
  if (batch !== 1 || !down || !along) return undefined;
  const [line, newLine] = [width * channels, columns.length * channels];
  const loops: MoveLoop[] = [
    { size: down.count, from: down.step * line, to: down.repeats * newLine },
    { size: down.repeats, from: 0, to: newLine },
    { size: along.count, from: along.step * channels, to: along.repeats * channels },
    { size: along.repeats, from: 0, to: channels },
    { size: channels, from: 1, to: 1 },
  ];
  return moves(loops, rows[0]! * line + columns[0]! * channels);
}

/** As many runs of a pixel's channels as there are pixels. */
function pixelsOf(node: ResizeNode): Moves {
  const channels = node.inputs[0].shape[3]!;
  const pixels = { size: outputCount(node) / channels, from: 2 * channels, to: channels };
  return moves([pixels, { size: channels, from: 1, to: 1 }]);
}

/** A table that holds every step-th index `repeats` times. */
function evenSteps(table: readonly number[]): { count: number; repeats: number; step: number } | undefined {
  const [first] = table as [number];
  const changes = table.findIndex((index) => index !== first);
  const repeats = changes < 0 ? table.length : changes;
  const step = changes < 0 ? 1 : table[changes]! - first;
  const isEven = table.length % repeats === 0 && table.every((at, i) => at === first + Math.floor(i / repeats) * step);
  return isEven ? { count: table.length / repeats, repeats, step } : undefined;
}

function emitByTables(node: ResizeNode, symbol: string, inputC: string, outputC: string): EmittedC {
  const [batch, height, width, channels] = node.inputs[0].shape;
  const { rows, columns } = sourcesOf(node);
  return {
    kernels: [...moveKernels(false), 'thimble_resize_nearest_neighbor_s8.h'],
    constants: [
      { name: `${symbol}_rows`, type: 'int16_t', values: rows },
      { name: `${symbol}_columns`, type: 'int16_t', values: columns },
    ],
    call: `thimble_resize_nearest_neighbor_s8(
    ${inputC}, /* batch, height, width, channels */ ${batch}, ${height}, ${width}, ${channels},
    ${symbol}_rows, ${rows.length}, ${symbol}_columns, ${columns.length}, ${outputC});`,
  };
}
