/**
 * fully_connected: weights [out, in], optional bias [out], fused activation. The input may have any rank: it is read as
 * rows of `in` values. The output is [rows, out], or with keepNumDims the input's shape with `out` in the last place.
 *
 * int8: symmetric weights with one scale or one per output (axis 0), bias int32 at input · weight scale.
 */
import { ThimbleError } from '../../core/errors.js';
import { dataOf, elementCount, perTensorQuant, shapeText, type Tensor, type TypedArray } from '../../core/tensor.js';
import { type Activation, activationNumbered, activations } from '../activation.js';
import { avrRows } from '../avr/rows.js';
import { pointwiseAvr } from '../conv_2d/conv_2d_avr.js';
import { dotProducts, type FilterGroup, packFilters } from '../dot-products.js';
import { dspCores } from '../dsp/cores.js';
import { pointwiseDsp } from '../dsp/pointwise.js';
import { dsp16Variant, packed16, packs } from '../dsp/sixteen.js';
import { isInt16 } from '../int8-operands.js';
import { mveCores, pointwiseMve } from '../mve/matrix.js';
import type { CNames, Cost, EmittedC, OpDef, OpNode } from '../op.js';
import { anyWidthCost, anyWidthFaults, constants16x8, kernels16x8, prepareAnyWidth } from '../weighted-16x8.js';
import {
  effectiveScales,
  outputArguments,
  outputScale,
  prepareRound,
  type WeightedInputs,
  type WeightedNode,
  type WeightLayout,
  weightedConstants,
} from '../weighted-op.js';
import { wordsCores } from '../words/cores.js';
import { pointwiseWords } from '../words/pointwise.js';
import { fullyConnectedWords } from './fully_connected_words.js';

export interface FullyConnectedAttrs {
  readonly activation: Activation;
  readonly keepNumDims?: boolean; // false unless given
}
export type FullyConnectedNode = OpNode<FullyConnectedAttrs, WeightedInputs>;

export const fullyConnected: OpDef<FullyConnectedAttrs, WeightedInputs> = {
  name: 'fully_connected',
  inputCount: [2, 3],
  int16: true,
  quantization: { kind: 'weighted', axis: 0 },

  inferShape(inputs, { keepNumDims }) {
    const { rows, units } = geometryOf(inputs, keepNumDims);
    return [keepNumDims ? [...inputs[0].shape.slice(0, -1), units] : [rows, units]];
  },

  checkQuant: (node) => anyWidthFaults(node, layoutOf(node.inputs[1]), scalesOf),

  runFloat32: (node) => prepareFloat32(node)(dataOf(node.inputs[0])),
  runInt8: (node) => prepareInt8(node)(dataOf(node.inputs[0])),
  prepareFloat32,
  prepareInt8,

  terms(node, output) {
    const { depth, units } = geometryOf(node.inputs, node.attrs.keepNumDims);
    const [row, channel] = [Math.floor(output / units), output % units];
    const taps = Array.from({ length: depth }, (_, i) => ({ input: row * depth + i, weight: channel * depth + i }));
    return { channel, taps, scale: outputScale(node, channel, scalesOf, units) };
  },

  cost,

  emitC(node, names) {
    if (isInt16(node)) return emit16x8(node, names);
    const {
      symbol,
      inputs: [inputC],
      outputs: [outputC],
    } = names;
    const { rows, depth, units } = geometryOf(node.inputs, node.attrs.keepNumDims);
    const { constants, biasC } = weightedConstants(node, scalesOf(node, units), symbol);
    return {
      kernels: ['thimble_base.h', 'thimble_fixed_point.h', 'thimble_fully_connected_s8.h'],
      constants,
      call: `thimble_fully_connected_s8(
    ${inputC}, /* rows, depth */ ${rows}, ${depth}, /* zero_point */ ${perTensorQuant(node.inputs[0]).zeroPoint},
    ${symbol}_weights, ${biasC}, ${symbol}_multiplier, ${symbol}_shift,
    ${outputC}, /* units */ ${units},
    ${outputArguments(node)});`,
    };
  },

  variants: [
    dsp16Variant({
      layoutOf: ({ inputs: [, weights] }) => layoutOf(weights),
      geometryOf: () => undefined,
      cost,
      emitC: (node, names) => emit16x8(node, names, true),
      rates: () => ({ perMac: 1.55, runs: 0 }),
      codeBytes: 500,
    }),
    {
      name: 'dsp',
      cores: dspCores,
      implement: (node) => (isInt8(node) ? pointwiseDsp(node, matrixOf(node)) : []),
    },
    {
      name: 'avr',
      cores: ['avr'],
      implement: (node) => (isInt8(node) ? pointwiseAvr(node, matrixOf(node)) : []),
    },
    {
      name: 'avr_rows',
      cores: ['avr'],
      implement: (node) => {
        const { rows, units } = geometryOf(node.inputs, node.attrs.keepNumDims);
        return avrRows(node, rows, units);
      },
    },
    {
      name: 'mve',
      cores: mveCores,
      implement: (node) => (isInt8(node) ? pointwiseMve(node, matrixOf(node)) : []),
    },
    {
      name: 'words',
      cores: [...wordsCores, ...dspCores],
      implement: (node, core) =>
        isInt8(node)
          ? [
              ...(wordsCores.includes(core) ? fullyConnectedWords(node, rowsOf(node), core) : []),
              ...pointwiseWords(node, matrixOf(node), core, true),
            ]
          : [],
    },
  ],

  tflite: {
    builtin: 9,
    options: 8,
    version: ({ inputs: [input, weights, bias], attrs: { keepNumDims } }) => {
      if (input.dtype !== 'float32' && (weights.quant?.scale.length ?? 0) > 1) return 12; // per channel
      if (input.dtype === 'int16') return 7;
      if (!bias) return 6;
      if (keepNumDims) return 5;
      return input.dtype === 'int8' ? 4 : 1;
    },
    read(options) {
      if (options.int8(1) !== 0)
        throw new ThimbleError(
          'E_UNSUPPORTED_OP',
          'fully_connected with shuffled weights is not supported',
          'Convert the model with the default weights format.',
        );
      return { activation: activationNumbered(options.int8(0)), keepNumDims: options.bool(2) };
    },
    write: ({ activation, keepNumDims = false }) => [
      { id: 0, type: 'int8', value: activations.indexOf(activation) },
      { id: 2, type: 'bool', value: keepNumDims },
    ],
  },
};

const isInt8 = ({ inputs: [input], outputs: [output] }: FullyConnectedNode): boolean =>
  input.dtype === 'int8' && output!.dtype === 'int8';

/** Rows are what pixels are to a 1x1 convolution. */
function matrixOf(node: FullyConnectedNode) {
  const { rows, depth, units, scales } = rowsOf(node);
  return { pixels: rows, inputChannels: depth, outputChannels: units, scales };
}

function rowsOf(node: FullyConnectedNode) {
  const geometry = geometryOf(node.inputs, node.attrs.keepNumDims);
  return { ...geometry, scales: scalesOf(node, geometry.units) };
}

interface Geometry {
  readonly rows: number;
  readonly depth: number; // values in a row
  readonly units: number; // outputs of a row
}

/** @throws ThimbleError E_SHAPE */
function geometryOf([input, weights, bias]: WeightedInputs, keepNumDims = false): Geometry {
  const [units = 0, depth = 0] = weights.shape;
  const rows = elementCount(input.shape) / depth;
  const fits = weights.shape.length === 2 && units > 0 && Number.isInteger(rows) && rows > 0;
  if (!fits || (bias && elementCount(bias.shape) !== units) || (keepNumDims && input.shape.at(-1) !== depth))
    throw new ThimbleError(
      'E_SHAPE',
      `weights "${weights.name}" ${shapeText(weights.shape)} do not fit input "${input.name}" ${shapeText(input.shape)}${bias ? ` or bias ${shapeText(bias.shape)}` : ''}`,
      'fully_connected weights are [out, in], and the input is rows of `in` values; export the model again.',
    );
  return { rows, depth, units };
}

function cost(node: FullyConnectedNode): Cost {
  const { rows, depth, units } = geometryOf(node.inputs, node.attrs.keepNumDims);
  return anyWidthCost(node, layoutOf(node.inputs[1]), rows, units * depth, scalesOf);
}

function layoutOf({ shape }: Tensor): WeightLayout {
  const [units, depth] = [shape[0]!, shape[1]!];
  return { channels: units, axis: 0, channelOf: (index) => Math.floor(index / depth) };
}

/** As the convolutions per channel; with one weight scale TFLite rounds its product with the input's to float32. */
function scalesOf(node: WeightedNode, units: number): number[] {
  const [input, weights] = node.inputs;
  if (weights.quant?.scale.length !== 1) return effectiveScales(node, units);
  const product = Math.fround(perTensorQuant(input).scale * perTensorQuant(weights).scale);
  return new Array<number>(units).fill(product / perTensorQuant(node.outputs[0]!).scale);
}

/** @param dsp the kernel for cores with that extension, whose weights may lie otherwise */
function emit16x8(
  node: FullyConnectedNode,
  { symbol, inputs: [inputC], outputs: [outputC] }: CNames,
  dsp = false,
): EmittedC {
  const { rows, depth, units } = geometryOf(node.inputs, node.attrs.keepNumDims);
  const scales = scalesOf(node, units);
  const { constants, channels, statement } = constants16x8(node, layoutOf(node.inputs[1]), scales, symbol);
  const packed = dsp && packs(depth);
  const kernel = dsp ? 'thimble_fully_connected_s16_dsp' : 'thimble_fully_connected_s16';
  return {
    kernels: [...kernels16x8, `${kernel}.h`],
    constants: packed ? packed16(constants, symbol) : constants,
    call: `${statement}
${kernel}(
    ${inputC}, /* rows, depth */ ${rows}, ${depth}, ${symbol}_weights, &${channels},
    ${outputC}, /* units */ ${units}${dsp ? `, /* packed */ ${packed ? 1 : 0}` : ''});`,
  };
}

function prepareFloat32(node: FullyConnectedNode) {
  const sums = prepareSums(node, 0);
  const round = prepareRound(node, node.inputs[1].shape[0]!);
  return (input: TypedArray) => round(sums(input));
}

function prepareInt8(node: FullyConnectedNode) {
  const sums = prepareSums(node, perTensorQuant(node.inputs[0]).zeroPoint);
  const requantize = prepareAnyWidth(node, scalesOf(node, node.inputs[1].shape[0]!));
  return (input: TypedArray) => requantize(sums(input));
}

/** Σ (x − zeroPoint) · w for every output: one window per row. The buffers serve all runs. */
function prepareSums({ inputs, attrs }: FullyConnectedNode, zeroPoint: number): (input: TypedArray) => Float64Array {
  const { rows, depth, units } = geometryOf(inputs, attrs.keepNumDims);
  const x = new Float64Array(rows * depth);
  const sums = new Float64Array(rows * units);
  const origins = Int32Array.from({ length: rows }, (_, row) => row * depth);
  const filters: FilterGroup = {
    packed: packFilters(dataOf(inputs[1]), units, depth, (unit, i) => unit * depth + i),
    channels: units,
    firstInput: 0,
    firstOutput: 0,
    runs: Int32Array.of(0),
    runLength: depth,
  };
  return (input) => {
    for (let i = 0; i < x.length; i++) x[i] = input[i]! - zeroPoint;
    dotProducts(x, origins, filters, sums, units);
    return sums;
  };
}
