/** depthwise_conv_2d for cores with the DSP extension: packing, proof and cost of thimble_depthwise_conv_2d_s8_dsp.h. */
import { dataOf, perTensorQuant } from '../../core/tensor.js';
import { activationRangeQuantized } from '../activation.js';
import { dspCores } from '../dsp/cores.js';
import { roundUp } from '../dsp/pack.js';
import { type DspScaling, dspScaling } from '../dsp/requantize.js';
import { ringOf } from '../dsp/ring.js';
import type { CNames, EmittedC, Implementation, KernelVariant } from '../op.js';
import { effectiveScales, type WeightedInputs } from '../weighted-op.js';
import type { DepthwiseConv2dAttrs, DepthwiseConv2dNode, DepthwiseGeometry } from './depthwise_conv_2d.js';

const COLUMN_WORDS = 30; // THIMBLE_DSP_COLUMN_WORDS

export const depthwiseConv2dDsp = (
  geometryOf: (node: DepthwiseConv2dNode) => DepthwiseGeometry,
): KernelVariant<DepthwiseConv2dAttrs, WeightedInputs> => ({
  name: 'dsp',
  cores: dspCores,
  implement(node) {
    if (node.inputs[0].dtype !== 'int8' || node.outputs[0]!.dtype !== 'int8') return [];
    const g = geometryOf(node);
    const words = Math.ceil(g.filterHeight / 2);
    if (g.depthMultiplier !== 1 || g.inputChannels % 4 !== 0 || g.filterWidth * words > COLUMN_WORDS) return [];
    if (g.filterHeight > COLUMN_WORDS) return [];
    const { ring, backwards } = ringOf(g, g.outputChannels);
    if (backwards) return []; // one filter a channel never makes an output larger than its input
    const scaling = scalingOf(node, g);
    if (!scaling) return [];
    return isPlain3x3(g) ? [plain3x3(node, g, scaling)] : [implementation(node, g, scaling, ring)];
  },
});

const weightAt = (g: DepthwiseGeometry, weights: ArrayLike<number>, c: number, y: number, x: number): number =>
  y < g.filterHeight ? weights[(y * g.filterWidth + x) * g.outputChannels + c]! : 0;

function scalingOf(node: DepthwiseConv2dNode, g: DepthwiseGeometry): DspScaling | null {
  const weights = dataOf(node.inputs[1]);
  const scales = effectiveScales(node, g.outputChannels);
  const channels = scales.map((scale, c) => ({
    weights: Array.from({ length: g.filterHeight * g.filterWidth }, (_, tap) =>
      weightAt(g, weights, c, Math.floor(tap / g.filterWidth), tap % g.filterWidth),
    ),
    bias: node.inputs[2]?.data?.[c] ?? 0,
    scale,
  }));
  const { zeroPoint } = perTensorQuant(node.outputs[0]!);
  return dspScaling(channels, perTensorQuant(node.inputs[0]).zeroPoint, zeroPoint, true);
}

/** By channel: bias, multiplier, offset, and by column the weights of two rows in a word. */
function constantsOf(node: DepthwiseConv2dNode, g: DepthwiseGeometry, scaling: DspScaling): Int32Array {
  const weights = dataOf(node.inputs[1]);
  const words = Math.ceil(g.filterHeight / 2);
  return Int32Array.from(
    scaling.channels.flatMap(({ bias, multiplier, k }, c) => {
      const at = (y: number, x: number): number => (multiplier === 0 ? 0 : weightAt(g, weights, c, y, x) * 2 ** k);
      const columns = Array.from({ length: g.filterWidth * words }, (_, i) => {
        const [x, y] = [Math.floor(i / words), 2 * (i % words)];
        const alone = y + 1 === g.filterHeight; // two channels lie in the word: 0 and 2, or 1 and 3
        const [low, high] = alone ? (c % 4 < 2 ? [at(y, x), 0] : [0, at(y, x)]) : [at(y, x), at(y + 1, x)];
        return (low! & 0xffff) | (high! << 16);
      });
      return [bias, multiplier, scaling.base + 2 ** (k - 2), ...columns];
    }),
  );
}

function implementation(
  node: DepthwiseConv2dNode,
  g: DepthwiseGeometry,
  scaling: DspScaling,
  ring: number,
): Implementation {
  const words = Math.ceil(g.filterHeight / 2);
  const columns = Math.max(
    (g.outputWidth - 1) * g.strideWidth + (g.filterWidth - 1) * g.dilationWidth + 1,
    g.padLeft + g.inputWidth,
  );
  const taps = g.filterWidth * words;
  const outputs = g.outputHeight * g.outputWidth * g.outputChannels;
  return {
    variant: 'dsp',
    instructions: Math.round(
      outputs * (2 * taps + 8) +
        g.outputHeight * g.outputChannels * (66 + taps) +
        (g.outputHeight * columns * g.outputChannels * (g.filterHeight * 6 + 4)) / 4 +
        g.inputHeight * g.inputWidth * g.inputChannels * 1.5,
    ),
    codeBytes: 500 + taps * 16,
    weightBytes: g.outputChannels * (3 + taps) * 4,
    scratchBytes: roundUp(4 * (4 * columns * words + ring * columns), 8),
    overwrites: [0],
    emitC: (names) => emit(node, g, scaling, { ring, columns }, names),
  };
}

function emit(
  node: DepthwiseConv2dNode,
  g: DepthwiseGeometry,
  scaling: DspScaling,
  { ring, columns }: { readonly ring: number; readonly columns: number },
  { symbol, inputs: [inputC], outputs: [outputC], scratch }: CNames,
): EmittedC {
  const { zeroPoint } = perTensorQuant(node.outputs[0]!);
  const [min, max] = activationRangeQuantized(node.attrs.activation, node.outputs[0]!);
  return {
    kernels: ['thimble_base.h', 'thimble_dsp.h', 'thimble_depthwise_conv_2d_s8_dsp.h'],
    qualifier: 'THIMBLE_DSP_FUNCTION',
    constants: [{ name: `${symbol}_channels`, type: 'int32_t', values: constantsOf(node, g, scaling) }],
    call: `thimble_depthwise_conv_2d_s8_dsp(
    ${inputC}, /* height, width, channels */ ${g.inputHeight}, ${g.inputWidth}, ${g.inputChannels},
    /* zero_point */ ${perTensorQuant(node.inputs[0]).zeroPoint},
    ${symbol}_channels, /* filter */ ${g.filterHeight}, ${g.filterWidth}, /* stride */ ${g.strideHeight}, ${g.strideWidth},
    /* dilation */ ${g.dilationHeight}, ${g.dilationWidth}, /* pad top, left */ ${g.padTop}, ${g.padLeft},
    /* base, shift, clamps below zero */ ${scaling.base}, ${scaling.shift}, ${min >= zeroPoint ? 1 : 0},
    ${outputC}, /* height, width */ ${g.outputHeight}, ${g.outputWidth}, /* activation_min, activation_max */ ${min}, ${max},
    ${scratch}, /* ring, columns */ ${ring}, ${columns});`,
  };
}

const isPlain3x3 = (g: DepthwiseGeometry): boolean =>
  g.filterHeight === 3 &&
  g.filterWidth === 3 &&
  g.strideHeight * g.strideWidth * g.dilationHeight * g.dilationWidth === 1 &&
  g.outputWidth + 2 >= g.padLeft + g.inputWidth;

const PLAIN_WORDS = 9; // bias, multiplier, offset, three columns of rows 0 and 1, three of rows 1 and 2

function plain3x3(node: DepthwiseConv2dNode, g: DepthwiseGeometry, scaling: DspScaling): Implementation {
  const outputs = Math.ceil(g.outputHeight / 2) * 2 * g.outputWidth * g.outputChannels;
  const pairs = Math.ceil(g.outputHeight / 2);
  return {
    variant: 'dsp',
    instructions: Math.round(
      outputs * 17.4 + pairs * g.outputChannels * 20 + (pairs + 1) * g.inputWidth * g.inputChannels * 6,
    ),
    codeBytes: 700,
    weightBytes: g.outputChannels * PLAIN_WORDS * 4,
    scratchBytes: 4 * 2 * (g.outputWidth + 2) * 4,
    overwrites: [0],
    emitC: (names) => emitPlain3x3(node, g, scaling, names),
  };
}

function emitPlain3x3(
  node: DepthwiseConv2dNode,
  g: DepthwiseGeometry,
  scaling: DspScaling,
  { symbol, inputs: [inputC], outputs: [outputC], scratch }: CNames,
): EmittedC {
  const weights = dataOf(node.inputs[1]);
  const { zeroPoint } = perTensorQuant(node.outputs[0]!);
  const [min, max] = activationRangeQuantized(node.attrs.activation, node.outputs[0]!);
  const constants = scaling.channels.flatMap(({ bias, multiplier, k }, c) => {
    const word = (y: number, x: number): number => {
      const at = (row: number): number => (multiplier === 0 ? 0 : weightAt(g, weights, c, row, x) * 2 ** k);
      return (at(y) & 0xffff) | (at(y + 1) << 16);
    };
    const columns = [0, 1, 2];
    return [
      bias,
      multiplier,
      scaling.base + 2 ** (k - 2),
      ...columns.map((x) => word(0, x)),
      ...columns.map((x) => word(1, x)),
    ];
  });
  return {
    kernels: ['thimble_base.h', 'thimble_dsp.h', 'thimble_depthwise_conv_2d_s8_dsp.h'],
    qualifier: 'THIMBLE_DSP_FUNCTION',
    constants: [{ name: `${symbol}_channels`, type: 'int32_t', values: Int32Array.from(constants) }],
    call: `thimble_depthwise_conv_2d_s8_dsp_3x3(
    ${inputC}, /* height, width, channels */ ${g.inputHeight}, ${g.inputWidth}, ${g.inputChannels},
    /* zero_point */ ${perTensorQuant(node.inputs[0]).zeroPoint},
    ${symbol}_channels, /* pad top, left */ ${g.padTop}, ${g.padLeft},
    /* base, shift, clamps below zero */ ${scaling.base}, ${scaling.shift}, ${min >= zeroPoint ? 1 : 0},
    ${outputC}, /* height, width */ ${g.outputHeight}, ${g.outputWidth}, /* activation_min, activation_max */ ${min}, ${max},
    ${scratch});`,
  };
}
