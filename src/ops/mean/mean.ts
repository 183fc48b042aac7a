/** mean over any axes. `axes` is a constant int32 tensor; negative ones count from the end. */
import { ThimbleError } from '../../core/errors.js';
import {
  clamp,
  type FixedPointScale,
  multiplyByQuantizedMultiplier,
  quantizeMultiplier,
} from '../../core/fixed-point.js';
import {
  dataOf,
  elementCount,
  integerRange,
  perTensorQuant,
  type Shape,
  shapeText,
  type Tensor,
} from '../../core/tensor.js';
import { activationFaults, INT16_REACH, isInt16, reachOf } from '../int8-operands.js';
import type { OpDef, OpNode } from '../op.js';
import { versionOf } from '../tflite-options.js';

export interface MeanAttrs {
  readonly keepDims: boolean;
}
type Inputs = readonly [input: Tensor, axes: Tensor];
type MeanNode = OpNode<MeanAttrs, Inputs>;

const LOOPS = 5; // kept and reduced axes alternate at most this often; thimble_mean_s8.h has as many loops

export const mean: OpDef<MeanAttrs, Inputs> = {
  name: 'mean',
  inputCount: [2, 2],
  int16: true,
  quantization: { kind: 'free', accumulatorStep: 'largest' },

  inferShape(inputs, { keepDims }) {
    const [input] = inputs;
    const reduced = reducedAxes(inputs);
    return [input.shape.map((size, i) => (reduced.has(i) ? 1 : size)).filter((_, i) => keepDims || !reduced.has(i))];
  },

  checkQuant(node) {
    const {
      inputs: [input],
      outputs: [output],
    } = node;
    const faults = activationFaults(input, output!);
    if (faults.length > 0) return faults;
    const reach = isInt16(node) ? INT16_REACH : reachOf(perTensorQuant(input).zeroPoint);
    const largest = reach * reducedCount(node);
    const fits = largest * Math.max(1, 2 * realMultiplier(node)) < 2 ** 31 - 256; // 2^shift ≤ 2 · multiplier
    return fits ? [] : [`mean "${node.name}" can overflow int32: too many elements, or too small an output scale`];
  },

  runFloat32(node) {
    const count = reducedCount(node);
    return [Float32Array.from(sums(node), (sum) => sum / count)];
  },

  runInt8(node) {
    const [output] = node.outputs;
    const { zeroPoint } = perTensorQuant(output!);
    const [min, max] = integerRange[isInt16(node) ? 'int16' : 'int8'];
    const offset = perTensorQuant(node.inputs[0]).zeroPoint * reducedCount(node);
    const scale = scaleWithDivisor(node);
    const toOutput = (sum: number): number =>
      clamp(multiplyByQuantizedMultiplier(sum - offset, scale) + zeroPoint, min, max);
    const results = sums(node).map(toOutput);
    return [isInt16(node) ? Int16Array.from(results) : Int8Array.from(results)];
  },

  cost: () => ({ macs: 0, weightBytes: 0, scratchBytes: 0 }),

  emitC(node, { inputs: [inputC], outputs: [outputC] }) {
    const kernel = `thimble_mean_${isInt16(node) ? 's16' : 's8'}`;
    const loops = loopsOf(node);
    const kept = loops.filter(({ reduced }) => !reduced);
    const gone = loops.filter(({ reduced }) => reduced);
    const three = (axes: readonly Loop[]): string =>
      [...Array<Loop>(3 - axes.length).fill({ size: 1, step: 0, reduced: false }), ...axes]
        .map(({ size, step }) => `${size}, ${step},`)
        .join(' ');
    const { multiplier, shift } = scaleWithDivisor(node);
    const offset = perTensorQuant(node.inputs[0]).zeroPoint * reducedCount(node);
    return {
      kernels: ['thimble_base.h', 'thimble_fixed_point.h', `${kernel}.h`],
      constants: [],
      call: `${kernel}(
    ${inputC}, /* size, step of the axes kept */ ${three(kept)} /* and averaged */ ${three(gone)}
    /* zero_point * count */ ${offset}, /* multiplier, shift */ ${multiplier}, ${shift},
    ${outputC}, /* zero_point */ ${perTensorQuant(node.outputs[0]!).zeroPoint});`,
    };
  },

  tflite: {
    builtin: 40,
    options: 27,
    version: (node) => versionOf(node, 2, 3),
    read: (options) => ({ keepDims: options.bool(0) }),
    write: ({ keepDims }) => [{ id: 0, type: 'bool', value: keepDims }],
  },
};

interface Loop {
  readonly size: number;
  readonly step: number; // elements between two neighbours
  readonly reduced: boolean;
}

function reducedAxes([input, axes]: Inputs): ReadonlySet<number> {
  const rank = input.shape.length;
  const reduced = [...(axes.data ?? [])].map((axis) => (axis < 0 ? axis + rank : axis));
  const valid = axes.data && reduced.every((axis) => axis >= 0 && axis < rank) && elementCount(input.shape) > 0;
  if (!valid || rank > LOOPS)
    throw new ThimbleError(
      'E_SHAPE',
      `mean: "${axes.name}" must be a constant list of axes of "${input.name}" ${shapeText(input.shape)}, which may have ${LOOPS}`,
      'Export the model with constant axes and fixed shapes.',
    );
  return new Set(reduced);
}

function reducedCount({ inputs }: MeanNode): number {
  const reduced = reducedAxes(inputs);
  return elementCount(inputs[0].shape.filter((_, axis) => reduced.has(axis)));
}

/** The input's axes, outermost first; neighbours of one kind are merged and sizes of 1 dropped. */
function loopsOf({ inputs }: MeanNode): Loop[] {
  const reduced = reducedAxes(inputs);
  const { shape } = inputs[0];
  const loops: Loop[] = [];
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const [size, inner] = [shape[axis]!, loops[0]];
    const loop = { size, step, reduced: reduced.has(axis) };
    step *= size;
    if (size === 1) continue;
    if (inner?.reduced === loop.reduced) loops[0] = { ...inner, size: inner.size * size };
    else loops.unshift(loop);
  }
  return loops;
}

/** Sums of the raw values, one per output. */
function sums(node: MeanNode): Float64Array {
  const values = dataOf(node.inputs[0]);
  const result = new Float64Array(elementCount(mean.inferShape(node.inputs, node.attrs)[0]!));
  const loops = loopsOf(node);
  const outputStep = outputSteps(loops);
  const walk = (depth: number, input: number, output: number): void => {
    const loop = loops[depth];
    if (!loop) result[output]! += values[input]!;
    else for (let i = 0; i < loop.size; i++) walk(depth + 1, input + i * loop.step, output + i * outputStep[depth]!);
  };
  walk(0, 0, 0);
  return result;
}

function outputSteps(loops: readonly Loop[]): number[] {
  const kept = (from: number): Shape => loops.slice(from).flatMap(({ size, reduced }) => (reduced ? [] : [size]));
  return loops.map(({ reduced }, depth) => (reduced ? 0 : elementCount(kept(depth + 1))));
}

const realMultiplier = ({ inputs: [input], outputs: [output] }: MeanNode): number =>
  perTensorQuant(input).scale / perTensorQuant(output!).scale;

/** TFLite folds the division by the count into the multiplier: (multiplier << k) / count, truncated. */
function scaleWithDivisor(node: MeanNode): FixedPointScale {
  const { multiplier, shift } = quantizeMultiplier(realMultiplier(node));
  const count = reducedCount(node);
  const k = Math.min(31 - Math.clz32(count), 32, 31 + shift);
  return { multiplier: Number((BigInt(multiplier) << BigInt(k)) / BigInt(count)), shift: shift - k };
}
