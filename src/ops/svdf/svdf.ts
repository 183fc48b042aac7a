/**
 * svdf: a dense layer over time whose matrix is a product of two (Nakkiran et al., "Compressing Deep Neural Networks
 * Using a Rank-Constrained Topology", 2015). Each call makes one feature per filter out of its input; the output weighs
 * the features of the last `memory` calls, which the state holds: [batch, filters · memory], oldest first.
 *
 * TFLite Micro's int8 kernel leaves the fused activation out, and so does this one; where the output's zero_point is
 * −128, as converters have it, relu is the same.
 */
import { ThimbleError } from '../../core/errors.js';
import {
  clamp,
  type FixedPointScale,
  multiplyByQuantizedMultiplier,
  quantizeMultiplier,
} from '../../core/fixed-point.js';
import { dataOf, elementCount, isPerTensor, perTensorQuant, shapeText, type Tensor } from '../../core/tensor.js';
import { type Activation, activationNumbered, activationRange, activations } from '../activation.js';
import { int8Faults, reachOf } from '../int8-operands.js';
import type { OpDef, OpNode } from '../op.js';

export interface SvdfAttrs {
  readonly rank: number; // filters of one unit
  readonly activation: Activation;
  readonly asymmetricInputs: boolean; // of float models with int8 weights; kept for the .tflite
}
type Inputs = readonly [input: Tensor, weightsFeature: Tensor, weightsTime: Tensor, bias: Tensor, state: Tensor];
type SvdfNode = OpNode<SvdfAttrs, Inputs>;

export const svdf: OpDef<SvdfAttrs, Inputs> = {
  name: 'svdf',
  inputCount: [5, 5],
  stateInput: 4,
  quantization: null,

  inferShape(inputs, attrs) {
    const { batches, units } = geometryOf(inputs, attrs);
    return [[batches, units]];
  },

  checkQuant(node) {
    const faults = typeFaults(node);
    return faults.length > 0 ? faults : scaleFaults(node);
  },

  runFloat32(node) {
    const [min, max] = activationRange[node.attrs.activation];
    const { sums, state } = advance(node, 0, Math.fround);
    return [Float32Array.from(sums, (sum) => clamp(Math.fround(sum), min, max)), Float32Array.from(state)];
  },

  runInt8(node) {
    const [input, , weightsTime] = node.inputs;
    const { feature, output } = scalesOf(node);
    const [least, most] = stateRange(weightsTime);
    const { zeroPoint } = perTensorQuant(node.outputs[0]!);
    const { sums, state } = advance(node, perTensorQuant(input).zeroPoint, (sum) =>
      clamp(multiplyByQuantizedMultiplier(sum, feature), least, most),
    );
    // Sums are exact here and wrap around in the C, as in TFLite Micro.
    const outputs = sums.map((sum) => clamp(multiplyByQuantizedMultiplier(sum | 0, output) + zeroPoint, -128, 127));
    return [Int8Array.from(outputs), isInt16(weightsTime) ? Int16Array.from(state) : Int8Array.from(state)];
  },

  cost({ inputs, attrs }) {
    const { batches, filters, inputSize, memory, units } = geometryOf(inputs, attrs);
    return {
      macs: batches * filters * (inputSize + memory),
      weightBytes: filters * (inputSize + 2 * memory) + 4 * units,
      scratchBytes: 0,
    };
  },

  emitC(node, { symbol, inputs: [inputC], outputs: [outputC] }) {
    const [input, weightsFeature, weightsTime, bias] = node.inputs;
    const { batches, filters, inputSize, memory, units } = geometryOf(node.inputs, node.attrs);
    const { feature, output } = scalesOf(node);
    const [least, most] = stateRange(weightsTime);
    return {
      kernels: ['thimble_base.h', 'thimble_fixed_point.h', 'thimble_svdf_s8.h'],
      constants: [
        { name: `${symbol}_weights_feature`, type: 'int8_t', values: dataOf(weightsFeature) },
        { name: `${symbol}_weights_time`, type: 'int16_t', values: dataOf(weightsTime) },
        { name: `${symbol}_bias`, type: 'int32_t', values: dataOf(bias) },
      ],
      states: [{ name: `${symbol}_state`, type: 'int16_t', count: batches * filters * memory }],
      call: `thimble_svdf_s8(
    ${inputC}, /* batches, size, zero_point */ ${batches}, ${inputSize}, ${perTensorQuant(input).zeroPoint},
    ${symbol}_weights_feature, ${symbol}_weights_time, ${symbol}_bias,
    /* units, rank, memory */ ${units}, ${node.attrs.rank}, ${memory},
    ${symbol}_state, /* multiplier, shift, range */ ${feature.multiplier}, ${feature.shift}, ${least}, ${most},
    /* output multiplier, shift */ ${output.multiplier}, ${output.shift},
    ${outputC}, /* zero_point */ ${perTensorQuant(node.outputs[0]!).zeroPoint});`,
    };
  },

  tflite: {
    builtin: 27,
    options: 6,
    version: ({ inputs: [input] }) => (input.dtype === 'int8' ? 3 : 1),
    read: (options) => ({
      rank: options.int32(0),
      activation: activationNumbered(options.int8(1)),
      asymmetricInputs: options.bool(2),
    }),
    write: ({ rank, activation, asymmetricInputs }) => [
      { id: 0, type: 'int32', value: rank },
      { id: 1, type: 'int8', value: activations.indexOf(activation) },
      { id: 2, type: 'bool', value: asymmetricInputs },
    ],
  },
};

interface Geometry {
  readonly batches: number;
  readonly inputSize: number;
  readonly filters: number;
  readonly units: number;
  readonly memory: number; // calls that a filter looks back on, this one included
}

/** @throws ThimbleError E_SHAPE */
function geometryOf([input, weightsFeature, weightsTime, bias, state]: Inputs, { rank }: SvdfAttrs): Geometry {
  const [batches = 0, inputSize = 0] = input.shape;
  const [filters = 0, depth = 0] = weightsFeature.shape;
  const [rows = 0, memory = 0] = weightsTime.shape;
  const units = filters / rank;
  const ranks = [input, weightsFeature, weightsTime, state].every(({ shape }) => shape.length === 2);
  const fits =
    depth === inputSize &&
    rows === filters &&
    elementCount(bias.shape) === units &&
    state.shape[0] === batches &&
    state.shape[1] === filters * memory;
  if (!ranks || !fits || !Number.isInteger(units) || !(units > 0 && batches > 0 && inputSize > 0 && memory > 0))
    throw new ThimbleError(
      'E_SHAPE',
      `svdf of "${input.name}" ${shapeText(input.shape)} with rank ${rank}: its weights ${shapeText(weightsFeature.shape)} ` +
        `and ${shapeText(weightsTime.shape)}, bias ${shapeText(bias.shape)} and state ${shapeText(state.shape)} do not fit together`,
      'Weights are [filters, in] and [filters, memory], the bias [filters / rank], the state [batch, filters · memory].',
    );
  return { batches, inputSize, filters, units, memory };
}

/**
 * One call: the sums over time with their bias, and the state that it leaves.
 * @param featureOf what the state keeps of a sum over the input
 */
function advance(
  { inputs, attrs }: SvdfNode,
  zeroPoint: number,
  featureOf: (sum: number) => number,
): { readonly sums: Float64Array; readonly state: Float64Array } {
  const { batches, filters, inputSize, memory, units } = geometryOf(inputs, attrs);
  const [x, w, time, bias, old] = [0, 1, 2, 3, 4].map((i) => dataOf(inputs[i]!));
  const state = new Float64Array(batches * filters * memory);
  const sums = new Float64Array(batches * units);
  for (let row = 0; row < batches * filters; row++) {
    const [batch, filter] = [Math.floor(row / filters), row % filters];
    let feature = 0;
    for (let i = 0; i < inputSize; i++)
      feature += w![filter * inputSize + i]! * (x![batch * inputSize + i]! - zeroPoint);
    const at = batch * units + Math.floor(filter / attrs.rank);
    if (filter % attrs.rank === 0) sums[at]! += bias![Math.floor(filter / attrs.rank)]!;
    for (let j = 0; j < memory; j++) {
      const value = j + 1 < memory ? old![row * memory + j + 1]! : featureOf(feature);
      state[row * memory + j] = value;
      sums[at]! += time![filter * memory + j]! * value;
    }
  }
  return { sums, state };
}

const isInt16 = ({ dtype }: Tensor): boolean => dtype === 'int16';
const stateRange = (weightsTime: Tensor): readonly [number, number] =>
  isInt16(weightsTime) ? [-32768, 32767] : [-128, 127];

function typeFaults({ name, inputs, outputs: [output] }: SvdfNode): string[] {
  const [input, weightsFeature, weightsTime, bias, state] = inputs;
  const faults = int8Faults(input, output!);
  const isSymmetric = ({ quant }: Tensor): boolean => isPerTensor(quant) && quant.zeroPoint[0] === 0;
  if (weightsFeature.dtype !== 'int8' || !weightsFeature.data || !isSymmetric(weightsFeature))
    faults.push(`"${weightsFeature.name}" must be constant int8 with one scale and zero_point 0`);
  if (!['int8', 'int16'].includes(weightsTime.dtype) || !weightsTime.data || !isSymmetric(weightsTime))
    faults.push(`"${weightsTime.name}" must be constant int16 (or int8) with one scale and zero_point 0`);
  if (bias.dtype !== 'int32' || !bias.data) faults.push(`bias "${bias.name}" must be constant int32`);
  if (state.dtype !== weightsTime.dtype || !isSymmetric(state))
    faults.push(`the state "${state.name}" of "${name}" must be ${weightsTime.dtype}, with one scale and zero_point 0`);
  return faults;
}

function scaleFaults(node: SvdfNode): string[] {
  const [input, weightsFeature] = node.inputs;
  const { feature, output } = realScales(node);
  if (!(feature > 0 && feature < 2 ** 22 && output > 0 && output < 1))
    return [`svdf "${node.name}": its scales do not let 32 bits hold what comes before the state or the output`];
  const { inputSize } = geometryOf(node.inputs, node.attrs);
  const weights = dataOf(weightsFeature);
  let largest = 0;
  for (let row = 0; row < weights.length; row += inputSize)
    largest = Math.max(
      largest,
      Array.from(weights.subarray(row, row + inputSize), Math.abs).reduce((sum, w) => sum + w, 0),
    );
  const reach = largest * reachOf(perTensorQuant(input).zeroPoint);
  return reach * 2 ** Math.max(quantizeMultiplier(feature).shift, 0) < 2 ** 31
    ? []
    : [`svdf "${node.name}" can overflow int32 in a feature: its weights or input · weight / state scale is too large`];
}

/** In float32 and in this order, as TFLite Micro computes them. */
function realScales({ inputs, outputs: [y] }: SvdfNode): { readonly feature: number; readonly output: number } {
  const [input, weightsFeature, weightsTime, , state] = inputs;
  const scale = (tensor: Tensor): number => perTensorQuant(tensor).scale;
  return {
    feature: Math.fround(Math.fround(scale(input) * scale(weightsFeature)) / scale(state)),
    output: Math.fround(Math.fround(scale(state) * scale(weightsTime)) / perTensorQuant(y!).scale),
  };
}

function scalesOf(node: SvdfNode): { readonly feature: FixedPointScale; readonly output: FixedPointScale } {
  const { feature, output } = realScales(node);
  return { feature: quantizeMultiplier(feature), output: quantizeMultiplier(output) };
}
