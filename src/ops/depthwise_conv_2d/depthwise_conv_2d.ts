/**
 * depthwise_conv_2d: NHWC input, weights [1, height, width, in · multiplier], optional bias, fused activation. Batch 1.
 *
 * Output channel c sees input channel ⌊c / multiplier⌋ alone; with depth multiplier 1 there is one each. int8 as
 * conv_2d, but with the scales along axis 3.
 */
import { ThimbleError } from '../../core/errors.js';
import { dataOf, elementCount, perTensorQuant, shapeText, type Tensor, type TypedArray } from '../../core/tensor.js';
import { type Activation, activationNumbered, activations } from '../activation.js';
import { bothWays } from '../column.js';
import { depthwiseProducts, inputSlack, packFilters, tapOffsets, windowOrigins } from '../dot-products.js';
import { dsp16Variant } from '../dsp/sixteen.js';
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
import { depthwiseConv2dAvr } from './depthwise_conv_2d_avr.js';
import { depthwiseConv2dDsp } from './depthwise_conv_2d_dsp.js';
import { depthwiseConv2dMve } from './depthwise_conv_2d_mve.js';
import { depthwiseConv2dWords } from './depthwise_conv_2d_words.js';

export interface DepthwiseConv2dAttrs extends WindowAttrs {
  readonly activation: Activation;
  readonly depthMultiplier: number; // output channels per input channel, as the shapes have it
}
export type DepthwiseConv2dNode = OpNode<DepthwiseConv2dAttrs, WeightedInputs>;

export const depthwiseConv2d: OpDef<DepthwiseConv2dAttrs, WeightedInputs> = {
  name: 'depthwise_conv_2d',
  inputCount: [2, 3],
  int16: true,
  quantization: { kind: 'weighted', axis: 3 },

  inferShape(inputs, attrs) {
    const { outputHeight, outputWidth, outputChannels } = geometryOf(inputs, attrs);
    return [[1, outputHeight, outputWidth, outputChannels]];
  },

  checkQuant: (node) => anyWidthFaults(node, layoutOf(node.inputs[1]), effectiveScales, false),

  runFloat32: (node) => prepareFloat32(node)(dataOf(node.inputs[0])),
  runInt8: (node) => prepareInt8(node)(dataOf(node.inputs[0])),
  prepareFloat32,
  prepareInt8,

  terms,
  cost,
  emitC: (node, names) => emitC(node, names, noWindow),
  variants: [
    inPlaceVariant({
      op: 'depthwise_conv_2d',
      geometry: ({ inputs, attrs }) => geometryOf(inputs, attrs),
      cost,
      emitC,
    }),
    bothWays(depthwiseConv2dDsp, ({ inputs, attrs }) => geometryOf(inputs, attrs)),
    dsp16Variant({
      layoutOf: ({ inputs: [, weights] }) => layoutOf(weights),
      geometryOf({ inputs, attrs }) {
        const geometry = geometryOf(inputs, attrs);
        return geometry.depthMultiplier === 1 ? geometry : null;
      },
      cost,
      emitC: (node, names, window) => emit16x8(node, names, window, true),
      rates: () => ({ perMac: 4.7, runs: 0 }),
      codeBytes: 800,
    }),
    bothWays(depthwiseConv2dWords, ({ inputs, attrs }) => geometryOf(inputs, attrs)),
    bothWays(depthwiseConv2dAvr, ({ inputs, attrs }) => geometryOf(inputs, attrs)),
    bothWays(depthwiseConv2dMve, ({ inputs, attrs }) => geometryOf(inputs, attrs)),
  ],

  tflite: {
    builtin: 4,
    options: 2,
    version: ({ inputs: [input], attrs: { dilation } }) =>
      input.dtype === 'int16' ? 5 : input.dtype === 'int8' ? 3 : dilation?.some((distance) => distance !== 1) ? 2 : 1,
    read: (options) => ({
      padding: paddingNumbered(options.int8(0)),
      stride: [options.int32(2), options.int32(1)],
      depthMultiplier: options.int32(3),
      activation: activationNumbered(options.int8(4)),
      dilation: [options.int32(6, 1), options.int32(5, 1)],
    }),
    write: ({ padding, stride, depthMultiplier, activation, dilation = [1, 1] }) => [
      { id: 0, type: 'int8', value: paddings.indexOf(padding) },
      { id: 1, type: 'int32', value: stride[1] },
      { id: 2, type: 'int32', value: stride[0] },
      { id: 3, type: 'int32', value: depthMultiplier },
      { id: 4, type: 'int8', value: activations.indexOf(activation) },
      { id: 5, type: 'int32', value: dilation[1] },
      { id: 6, type: 'int32', value: dilation[0] },
    ],
  },
};

export interface DepthwiseGeometry extends Window {
  readonly outputChannels: number;
  readonly depthMultiplier: number;
}

/** @throws ThimbleError E_SHAPE */
function geometryOf([input, weights, bias]: WeightedInputs, attrs: DepthwiseConv2dAttrs): DepthwiseGeometry {
  const [one = 0, filterHeight = 0, filterWidth = 0, outputChannels = 0] = weights.shape;
  const window = windowOf(input.shape, [filterHeight, filterWidth], attrs);
  const depthMultiplier = outputChannels / window.inputChannels;
  const fits =
    weights.shape.length === 4 && one === 1 && outputChannels > 0 && depthMultiplier === attrs.depthMultiplier;
  if (!fits || (bias && elementCount(bias.shape) !== outputChannels))
    throw new ThimbleError(
      'E_SHAPE',
      `weights "${weights.name}" ${shapeText(weights.shape)} with depth multiplier ${attrs.depthMultiplier} do not fit input "${input.name}" ${shapeText(input.shape)}${bias ? ` or bias ${shapeText(bias.shape)}` : ''}`,
      'depthwise_conv_2d weights are [1, height, width, in · depth multiplier]; export the model again.',
    );
  return { ...window, outputChannels, depthMultiplier };
}

function layoutOf({ shape }: Tensor): WeightLayout {
  const channels = shape[3]!;
  return { channels, axis: 3, channelOf: (index) => index % channels };
}

function prepareFloat32(node: DepthwiseConv2dNode) {
  const sums = prepareSums(node, 0);
  const round = prepareRound(node, node.inputs[1].shape[3]!);
  return (input: TypedArray) => round(sums(input));
}

function prepareInt8(node: DepthwiseConv2dNode) {
  const sums = prepareSums(node, perTensorQuant(node.inputs[0]).zeroPoint);
  const requantize = prepareAnyWidth(node, effectiveScales(node, node.inputs[1].shape[3]!));
  return (input: TypedArray) => requantize(sums(input));
}

function terms(node: DepthwiseConv2dNode, output: number): Terms {
  const g = geometryOf(node.inputs, node.attrs);
  const channel = output % g.outputChannels;
  const inputChannel = Math.floor(channel / g.depthMultiplier);
  const taps = pixelsUnder(g, Math.floor(output / g.outputChannels)).map((pixel, tap) => ({
    input: pixel === null ? null : pixel * g.inputChannels + inputChannel,
    weight: tap * g.outputChannels + channel,
  }));
  return { channel, taps, scale: outputScale(node, channel, effectiveScales, g.outputChannels) };
}

function cost(node: DepthwiseConv2dNode): Cost {
  const { outputHeight, outputWidth } = geometryOf(node.inputs, node.attrs);
  const macs = elementCount(node.inputs[1].shape);
  return anyWidthCost(node, layoutOf(node.inputs[1]), outputHeight * outputWidth, macs);
}

function emitC(node: DepthwiseConv2dNode, names: CNames, window: SlidingWindow): EmittedC {
  if (isInt16(node)) return emit16x8(node, names, window);
  const {
    symbol,
    inputs: [inputC],
    outputs: [outputC],
  } = names;
  const g = geometryOf(node.inputs, node.attrs);
  const { constants, biasC } = weightedConstants(node, effectiveScales(node, g.outputChannels), symbol);
  return {
    kernels: ['thimble_base.h', 'thimble_fixed_point.h', 'thimble_depthwise_conv_2d_s8.h'],
    constants,
    call: `thimble_depthwise_conv_2d_s8(
    ${inputC}, /* height, width, channels */ ${g.inputHeight}, ${g.inputWidth}, ${g.inputChannels},
    /* zero_point */ ${perTensorQuant(node.inputs[0]).zeroPoint},
    ${symbol}_weights, /* height, width, depth multiplier */ ${g.filterHeight}, ${g.filterWidth}, ${g.depthMultiplier},
    /* stride */ ${g.strideHeight}, ${g.strideWidth}, /* dilation */ ${g.dilationHeight}, ${g.dilationWidth},
    /* pad top, left */ ${g.padTop}, ${g.padLeft},
    ${biasC}, ${symbol}_multiplier, ${symbol}_shift,
    ${outputC}, /* height, width */ ${g.outputHeight}, ${g.outputWidth},
    ${outputArguments(node)},
    ${windowArguments(window, names)});`,
  };
}

/** @param dsp the kernel for cores with that extension: one filter a channel */
function emit16x8(node: DepthwiseConv2dNode, names: CNames, window: SlidingWindow, dsp = false): EmittedC {
  const {
    symbol,
    inputs: [inputC],
    outputs: [outputC],
  } = names;
  const g = geometryOf(node.inputs, node.attrs);
  const scales = effectiveScales(node, g.outputChannels);
  const kernel = dsp ? 'thimble_depthwise_conv_2d_s16_dsp' : 'thimble_depthwise_conv_2d_s16';
  const { constants, channels, statement } = constants16x8(node, layoutOf(node.inputs[1]), scales, symbol);
  return {
    kernels: [...kernels16x8, `${kernel}.h`],
    constants,
    call: `${statement}
${kernel}(
    ${inputC}, /* height, width, channels */ ${g.inputHeight}, ${g.inputWidth}, ${g.inputChannels},
    ${symbol}_weights, /* height, width */ ${g.filterHeight}, ${g.filterWidth},${dsp ? '' : ` /* depth multiplier */ ${g.depthMultiplier},`}
    /* stride */ ${g.strideHeight}, ${g.strideWidth}, /* dilation */ ${g.dilationHeight}, ${g.dilationWidth},
    /* pad top, left */ ${g.padTop}, ${g.padLeft}, &${channels},
    ${outputC}, /* height, width */ ${g.outputHeight}, ${g.outputWidth},
    ${windowArguments(window, names)});`,
  };
}

/** Σ (x − zeroPoint) · w for every output; the buffers serve all runs. */
function prepareSums({ inputs, attrs }: DepthwiseConv2dNode, zeroPoint: number): (input: TypedArray) => Float64Array {
  const g = geometryOf(inputs, attrs);
  const channels = g.outputChannels;
  const { height, width } = paddedSize(g);
  const padded = new Float64Array(height * width * channels + inputSlack); // every input channel once per filter on it
  const sums = new Float64Array(g.outputHeight * g.outputWidth * channels);
  const origins = windowOrigins(g, channels);
  const offsets = tapOffsets(g, channels);
  const packed = packFilters(dataOf(inputs[1]), channels, offsets.length, (c, tap) => tap * channels + c);
  return (input) => {
    padInput(g, input, zeroPoint, padded, g.depthMultiplier);
    depthwiseProducts(padded, origins, offsets, packed, channels, sums);
    return sums;
  };
}
