/**
 * batch_matmul: products of the matrices in the last two axes, either of which may be read transposed; the axes before
 * them broadcast. Both operands may vary, as in attention, or one is constant.
 */
import { ThimbleError } from '../../core/errors.js';
import {
  clamp,
  type FixedPointScale,
  multiplyByQuantizedMultiplier,
  quantizeMultiplier,
} from '../../core/fixed-point.js';
import { dataOf, elementCount, perTensorQuant, type Shape, shapeText, type Tensor } from '../../core/tensor.js';
import { type BroadcastLoops, forEachPair, loopsText } from '../broadcast.js';
import { constantBytes, int8Faults, reachOf } from '../int8-operands.js';
import { stepsOf } from '../moves.js';
import type { OpDef, OpNode } from '../op.js';

export interface BatchMatmulAttrs {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly asymmetricInputs: boolean; // of float models with int8 weights; kept for the .tflite
}
type Inputs = readonly [a: Tensor, b: Tensor];
type MatmulNode = OpNode<BatchMatmulAttrs, Inputs>;

const MAX_RANK = 5; // as in TFLite Micro; three batch axes

export const batchMatmul: OpDef<BatchMatmulAttrs, Inputs> = {
  name: 'batch_matmul',
  inputCount: [2, 2],
  quantization: { kind: 'free', accumulatorStep: 'product' },

  inferShape: (inputs, attrs) => [geometryOf(inputs, attrs).shape],

  checkQuant(node) {
    const faults = int8Faults(...node.inputs, node.outputs[0]!);
    if (faults.length > 0) return faults;
    const scale = realMultiplier(node);
    const [reachA, reachB] = node.inputs.map((tensor) => reachOf(perTensorQuant(tensor).zeroPoint)) as [number, number];
    const { depth } = geometryOf(node.inputs, node.attrs);
    return reachA * reachB * depth * Math.max(1, 2 * scale) < 2 ** 31 - 256 // 2^shift ≤ 2 · scale
      ? []
      : [`batch_matmul "${node.name}" can overflow int32: too many products, or too small an output scale`];
  },

  runFloat32: (node) => [Float32Array.from(sumsOf(node, 0, 0))],

  runInt8(node) {
    const [zeroA, zeroB] = node.inputs.map((tensor) => perTensorQuant(tensor).zeroPoint) as [number, number];
    const { zeroPoint } = perTensorQuant(node.outputs[0]!);
    const scale = scaleOf(node);
    const toOutput = (sum: number): number => clamp(multiplyByQuantizedMultiplier(sum, scale) + zeroPoint, -128, 127);
    return [Int8Array.from(sumsOf(node, zeroA, zeroB), toOutput)];
  },

  cost({ inputs, attrs }) {
    const { shape, depth } = geometryOf(inputs, attrs);
    return { macs: elementCount(shape) * depth, weightBytes: constantBytes(inputs), scratchBytes: 0 };
  },

  emitC(node, { symbol, inputs: inputsC, outputs: [outputC] }) {
    const { loops, depth, aStep, bStep } = geometryOf(node.inputs, node.attrs);
    const { multiplier, shift } = scaleOf(node);
    const operand = (i: 0 | 1, step: number): string => {
      const { data } = node.inputs[i];
      const { zeroPoint } = perTensorQuant(node.inputs[i]);
      const [pointer, inFlash] = data ? [`${symbol}_operand_${i}`, 1] : [inputsC[i], 0];
      return `${pointer}, /* in flash */ ${inFlash}, /* zero_point, step */ ${zeroPoint}, ${step}`;
    };
    return {
      kernels: [
        'thimble_base.h',
        'thimble_fixed_point.h',
        'thimble_operand_s8.h',
        'thimble_broadcast.h',
        'thimble_batch_matmul_s8.h',
      ],
      constants: node.inputs.flatMap(({ data }, i) =>
        data ? [{ name: `${symbol}_operand_${i}`, type: 'int8_t' as const, values: data }] : [],
      ),
      call: `const thimble_broadcast ${symbol}_loops =
    ${loopsText(loops)};
thimble_batch_matmul_s8(
    &${symbol}_loops, /* depth */ ${depth},
    ${operand(0, aStep)},
    ${operand(1, bStep)},
    /* multiplier, shift */ ${multiplier}, ${shift}, ${outputC}, /* zero_point */ ${perTensorQuant(node.outputs[0]!).zeroPoint});`,
    };
  },

  tflite: {
    builtin: 126,
    options: 101,
    version: ({ inputs: [a] }) => (a.dtype === 'int8' ? 2 : 1),
    read: (options) => ({
      transposeA: options.bool(0),
      transposeB: options.bool(1),
      asymmetricInputs: options.bool(2),
    }),
    write: ({ transposeA, transposeB, asymmetricInputs }) => [
      { id: 0, type: 'bool', value: transposeA },
      { id: 1, type: 'bool', value: transposeB },
      { id: 2, type: 'bool', value: asymmetricInputs },
    ],
  },
};

interface Geometry {
  readonly shape: Shape; // of the output
  readonly depth: number; // products of a sum
  readonly loops: BroadcastLoops; // three batch axes, rows, columns
  readonly aStep: number; // from one product to the next
  readonly bStep: number;
}

/** @throws ThimbleError E_SHAPE */
function geometryOf([a, b]: Inputs, { transposeA, transposeB }: BatchMatmulAttrs): Geometry {
  const [aAxes, bAxes] = [matricesOf(a.shape, transposeA), matricesOf(b.shape, !transposeB)];
  const fits = aAxes && bAxes && aAxes.depth.size === bAxes.depth.size && aAxes.depth.size > 0;
  const batch = fits ? aAxes.batch.map(({ size }, i) => joined(size, bAxes.batch[i]!.size)) : [];
  if (!fits || batch.includes(0))
    throw new ThimbleError(
      'E_SHAPE',
      `batch_matmul: "${a.name}" ${shapeText(a.shape)} and "${b.name}" ${shapeText(b.shape)} do not multiply`,
      `Their last two axes must be [rows, depth] and [depth, columns], with at most ${MAX_RANK} axes that are equal or 1.`,
    );
  const step = ({ size, step: own }: Axis): number => (size === 1 ? 0 : own);
  const rank = Math.max(a.shape.length, b.shape.length);
  return {
    shape: [...batch.slice(MAX_RANK - rank), aAxes.outer.size, bAxes.outer.size],
    depth: aAxes.depth.size,
    loops: {
      size: [...batch, aAxes.outer.size, bAxes.outer.size],
      aStep: [...aAxes.batch.map(step), aAxes.outer.step, 0],
      bStep: [...bAxes.batch.map(step), 0, bAxes.outer.step],
    },
    aStep: aAxes.depth.step,
    bStep: bAxes.depth.step,
  };
}

interface Axis {
  readonly size: number;
  readonly step: number;
}

/** @param isTransposed whether the depth is the axis before the last */
function matricesOf(shape: Shape, isTransposed: boolean) {
  if (shape.length < 2 || shape.length > MAX_RANK) return undefined;
  const steps = stepsOf(shape);
  const axes = shape.map((size, i): Axis => ({ size, step: steps[i]! }));
  const [before, last] = [axes.at(-2)!, axes.at(-1)!];
  const batch = [...new Array<Axis>(MAX_RANK - shape.length).fill({ size: 1, step: 0 }), ...axes.slice(0, -2)];
  return { batch, outer: isTransposed ? last : before, depth: isTransposed ? before : last };
}

/** Of two sizes that broadcast; 0 where they do not. */
const joined = (x: number, y: number): number => (x === y || y === 1 ? x : x === 1 ? y : 0);

/** Σ (a − zeroA) · (b − zeroB) for every output, exact for int8. */
function sumsOf(node: MatmulNode, zeroA: number, zeroB: number): Float64Array {
  const { shape, depth, loops, aStep, bStep } = geometryOf(node.inputs, node.attrs);
  const [x, y] = [dataOf(node.inputs[0]), dataOf(node.inputs[1])];
  const sums = new Float64Array(elementCount(shape));
  forEachPair(loops, (out, i, j) => {
    let sum = 0;
    for (let k = 0; k < depth; k++) sum += (x[i + k * aStep]! - zeroA) * (y[j + k * bStep]! - zeroB);
    sums[out] = sum;
  });
  return sums;
}

/** The product in float32 and the quotient in double, as TFLite computes them. */
function realMultiplier({ inputs: [a, b], outputs: [output] }: MatmulNode): number {
  return Math.fround(perTensorQuant(a).scale * perTensorQuant(b).scale) / perTensorQuant(output!).scale;
}

const scaleOf = (node: MatmulNode): FixedPointScale => quantizeMultiplier(realMultiplier(node));
