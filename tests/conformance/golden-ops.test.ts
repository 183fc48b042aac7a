/**
 * Every operator against TFLite Micro's reference kernels: single-operator models with inputs and outputs, byte for
 * byte. Models that we do not run must be refused by name, and are listed here; nothing is skipped in silence.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ThimbleError } from '../../src/core/errors.js';
import type { Graph } from '../../src/core/graph.js';
import {
  arrayTypeOf,
  type Dtype,
  integerRange,
  perTensorQuant,
  type Tensor,
  type TensorSpec,
  type TypedArray,
} from '../../src/core/tensor.js';
import { importTflite } from '../../src/importers/tflite/tflite.js';
import { opNamed, ops } from '../../src/ops/index.js';
import { type OpNode, operandsOf } from '../../src/ops/op.js';
import { sharedBytes, sharedPath, withoutShared } from '../shared-folder.js';

interface GoldenRun {
  readonly label: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** Cases beyond what Thimble runs, and words that the refusal must contain. */
const refused: Readonly<Record<string, RegExp>> = {
  'batch_matmul/int16': /int16/,
  'conv_2d/k3x3_batch2_relu6_pc': /batch/i,
  'depthwise_conv_2d/k3x3_batch2_relu_pc': /batch/i,
  'leaky_relu/int16_a0p1': /int16/,
  'logistic/int16_general_scale': /int16/,
  'logistic/int16_pot_large': /int16/,
  'quantize/i16_i32': /int32/,
  'quantize/i32_i16': /int32/,
  'quantize/i32_i8': /int32/,
  'quantize/i8_i32': /int32/,
  'quantize/i8_u8': /uint8/i,
  'softmax_int16/beta2_c10': /int16/,
  'softmax_int16/c10': /int16/,
  'softmax_int16/c100': /int16/,
  'softmax_int16/c2': /int16/,
  'softmax_int16/rank4_c5': /int16/,
  'softmax_int8_int16/c10': /int16/,
  'softmax_int8_int16/c100': /int16/,
  'tanh/int16_general_scale': /int16/,
  'tanh/int16_pot_large': /int16/,
  'tanh/int16_q3_12': /int16/,
};

/**
 * How far float32 may be from TFLite Micro's int8 result, in steps of the output, and why more than the half step of
 * rounding. Absent: one step. null: the int8 kernel computes something else than its output's quantization says.
 */
const floatSteps: Readonly<Record<string, number | null>> = {
  'maximum/diff_quant': null,
  'minimum/diff_quant': null,
  'relu6/diff_quant': null,
  'svdf/relu_zo_m20': null, // leaves its activation out
  'tanh/output_quant_ignored': null,
  conv_2d_16x8: 2, // a multiplier of 15 bits for outputs of 16
  depthwise_conv_2d_16x8: 2,
  fully_connected_16x8: 2,
  'svdf/int8_state': 2, // features of 8 bits
  softmax: 2, // exp and reciprocal in fixed point
  hard_swish: 2, // 16-bit intermediate results
};

const goldenFolder = 'golden/ops';
/** By folder and name: those of 16-bit activations have folders of their own. */
const casesOf = (op: string): string[] =>
  [op, `${op}_16x8`, `${op}_int16`, `${op}_int8_int16`].flatMap((folder) =>
    existsSync(sharedPath(`${goldenFolder}/${folder}`))
      ? readdirSync(sharedPath(`${goldenFolder}/${folder}`))
          .filter((file) => file.endsWith('.json'))
          .map((file) => `${folder}/${file.slice(0, -'.json'.length)}`)
          .sort()
      : [],
  );

const runsOf = (id: string): readonly GoldenRun[] =>
  JSON.parse(readFileSync(sharedPath(`${goldenFolder}/${id}.json`), 'utf8')).cases;

const importCase = (id: string): Graph => importTflite(sharedBytes(`${goldenFolder}/${id}.tflite`), id);

function decode(base64: string, dtype: Dtype): TypedArray {
  const bytes = Uint8Array.from(Buffer.from(base64, 'base64'));
  return new arrayTypeOf[dtype](bytes.buffer);
}

function nodeOf(graph: Graph, run: GoldenRun): OpNode {
  expect(graph.nodes).toHaveLength(1);
  const values = graph.inputs.map((name, i): [string, TypedArray] => [
    name,
    decode(run.inputs[i]!, graph.tensors.get(name)!.dtype),
  ]);
  return operandsOf(graph, graph.nodes[0]!, new Map(values));
}

/** A tensor's real values; a weight's scale is that of its channel. */
function dequantized(tensor: Tensor | undefined): Tensor | undefined {
  if (!tensor?.data || !tensor.quant || tensor.quant.scale.length === 0) return tensor;
  const { scale, zeroPoint, axis } = tensor.quant;
  const inner = axis === null ? tensor.data.length : tensor.shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const channel = (i: number): number => Math.floor(i / inner) % scale.length;
  const data = Float32Array.from(tensor.data, (q, i) => (q - (zeroPoint[channel(i)] ?? 0)) * scale[channel(i)]!);
  return { ...tensor, dtype: 'float32', data };
}

/** The largest distance in steps of the output; the comparison is within its type's range, where outputs saturate. */
function largestDistance(output: TensorSpec, real: Float32Array, expected: TypedArray): number {
  if (output.dtype === 'float32') return Math.max(...real.map((x, i) => Math.abs(x - expected[i]!)));
  const { scale, zeroPoint } = perTensorQuant(output);
  const [min, max] = integerRange[output.dtype === 'int16' ? 'int16' : 'int8'];
  const inSteps = Array.from(real, (x) => Math.min(Math.max(x / scale + zeroPoint, min), max));
  return Math.max(...inSteps.map((x, i) => Math.abs(x - expected[i]!)));
}

/** Why a case is not run: the importer's error, or the sentences of checkQuant. */
function refusalOf(id: string): string {
  try {
    const graph = importCase(id);
    return opNamed(graph.nodes[0]!.op).checkQuant(operandsOf(graph, graph.nodes[0]!)).join('; ');
  } catch (error) {
    if (error instanceof ThimbleError) return error.message;
    throw error;
  }
}

describe.skipIf(withoutShared)('operators against TFLite Micro, byte for byte (needs ../shared)', () => {
  it('has vectors for every operator that is not marked unpinned, and only for those', () => {
    for (const op of ops)
      expect([op.name, casesOf(op.name).length === 0]).toEqual([op.name, op.unpinned !== undefined]);
  });

  it('refuses only cases that exist', () => {
    const all = ops.flatMap(({ name }) => casesOf(name));
    expect(Object.keys(refused).filter((id) => !all.includes(id))).toEqual([]);
  });

  for (const { name } of ops)
    describe(name, () => {
      for (const id of casesOf(name))
        if (refused[id]) it(`refuses ${id}`, () => expect(refusalOf(id)).toMatch(refused[id]!));
        else it(id, () => runCase(name, id));
    });
});

/** A node with the state that its last run has left, zeros at first. */
function withState(position: number | undefined, node: OpNode, left: TypedArray | undefined): OpNode {
  if (position === undefined) return node;
  const state = node.inputs[position]!;
  const data = left ?? new arrayTypeOf[state.dtype](state.shape.reduce((a, b) => a * b, 1));
  return { ...node, inputs: node.inputs.with(position, { ...state, data }) };
}

function runCase(name: string, id: string): void {
  const graph = importCase(id);
  const op = opNamed(graph.nodes[0]!.op);
  expect(op.name).toBe(name);
  const steps = floatSteps[id] === undefined ? (floatSteps[id.split('/')[0]!] ?? 1) : floatSteps[id];
  const runs = runsOf(id);
  expect(runs.length).toBeGreaterThan(0);
  let states: { readonly int8: TypedArray; readonly float32: TypedArray } | undefined;
  for (const run of runs) {
    const node = withState(op.stateInput, nodeOf(graph, run), states?.int8);
    const output = node.outputs[0]!;
    const expected = run.outputs.map((bytes) => decode(bytes, output.dtype));
    expect(op.inferShape(node.inputs, node.attrs)).toEqual(node.outputs.map(({ shape }) => shape));
    expect(op.checkQuant(node)).toEqual([]);
    const results = op.runInt8(node);
    expect(results.slice(0, expected.length), run.label).toEqual(expected);
    const reals = op.runFloat32(
      withState(op.stateInput, { ...node, inputs: node.inputs.map(dequantized) }, states?.float32),
    );
    if (op.stateInput !== undefined) states = { int8: results.at(-1)!, float32: reals.at(-1)! };
    if (steps === null) continue;
    const distances = reals
      .slice(0, expected.length)
      .map((values, i) => largestDistance(node.outputs[i]!, values, expected[i]!));
    expect(Math.max(...distances), `${run.label} in float32`).toBeLessThanOrEqual(steps);
  }
}
