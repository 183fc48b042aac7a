/**
 * conv_2d: NHWC input, weights [out, height, width, in] (OHWI), optional bias [out], fused activation. Batch 1.
 *
 * Grouped where the weights are less deep than the input: in = groups · depth, and each group of filters sees its own
 * channels. int8 follows TFLite's 8-bit specification: symmetric weights with one scale or one per output channel,
 * bias int32 at input · weight scale.
 */
import { ThimbleError } from '../../core/errors.js';
import { dataOf, elementCount, perTensorQuant, shapeText, type Tensor, type TypedArray } from '../../core/tensor.js';
import { type Activation, activationNumbered, activations } from '../activation.js';
import { bothWays } from '../column.js';

import { dotProducts, type FilterGroup, packFilters, tapOffsets, windowOrigins } from '../dot-products.js';
import { dsp16Variant, packed16, packs } from '../dsp/sixteen.js';
import { inPlaceVariant, noWindow, windowArguments } from '../in-place.js';
import { isInt16 } from '../int8-operands.js';
import type { CNames, Cost, EmittedC, OpDef, OpNode, Terms } from '../op.js';
import type { SlidingWindow } from '../sliding-window.js';
import { anyWidthCost, anyWidthFaults, constants16x8, kernels16x8, prepareAnyWidth } from '../weighted-16x8.js';
import {
  effectiveScales,
  outputArguments,
  outputScale,
  prepareRound,
  type WeightedInputs,
  type WeightLayout,
  weightedConstants,
} from '../weighted-op.js';
import {
  paddedSize,
  paddingNumbered,
  paddings,
  padInput,
  pixelsUnder,
  type Window,
  type WindowAttrs,
  windowOf,
} from '../window.js';
import { conv2dAvr } from './conv_2d_avr.js';
import { conv2dAvrRows } from './conv_2d_avr_rows.js';
import { conv2dDsp } from './conv_2d_dsp.js';
import { conv2dMve } from './conv_2d_mve.js';
import { conv2dWords } from './conv_2d_words.js';

export interface Conv2dAttrs extends WindowAttrs {
  readonly activation: Activation;
}
export type Conv2dNode = OpNode<Conv2dAttrs, WeightedInputs>;

export const conv2d: OpDef<Conv2dAttrs, WeightedInputs> = {
  name: 'conv_2d',
  inputCount: [2, 3],
  int16: true,
  quantization: { kind: 'weighted', axis: 0 },

  inferShape(inputs, attrs) {
    const { outputHeight, outputWidth, outputChannels } = geometryOf(inputs, attrs);
    return [[1, outputHeight, outputWidth, outputChannels]];
  },

  checkQuant: (node) => anyWidthFaults(node, layoutOf(node.inputs[1])),

  runFloat32: (node) => prepareFloat32(node)(dataOf(node.inputs[0])),
  runInt8: (node) => prepareInt8(node)(dataOf(node.inputs[0])),
  prepareFloat32,
  prepareInt8,

  terms,
  cost,
  emitC: (node, names) => emitC(node, names, noWindow),
  variants: [
    inPlaceVariant({ op: 'conv_2d', geometry: ({ inputs, attrs }) => geometryOf(inputs, attrs), cost, emitC }),
    bothWays(conv2dDsp, ({ inputs, attrs }) => geometryOf(inputs, attrs)),
    dsp16Variant({
      layoutOf: ({ inputs: [, weights] }) => layoutOf(weights),
      geometryOf({ inputs, attrs }) {
        const geometry = geometryOf(inputs, attrs);
        return geometry.groups === 1 ? geometry : null;
      },
      cost,
      emitC: (node, names, window) => emit16x8(node, names, window, true),
      rates({ inputs, attrs }) {
        const { filterHeight, filterWidth, dilationWidth } = geometryOf(inputs, attrs);
        const pointwise = filterHeight * filterWidth === 1;
        return pointwise
          ? { perMac: 1.55, runs: 0 }
          : { perMac: 2.1, runs: dilationWidth === 1 ? filterHeight : filterHeight * filterWidth };
      },
      codeBytes: 900,
    }),
    bothWays(conv2dWords, ({ inputs, attrs }) => geometryOf(inputs, attrs)),
    bothWays(conv2dMve, ({ inputs, attrs }) => geometryOf(inputs, attrs)),
    bothWays(conv2dAvr, ({ inputs, attrs }) => geometryOf(inputs, attrs)),
    conv2dAvrRows(({ inputs, attrs }) => geometryOf(inputs, attrs)),
  ],

  tflite: {
    builtin: 3,
    options: 1,
    version: ({ inputs: [input], attrs: { dilation } }) =>
      input.dtype === 'int16' ? 4 : input.dtype === 'int8' ? 3 : dilation?.some((distance) => distance !== 1) ? 2 : 1,
    read: (options) => ({
      padding: paddingNumbered(options.int8(0)),
      stride: [options.int32(2), options.int32(1)],
      activation: activationNumbered(options.int8(3)),
      dilation: [options.int32(5, 1), options.int32(4, 1)],
    }),
    write: ({ padding, stride, activation, dilation = [1, 1] }) => [
      { id: 0, type: 'int8', value: paddings.indexOf(padding) },
      { id: 1, type: 'int32', value: stride[1] },
      { id: 2, type: 'int32', value: stride[0] },
      { id: 3, type: 'int8', value: activations.indexOf(activation) },
      { id: 4, type: 'int32', value: dilation[1] },
      { id: 5, type: 'int32', value: dilation[0] },
    ],
  },
};

export interface Conv2dGeometry extends Window {
  readonly outputChannels: number;
  readonly depth: number; // input channels that one filter sees
  readonly groups: number;
}

/** @throws ThimbleError E_SHAPE */
function geometryOf([input, weights, bias]: WeightedInputs, attrs: Conv2dAttrs): Conv2dGeometry {
  const [outputChannels = 0, filterHeight = 0, filterWidth = 0, depth = 0] = weights.shape;
  const window = windowOf(input.shape, [filterHeight, filterWidth], attrs);
  const groups = window.inputChannels / depth;
  const fits = weights.shape.length === 4 && outputChannels > 0 && Number.isInteger(groups);
  if (!fits || outputChannels % groups !== 0 || (bias && elementCount(bias.shape) !== outputChannels))
    throw new ThimbleError(
      'E_SHAPE',
      `weights "${weights.name}" ${shapeText(weights.shape)} do not fit input "${input.name}" ${shapeText(input.shape)}${bias ? ` or bias ${shapeText(bias.shape)}` : ''}`,
      'conv_2d weights are [out, height, width, in], or in / groups for a grouped convolution; export the model again.',
    );
  return { ...window, outputChannels, depth, groups };
}

function layoutOf({ shape }: Tensor): WeightLayout {
  const perFilter = elementCount(shape.slice(1));
  return { channels: shape[0]!, axis: 0, channelOf: (index) => Math.floor(index / perFilter) };
}

function prepareFloat32(node: Conv2dNode) {
  const sums = prepareSums(node, 0);
  const round = prepareRound(node, node.inputs[1].shape[0]!);
  return (input: TypedArray) => round(sums(input));
}

function prepareInt8(node: Conv2dNode) {
  const sums = prepareSums(node, perTensorQuant(node.inputs[0]).zeroPoint);
  const requantize = prepareAnyWidth(node, effectiveScales(node, node.inputs[1].shape[0]!));
  return (input: TypedArray) => requantize(sums(input));
}

function terms(node: Conv2dNode, output: number): Terms {
  const g = geometryOf(node.inputs, node.attrs);
  const channel = output % g.outputChannels;
  const firstInput = Math.floor(channel / (g.outputChannels / g.groups)) * g.depth;
  const pixels = pixelsUnder(g, Math.floor(output / g.outputChannels));
  const taps = pixels.flatMap((pixel, tap) =>
    Array.from({ length: g.depth }, (_, d) => ({
      input: pixel === null ? null : pixel * g.inputChannels + firstInput + d,
      weight: (channel * pixels.length + tap) * g.depth + d,
    })),
  );
  return { channel, taps, scale: outputScale(node, channel, effectiveScales, g.outputChannels) };
}

function cost(node: Conv2dNode): Cost {
  const { outputHeight, outputWidth } = geometryOf(node.inputs, node.attrs);
  const macs = elementCount(node.inputs[1].shape);
  return anyWidthCost(node, layoutOf(node.inputs[1]), outputHeight * outputWidth, macs);
}

function emitC(node: Conv2dNode, names: CNames, window: SlidingWindow): EmittedC {
  if (isInt16(node)) return emit16x8(node, names, window);
  const {
    symbol,
    inputs: [inputC],
    outputs: [outputC],
  } = names;
  const g = geometryOf(node.inputs, node.attrs);
  const { constants, biasC } = weightedConstants(node, effectiveScales(node, g.outputChannels), symbol);
  return {
    kernels: ['thimble_base.h', 'thimble_fixed_point.h', 'thimble_conv_2d_s8.h'],
    constants,
    call: `thimble_conv_2d_s8(
    ${inputC}, /* height, width, channels */ ${g.inputHeight}, ${g.inputWidth}, ${g.inputChannels},
    /* zero_point */ ${perTensorQuant(node.inputs[0]).zeroPoint},
    ${symbol}_weights, /* height, width, depth */ ${g.filterHeight}, ${g.filterWidth}, ${g.depth},
    /* stride */ ${g.strideHeight}, ${g.strideWidth}, /* dilation */ ${g.dilationHeight}, ${g.dilationWidth},
    /* pad top, left */ ${g.padTop}, ${g.padLeft},
    ${biasC}, ${symbol}_multiplier, ${symbol}_shift,
    ${outputC}, /* height, width, channels */ ${g.outputHeight}, ${g.outputWidth}, ${g.outputChannels},
    ${outputArguments(node)},
    ${windowArguments(window, names)});`,
  };
}

/** @param dsp the kernel for cores with that extension, whose weights may lie otherwise */
function emit16x8(node: Conv2dNode, names: CNames, window: SlidingWindow, dsp = false): EmittedC {
  const {
    symbol,
    inputs: [inputC],
    outputs: [outputC],
  } = names;
  const g = geometryOf(node.inputs, node.attrs);
  const scales = effectiveScales(node, g.outputChannels);
  const packed = dsp && packs(g.depth);
  const kernel = dsp ? 'thimble_conv_2d_s16_dsp' : 'thimble_conv_2d_s16';
  const { constants, channels, statement } = constants16x8(node, layoutOf(node.inputs[1]), scales, symbol);
  return {
    kernels: [...kernels16x8, `${kernel}.h`],
    constants: packed ? packed16(constants, symbol) : constants,
    call: `${statement}
${kernel}(
    ${inputC}, /* height, width, channels */ ${g.inputHeight}, ${g.inputWidth}, ${g.inputChannels},
    ${symbol}_weights, /* height, width, depth */ ${g.filterHeight}, ${g.filterWidth}, ${g.depth},
    /* stride */ ${g.strideHeight}, ${g.strideWidth}, /* dilation */ ${g.dilationHeight}, ${g.dilationWidth},
    /* pad top, left */ ${g.padTop}, ${g.padLeft}, &${channels},
    ${outputC}, /* height, width, channels */ ${g.outputHeight}, ${g.outputWidth}, ${g.outputChannels},
    ${windowArguments(window, names)}${dsp ? `, /* packed */ ${packed ? 1 : 0}` : ''});`,
  };
}

/** Σ (x − zeroPoint) · w for every output; the buffers serve all runs. */
function prepareSums({ inputs, attrs }: Conv2dNode, zeroPoint: number): (input: TypedArray) => Float64Array {
  const g = geometryOf(inputs, attrs);
  const { height, width } = paddedSize(g);
  const padded = new Float64Array(height * width * g.inputChannels);
  const sums = new Float64Array(g.outputHeight * g.outputWidth * g.outputChannels);
  const origins = windowOrigins(g, g.inputChannels);
  const groups = filterGroups(g, dataOf(inputs[1]));
  return (input) => {
    padInput(g, input, zeroPoint, padded);
    for (const group of groups) dotProducts(padded, origins, group, sums, g.outputChannels);
    return sums;
  };
}

function filterGroups(g: Conv2dGeometry, weights: TypedArray): FilterGroup[] {
  const wholeRows = g.dilationWidth === 1 && g.groups === 1; // then a row of the filter lies in one piece
  const offsets = tapOffsets(g, g.inputChannels);
  const runs = wholeRows ? offsets.filter((_, tap) => tap % g.filterWidth === 0) : offsets;
  const runLength = wholeRows ? g.filterWidth * g.depth : g.depth;
  const taps = g.filterHeight * g.filterWidth * g.depth;
  const channels = g.outputChannels / g.groups;
  return Array.from({ length: g.groups }, (_, group) => ({
    packed: packFilters(weights, channels, taps, (c, tap) => (group * channels + c) * taps + tap),
    channels,
    firstInput: group * g.depth,
    firstOutput: group * channels,
    runs,
    runLength,
  }));
}
