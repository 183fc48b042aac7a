/**
 * transpose_conv: the gradient of a convolution, used to enlarge an image. Every pixel of the input adds its window of
 * weighted copies to the output, `stride` apart. NHWC input, weights [out, height, width, in], optional bias [out].
 *
 * TFLite's first input, a tensor with the output's shape, is none of ours: TFLite Micro goes by the shape that the
 * output declares, and so do we. int8 as conv_2d.
 */
import { ThimbleError } from '../../core/errors.js';
import {
  dataOf,
  elementCount,
  type HeightWidth,
  perTensorQuant,
  shapeText,
  type Tensor,
  type TypedArray,
} from '../../core/tensor.js';
import { type Activation, activationNumbered, activationRangeQuantized, activations } from '../activation.js';
import type { Cost, OpDef, OpNode, Terms } from '../op.js';
import {
  effectiveScales,
  outputArguments,
  outputScale,
  prepareRequantize,
  prepareRound,
  type WeightedInputs,
  type WeightLayout,
  weightedConstants,
  weightedCost,
  weightedFaults,
} from '../weighted-op.js';
import { type Padding, paddingNumbered, paddings, type Window, windowOf } from '../window.js';

export interface TransposeConvAttrs {
  readonly stride: HeightWidth;
  readonly padding: Padding;
  readonly outputSize: HeightWidth; // several fit to one input, where the stride is above 1
  readonly activation: Activation;
}
type TransposeConvNode = OpNode<TransposeConvAttrs, WeightedInputs>;

export const transposeConv: OpDef<TransposeConvAttrs, WeightedInputs> = {
  name: 'transpose_conv',
  inputCount: [2, 3],
  quantization: { kind: 'weighted', axis: 0 },

  inferShape(inputs, attrs) {
    geometryOf(inputs, attrs);
    return [[1, ...attrs.outputSize, inputs[1].shape[0]!]];
  },

  checkQuant(node) {
    const faults = weightedFaults(node, layoutOf(node.inputs[1]));
    return faults.length > 0 ? faults : activationFaults(node);
  },

  runFloat32: (node) => prepareRound(node, node.inputs[1].shape[0]!)(sumsOf(node, 0)),
  runInt8(node) {
    const scales = effectiveScales(node, node.inputs[1].shape[0]!);
    return prepareRequantize(node, scales)(sumsOf(node, perTensorQuant(node.inputs[0]).zeroPoint));
  },

  terms,
  cost,

  emitC(node, { symbol, inputs: [inputC], outputs: [outputC] }) {
    const { window: w, channels, depth } = geometryOf(node.inputs, node.attrs);
    const { constants, biasC } = weightedConstants(node, effectiveScales(node, channels), symbol);
    return {
      kernels: ['thimble_base.h', 'thimble_fixed_point.h', 'thimble_transpose_conv_s8.h'],
      constants,
      call: `thimble_transpose_conv_s8(
    ${inputC}, /* height, width, channels */ ${w.outputHeight}, ${w.outputWidth}, ${depth},
    /* zero_point */ ${perTensorQuant(node.inputs[0]).zeroPoint},
    ${symbol}_weights, /* height, width */ ${w.filterHeight}, ${w.filterWidth},
    /* stride */ ${w.strideHeight}, ${w.strideWidth}, /* pad top, left */ ${w.padTop}, ${w.padLeft},
    ${biasC}, ${symbol}_multiplier, ${symbol}_shift,
    ${outputC}, /* height, width, channels */ ${w.inputHeight}, ${w.inputWidth}, ${channels},
    ${outputArguments(node)});`,
    };
  },

  tflite: {
    builtin: 67,
    options: 49,
    order: [2, 1, 3],
    shapeInput: 0,
    version: ({ inputs: [input, , bias], attrs: { activation } }) =>
      activation !== 'none' ? 4 : bias ? 3 : input.dtype === 'int8' ? 2 : 1,
    read: (options, [, height = 0, width = 0]) => ({
      padding: paddingNumbered(options.int8(0)),
      stride: [options.int32(2), options.int32(1)],
      outputSize: [height, width],
      activation: activationNumbered(options.int8(3)),
    }),
    write: ({ padding, stride, activation }) => [
      { id: 0, type: 'int8', value: paddings.indexOf(padding) },
      { id: 1, type: 'int32', value: stride[1] },
      { id: 2, type: 'int32', value: stride[0] },
      { id: 3, type: 'int8', value: activations.indexOf(activation) },
    ],
  },
};

interface Geometry {
  /** Of the convolution whose gradient this is: it slides over OUR output, and ITS output is our input. */
  readonly window: Window;
  readonly channels: number; // of our output
  readonly depth: number; // channels of our input
}

/** @throws ThimbleError E_SHAPE */
function geometryOf([input, weights, bias]: WeightedInputs, attrs: TransposeConvAttrs): Geometry {
  const [channels = 0, filterHeight = 0, filterWidth = 0, depth = 0] = weights.shape;
  const window = windowOf([1, ...attrs.outputSize, Math.max(channels, 1)], [filterHeight, filterWidth], attrs);
  const [batch, height, width, inputDepth] = input.shape;
  const meets = batch === 1 && height === window.outputHeight && width === window.outputWidth;
  const fits = weights.shape.length === 4 && channels > 0 && depth > 0 && input.shape.length === 4;
  if (!fits || !meets || depth !== inputDepth || (bias && elementCount(bias.shape) !== channels))
    throw new ThimbleError(
      'E_SHAPE',
      `transpose_conv of "${input.name}" ${shapeText(input.shape)} with weights "${weights.name}" ` +
        `${shapeText(weights.shape)}${bias ? `, bias ${shapeText(bias.shape)}` : ''} does not give ` +
        `${attrs.outputSize.join('x')} pixels`,
      'Its weights are [out, height, width, in], and the output is about stride times the input; export the model again.',
    );
  return { window, channels, depth };
}

function layoutOf({ shape }: Tensor): WeightLayout {
  const perFilter = elementCount(shape.slice(1));
  return { channels: shape[0]!, axis: 0, channelOf: (index) => Math.floor(index / perFilter) };
}

/** TFLite Micro leaves a fused activation out; where that shows, its bytes and the model's meaning part. */
function activationFaults({ name, outputs: [output], attrs: { activation } }: TransposeConvNode): string[] {
  const [min, max] = activationRangeQuantized(activation, output!);
  return min <= -128 && max >= 127
    ? []
    : [
        `"${name}" (transpose_conv): TensorFlow Lite Micro leaves out the fused ${activation}; put it into a layer of its own`,
      ];
}

/** Calls `visit` for every tap of every input pixel that lands inside of the output. */
function forEachTap(
  { window: w }: Geometry,
  visit: (inputPixel: number, tap: number, outputPixel: number) => void,
): void {
  for (let pixel = 0; pixel < w.outputHeight * w.outputWidth; pixel++) {
    const top = Math.floor(pixel / w.outputWidth) * w.strideHeight - w.padTop;
    const left = (pixel % w.outputWidth) * w.strideWidth - w.padLeft;
    for (let tap = 0; tap < w.filterHeight * w.filterWidth; tap++) {
      const [y, x] = [top + Math.floor(tap / w.filterWidth), left + (tap % w.filterWidth)];
      if (y >= 0 && y < w.inputHeight && x >= 0 && x < w.inputWidth) visit(pixel, tap, y * w.inputWidth + x);
    }
  }
}

/** Σ (x − zeroPoint) · w for every output, exact for int8 as for float32's products. */
function sumsOf(node: TransposeConvNode, zeroPoint: number): Float64Array {
  const geometry = geometryOf(node.inputs, node.attrs);
  const { window: w, channels, depth } = geometry;
  const [x, weights]: readonly TypedArray[] = [dataOf(node.inputs[0]), dataOf(node.inputs[1])];
  const taps = w.filterHeight * w.filterWidth;
  const sums = new Float64Array(w.inputHeight * w.inputWidth * channels);
  forEachTap(geometry, (inputPixel, tap, outputPixel) => {
    for (let c = 0; c < channels; c++) {
      const from = (c * taps + tap) * depth;
      let sum = 0;
      for (let k = 0; k < depth; k++) sum += (x![inputPixel * depth + k]! - zeroPoint) * weights![from + k]!;
      sums[outputPixel * channels + c]! += sum;
    }
  });
  return sums;
}

function terms(node: TransposeConvNode, output: number): Terms {
  const geometry = geometryOf(node.inputs, node.attrs);
  const { window: w, channels, depth } = geometry;
  const [channel, pixel] = [output % channels, Math.floor(output / channels)];
  const taps: { input: number; weight: number }[] = [];
  forEachTap(geometry, (inputPixel, tap, outputPixel) => {
    const from = (channel * w.filterHeight * w.filterWidth + tap) * depth;
    if (outputPixel === pixel)
      for (let k = 0; k < depth; k++) taps.push({ input: inputPixel * depth + k, weight: from + k });
  });
  return { channel, taps, scale: outputScale(node, channel, effectiveScales, channels) };
}

/** Every input meets every weight of its channel, those outside of the output included, as everybody counts. */
function cost(node: TransposeConvNode): Cost {
  const { window, channels } = geometryOf(node.inputs, node.attrs);
  return weightedCost(node, channels, window.outputHeight * window.outputWidth, elementCount(node.inputs[1].shape));
}
