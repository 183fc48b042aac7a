/** conv_2d for cores with the DSP extension: packing, proof and cost of thimble_conv_2d_s8_dsp.h. */
import { dataOf, perTensorQuant } from '../../core/tensor.js';
import { activationRangeQuantized } from '../activation.js';
import { dspCores } from '../dsp/cores.js';
import { packPairs, roundUp, unrollOf } from '../dsp/pack.js';
import { pointwiseDsp, scaledWeights } from '../dsp/pointwise.js';
import { CHANNEL_BYTES, channelWords, type DspScaling, dspScaling, requantizeArguments } from '../dsp/requantize.js';
import { ringOf } from '../dsp/ring.js';
import type { CNames, EmittedC, Implementation, KernelVariant } from '../op.js';
import { effectiveScales, type WeightedInputs } from '../weighted-op.js';
import type { Conv2dAttrs, Conv2dGeometry, Conv2dNode } from './conv_2d.js';

const FILTER_ROWS = 11; // THIMBLE_DSP_FILTER_ROWS
const PIXEL_BYTES = 508; // between two pixels: twice that is an LDRD's offset still

export const conv2dDsp = (
  geometryOf: (node: Conv2dNode) => Conv2dGeometry,
): KernelVariant<Conv2dAttrs, WeightedInputs> => ({
  name: 'dsp',
  cores: dspCores,
  implement(node) {
    if (node.inputs[0].dtype !== 'int8' || node.outputs[0]!.dtype !== 'int8') return [];
    const g = geometryOf(node);
    if (g.groups !== 1 || g.filterHeight > FILTER_ROWS) return [];
    if (formOf(g) === 'pointwise') {
      const { inputHeight, inputWidth, inputChannels, outputChannels } = g;
      const scales = effectiveScales(node, outputChannels);
      return pointwiseDsp(node, { pixels: inputHeight * inputWidth, inputChannels, outputChannels, scales });
    }
    return [false, true].flatMap((wide) => {
      const packed = pack(node, g, wide);
      return packed ? [implementation(node, g, packed)] : [];
    });
  },
});

type Form = 'pointwise' | 'rows' | 'patches';

/** Rounding a pixel of one or two channels up to four would double the work; gathering windows costs less. */
function formOf(g: Conv2dGeometry): Form {
  if (g.inputChannels <= 2) return 'patches';
  const plain = g.filterHeight * g.filterWidth * g.strideHeight * g.strideWidth === 1;
  return plain && g.padTop === 0 && g.padLeft === 0 ? 'pointwise' : 'rows';
}

interface Packed {
  readonly form: Form;
  readonly wide: boolean;
  readonly depth: number; // channels of a pixel, or taps of a window, rounded up to 4
  readonly scaling: DspScaling;
  readonly weights: Int32Array;
}

/** Null where the arithmetic cannot be proved exact. */
function pack(node: Conv2dNode, g: Conv2dGeometry, wide: boolean): Packed | null {
  const form = formOf(g);
  const perPixel = form === 'patches' ? g.inputChannels : roundUp(g.inputChannels, 4);
  const weights = dataOf(node.inputs[1]);
  const biases = node.inputs[2]?.data;
  const taps = g.filterHeight * g.filterWidth;
  const scales = effectiveScales(node, g.outputChannels);
  const channels = Array.from({ length: g.outputChannels }, (_, c) => {
    const own = new Int32Array(roundUp(taps * perPixel, 4));
    for (let tap = 0; tap < taps; tap++)
      for (let i = 0; i < g.inputChannels; i++)
        own[tap * perPixel + i] = weights[(c * taps + tap) * g.inputChannels + i]!;
    return { weights: own, bias: biases?.[c] ?? 0, scale: scales[c]! };
  });
  const zeroPoint = perTensorQuant(node.outputs[0]!).zeroPoint;
  const scaling = dspScaling(channels, perTensorQuant(node.inputs[0]).zeroPoint, zeroPoint, wide);
  if (!scaling) return null;
  const depth = form === 'patches' ? roundUp(taps * perPixel, 4) : perPixel;
  return { form, wide, depth, scaling, weights: packPairs(scaledWeights(channels, scaling, wide), wide) };
}

function implementation(node: Conv2dNode, g: Conv2dGeometry, packed: Packed): Implementation {
  const { form, wide, depth, weights } = packed;
  const plan = form === 'rows' ? rowsPlan(g, depth) : patchesPlan(g, depth);
  const pixels = g.outputHeight * g.outputWidth;
  const pairs = Math.ceil(g.outputChannels / 2);
  const products = pixels * weights.length * (wide ? 2 : 4);
  const pieces = form === 'rows' ? g.filterHeight * plan.pieces : 1;
  return {
    variant: wide ? 'dsp_wide' : 'dsp',
    instructions: Math.round(
      products * ((wide ? 2 : 5) / plan.together + 5) * 0.125 +
        pixels * pairs * ((wide ? 7 : 9) + 27 / plan.together) +
        (pixels * pairs * pieces * 9) / plan.together +
        plan.staging,
    ),
    codeBytes: plan.codeBytes + plan.unroll * (wide ? 140 : 160),
    weightBytes: weights.length * 4 + roundUp(g.outputChannels, 2) * CHANNEL_BYTES,
    scratchBytes: plan.scratchBytes,
    overwrites: form === 'patches' ? [] : [0],
    emitC: (names) => emit(node, g, packed, plan, names),
  };
}

interface Plan {
  readonly pieces: number; // of a row of the filter
  readonly steps: number; // in a piece
  readonly unroll: number;
  readonly tailUnroll: number;
  readonly ring: number;
  readonly backwards: boolean;
  readonly rowPixels: number;
  readonly together: number;
  readonly scratchBytes: number;
  readonly staging: number; // instructions
  readonly codeBytes: number;
}

/** Three windows widened, and one as it is gathered. */
const patchesPlan = (g: Conv2dGeometry, depth: number): Plan => ({
  pieces: 1,
  steps: depth / 4,
  unroll: unrollOf(depth / 4, 16),
  tailUnroll: unrollOf(depth / 4, 4),
  ring: 0,
  backwards: false,
  rowPixels: 0,
  together: 3,
  scratchBytes: roundUp(7 * depth, 8),
  staging: g.outputHeight * g.outputWidth * (g.filterHeight * 12 + depth * 2),
  codeBytes: 900,
});

function rowsPlan(g: Conv2dGeometry, depth: number): Plan {
  const dilated = g.dilationWidth > 1;
  const steps = ((dilated ? 1 : g.filterWidth) * depth) / 4;
  const rowPixels = Math.max(
    (g.outputWidth - 1) * g.strideWidth + (g.filterWidth - 1) * g.dilationWidth + 1,
    g.padLeft + g.inputWidth,
  );
  const { ring, backwards } = ringOf(g, g.outputChannels);
  const pixelBytes = 2 * g.strideWidth * depth;
  return {
    pieces: dilated ? g.filterWidth : 1,
    steps,
    unroll: unrollOf(steps, 16),
    tailUnroll: unrollOf(steps, 4),
    ring,
    backwards,
    rowPixels,
    together: Math.min(pixelBytes <= PIXEL_BYTES ? 3 : pixelBytes <= 2 * PIXEL_BYTES ? 2 : 1, g.outputWidth),
    scratchBytes: roundUp(ring * rowPixels * depth * 2, 8),
    staging: g.inputHeight * g.inputWidth * depth * 2,
    codeBytes: 700,
  };
}

function emit(
  node: Conv2dNode,
  g: Conv2dGeometry,
  { form, wide, depth, scaling, weights }: Packed,
  plan: Plan,
  { symbol, inputs: [inputC], outputs: [outputC], scratch }: CNames,
): EmittedC {
  const [min, max] = activationRangeQuantized(node.attrs.activation, node.outputs[0]!);
  const requantize = requantizeArguments(node, scaling, symbol);
  const bounds = `/* activation_min, activation_max */ ${min}, ${max}`;
  const widths = `/* wide */ ${wide ? 1 : 0}`;
  const unrolls = `${plan.unroll}, ${plan.tailUnroll}`;
  const call =
    form === 'patches'
      ? `thimble_conv_2d_s8_dsp_patches(
    ${inputC}, /* height, width, channels */ ${g.inputHeight}, ${g.inputWidth}, ${g.inputChannels},
    /* zero_point */ ${perTensorQuant(node.inputs[0]).zeroPoint},
    ${symbol}_weights, ${widths}, /* filter, taps rounded up */ ${g.filterHeight}, ${g.filterWidth}, ${depth},
    /* unroll, of the last pixels */ ${unrolls}, /* stride */ ${g.strideHeight}, ${g.strideWidth},
    /* dilation */ ${g.dilationHeight}, ${g.dilationWidth}, /* pad top, left */ ${g.padTop}, ${g.padLeft},
    ${requantize},
    ${outputC}, /* height, width, channels */ ${g.outputHeight}, ${g.outputWidth}, ${g.outputChannels}, ${bounds}, ${scratch});`
      : `thimble_conv_2d_s8_dsp(
    ${inputC}, /* height, width, channels, depth */ ${g.inputHeight}, ${g.inputWidth}, ${g.inputChannels}, ${depth},
    /* zero_point */ ${perTensorQuant(node.inputs[0]).zeroPoint},
    ${symbol}_weights, /* wide */ ${wide ? 1 : 0}, /* filter's height, pieces of a row, distance */ ${g.filterHeight}, ${plan.pieces}, ${g.dilationWidth * depth},
    /* steps, unroll, of the last pixels */ ${plan.steps}, ${plan.unroll}, ${plan.tailUnroll}, /* stride */ ${g.strideHeight}, ${g.strideWidth}, /* dilation */ ${g.dilationHeight},
    /* pad top, left */ ${g.padTop}, ${g.padLeft},
    ${requantize},
    ${outputC}, /* height, width, channels */ ${g.outputHeight}, ${g.outputWidth}, ${g.outputChannels}, ${bounds},
    ${scratch}, /* ring, row's pixels, together, backwards */ ${plan.ring}, ${plan.rowPixels}, ${plan.together}, ${plan.backwards ? 1 : 0});`;
  return {
    kernels: ['thimble_base.h', 'thimble_dsp.h', 'thimble_conv_2d_s8_dsp.h'],
    qualifier: 'THIMBLE_DSP_FUNCTION',
    constants: [
      { name: `${symbol}_weights`, type: 'int32_t', values: weights },
      { name: `${symbol}_channels`, type: 'int32_t', values: channelWords(scaling, wide) },
    ],
    call,
  };
}
