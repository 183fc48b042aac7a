/** Convolutions. Keras keeps HWIO weights, TFLite OHWI; one-dimensional ones are windows of height 1. */
import type { HeightWidth } from '../../../core/tensor.js';
import type { LayerConfig } from '../config.js';
import type { LayerCall, LayerFault, LayerKind } from '../layer-call.js';
import type { Weight } from '../weights.js';
import { activationFault, convertActivation, splitActivation } from './activation.js';

export function channelsFault(config: LayerConfig): LayerFault | undefined {
  return config.string('data_format', 'channels_last').toLowerCase().includes('first')
    ? { what: 'data_format "channels_first"', wayOut: 'build the model with data_format="channels_last"' }
    : undefined;
}

const convolutionFault = (config: LayerConfig): LayerFault | undefined =>
  channelsFault(config) ?? activationFault(config);

/** Weights with a height, whatever the number of dimensions: [width, in, out] becomes [1, width, in, out]. */
function windowWeight(call: LayerCall, dimensions: 1 | 2, ...names: readonly string[]) {
  const weight: Weight = call.weight(dimensions + 2, ...names);
  const [height = 1, width = 1, inputs = 1, outputs = 1] = dimensions === 1 ? [1, ...weight.shape] : weight.shape;
  return { height, width, inputs, outputs, values: weight.values };
}

type WindowWeight = ReturnType<typeof windowWeight>;

/** HWIO to OHWI; an entry is `run` values long. */
function outputsFirst({ height, width, inputs, outputs, values }: WindowWeight, run = 1): Float32Array {
  const taps = height * width * inputs;
  const result = new Float32Array(values.length);
  for (let tap = 0; tap < taps; tap++)
    for (let out = 0; out < outputs; out++)
      for (let i = 0; i < run; i++) result[(out * taps + tap) * run + i] = values[(tap * outputs + out) * run + i]!;
  return result;
}

interface WindowSettings {
  readonly stride: HeightWidth;
  readonly dilation: HeightWidth;
  readonly padding: 'SAME' | 'VALID';
}

/** Reads stride, dilation and padding; causal padding becomes zeros before the first value. */
function applyWindow(call: LayerCall, x: string, dimensions: 1 | 2, width: number) {
  const { config } = call;
  const dilation = config.window('dilation_rate', dimensions, [1, 1]);
  const padding = config.string('padding', 'valid').toLowerCase();
  if (!['same', 'valid', 'causal'].includes(padding)) throw call.mismatch(`its padding is "${padding}"`);
  const settings: WindowSettings = {
    stride: config.window('strides', dimensions, [1, 1]),
    dilation,
    padding: padding === 'same' ? 'SAME' : 'VALID',
  };
  const before = padding === 'causal' ? (width - 1) * dilation[1] : 0;
  return {
    settings,
    x: call.pad(x, [
      [0, 0],
      [0, 0],
      [before, 0],
      [0, 0],
    ]),
  }; // prettier-ignore
}

/** Zeros for a layer without: TFLite's own converter writes them too, for its older runtimes insist on a bias. */
function biasOf(call: LayerCall, outputs: number): string {
  if (!call.config.boolean('use_bias', true)) return noBias(call, 'bias', outputs);
  const bias = call.weight(1, 'bias');
  if (bias.values.length !== outputs) throw call.mismatch(`${bias.values.length} biases for ${outputs} channels`);
  return call.constant('bias', [outputs], () => bias.values);
}

const noBias = (call: LayerCall, short: string, outputs: number): string =>
  call.constant(short, [outputs], () => new Float32Array(outputs));

const convolution = (dimensions: 1 | 2): LayerKind => ({
  fault: convolutionFault,
  convert(call) {
    const kernel = windowWeight(call, dimensions, 'kernel');
    const shape = [kernel.outputs, kernel.height, kernel.width, kernel.inputs];
    const { fused, apply } = splitActivation(call);
    return call.through4d(call.input, (input) => {
      const { settings, x } = applyWindow(call, input, dimensions, kernel.width);
      const weights = call.constant('kernel', shape, () => outputsFirst(kernel));
      const inputs = [x, weights, biasOf(call, kernel.outputs)];
      return apply(call.node('conv_2d', inputs, { ...settings, activation: fused }));
    });
  },
});

/** Keras keeps the weights of transposed layers as [height, width, out, in]. */
const transposeConvolution = (dimensions: 1 | 2): LayerKind => ({
  fault(config) {
    const dilation = config.window('dilation_rate', dimensions, [1, 1]);
    return dilation.some((distance) => distance !== 1)
      ? { what: 'a dilated transposed convolution', wayOut: 'use dilation_rate=1' }
      : convolutionFault(config);
  },
  convert(call) {
    const { config } = call;
    const { height, width, inputs: channels, outputs: depth, values } = windowWeight(call, dimensions, 'kernel');
    const stride = config.window('strides', dimensions, [1, 1]);
    const padding = config.string('padding', 'valid').toLowerCase() === 'same' ? 'SAME' : 'VALID';
    const extra = config.value('output_padding') === undefined ? undefined : outputPadding(config, dimensions);
    return call.through4d(call.input, (x) => {
      const [, inputHeight = 1, inputWidth = 1] = call.shape(x);
      const outputSize = [
        enlarged(inputHeight, height, stride[0], padding, extra?.[0]),
        enlarged(inputWidth, width, stride[1], padding, extra?.[1]),
      ];
      const weights = call.constant('kernel', [channels, height, width, depth], () =>
        outputsFirst({ height, width, inputs: 1, outputs: channels, values }, depth),
      );
      const attrs = { stride, padding, outputSize, activation: 'none' };
      const y = call.node('transpose_conv', [x, weights, biasOf(call, channels)], attrs);
      return convertActivation(call, y); // never fused: TFLite Micro would leave it out
    });
  },
});

const outputPadding = (config: LayerConfig, dimensions: 1 | 2): HeightWidth => {
  const counts = config.numbers('output_padding');
  const [first = 0, second = first] = counts;
  return dimensions === 1 ? [0, first] : [first, second];
};

/** Keras' deconv_output_length. */
function enlarged(size: number, filter: number, stride: number, padding: string, extra: number | undefined): number {
  if (extra === undefined) return padding === 'SAME' ? size * stride : size * stride + Math.max(filter - stride, 0);
  return (size - 1) * stride + filter - (padding === 'SAME' ? 2 * Math.floor(filter / 2) : 0) + extra;
}

/** Keras' depthwise kernel [height, width, in, multiplier] is TFLite's [1, height, width, in · multiplier] as it lies. */
function depthwiseNode(call: LayerCall, input: string, dimensions: 1 | 2, bias: boolean, fused: string): string {
  const kernel = windowWeight(call, dimensions, 'depthwise_kernel', 'kernel');
  const channels = kernel.inputs * kernel.outputs;
  const { settings, x } = applyWindow(call, input, dimensions, kernel.width);
  const shape = [1, kernel.height, kernel.width, channels];
  const weights = call.constant('depthwise_kernel', shape, () => kernel.values);
  const biases = bias ? biasOf(call, channels) : noBias(call, 'depthwise_bias', channels);
  const attrs = { ...settings, depthMultiplier: kernel.outputs, activation: fused };
  return call.node('depthwise_conv_2d', [x, weights, biases], attrs);
}

const depthwise = (dimensions: 1 | 2): LayerKind => ({
  fault: convolutionFault,
  convert(call) {
    const { fused, apply } = splitActivation(call);
    return call.through4d(call.input, (x) => apply(depthwiseNode(call, x, dimensions, true, fused)));
  },
});

const separable = (dimensions: 1 | 2): LayerKind => ({
  fault: convolutionFault,
  convert(call) {
    const pointwise = windowWeight(call, dimensions, 'pointwise_kernel');
    if (pointwise.height * pointwise.width !== 1) throw call.mismatch('its pointwise kernel is larger than 1×1');
    const { fused, apply } = splitActivation(call);
    return call.through4d(call.input, (input) => {
      const x = depthwiseNode(call, input, dimensions, false, 'none');
      const shape = [pointwise.outputs, 1, 1, pointwise.inputs];
      const weights = call.constant('pointwise_kernel', shape, () => outputsFirst(pointwise));
      const attrs = { stride: [1, 1], dilation: [1, 1], padding: 'VALID', activation: fused };
      return apply(call.node('conv_2d', [x, weights, biasOf(call, pointwise.outputs)], attrs));
    });
  },
});

/** On more than one row a dense layer is a 1×1 convolution, which TFLite's kernels run without copying. */
const dense: LayerKind = {
  fault: activationFault,
  convert(call) {
    const kernel = call.weight(2, 'kernel');
    const [inputs = 0, outputs = 0] = kernel.shape;
    const transposed = () => outputsFirst({ height: 1, width: 1, inputs, outputs, values: kernel.values });
    const { fused, apply } = splitActivation(call);
    if (call.shape().length === 2) {
      const operands = [call.input, call.constant('kernel', [outputs, inputs], transposed), biasOf(call, outputs)];
      return apply(call.node('fully_connected', operands, { activation: fused, keepNumDims: false }));
    }
    return call.through4d(call.input, (x) => {
      const operands = [x, call.constant('kernel', [outputs, 1, 1, inputs], transposed), biasOf(call, outputs)];
      const attrs = { stride: [1, 1], dilation: [1, 1], padding: 'VALID', activation: fused };
      return apply(call.node('conv_2d', operands, attrs));
    });
  },
};

export const convolutions: Readonly<Record<string, LayerKind>> = {
  Conv1D: convolution(1),
  Conv2D: convolution(2),
  Convolution2D: convolution(2),
  Conv1DTranspose: transposeConvolution(1),
  Conv2DTranspose: transposeConvolution(2),
  Convolution2DTranspose: transposeConvolution(2),
  DepthwiseConv1D: depthwise(1),
  DepthwiseConv2D: depthwise(2),
  SeparableConv1D: separable(1),
  SeparableConv2D: separable(2),
  SeparableConvolution2D: separable(2),
  Dense: dense,
};
