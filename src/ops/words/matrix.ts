/** The weights of a layer as the kernels read them, and what a call says of channels and output. */
import { perTensorQuant } from '../../core/tensor.js';
import { activationRangeQuantized } from '../activation.js';
import type { CArray } from '../op.js';
import type { WeightedNode } from '../weighted-op.js';
import { coded, dense, type Encoding, type EncodingKind, sparse } from './encode.js';
import { type WordsScaling, wordsScaling } from './requantize.js';

export interface WordsMatrix {
  readonly encoding: Encoding;
  readonly scaling: WordsScaling;
}

/**
 * One for each way in which the weights can lie.
 * @param filters the weights of each output channel, of equal length
 * @param together pixels at a time
 * @returns none where the arithmetic cannot be proved exact
 */
export function wordsMatrices(
  node: WeightedNode,
  filters: readonly Int32Array[],
  scales: readonly number[],
  together: number,
): readonly WordsMatrix[] {
  const scaling = scalingOf(node, filters, scales);
  if (!scaling) return [];
  const live = filters.map((filter, c) => (scaling.channels[c]!.multiplier === 0 ? filter.map(() => 0) : filter));
  const encodings = [dense(live), sparse(live, together), coded(live)];
  return encodings.filter((encoding) => encoding !== null).map((encoding) => ({ encoding, scaling }));
}

/** Cores with SIMD have faster kernels for weights that are all there. */
export const encodedOnly = (matrices: readonly WordsMatrix[]): readonly WordsMatrix[] =>
  matrices.filter(({ encoding }) => encoding.kind !== 'dense');

export const variantOf = ({ encoding: { kind } }: WordsMatrix): string =>
  kind === 'dense' ? 'words' : `words_${kind}`;

/** The proof for a node's filters; null where it fails. */
export function scalingOf(
  node: WeightedNode,
  filters: readonly Int32Array[],
  scales: readonly number[],
): WordsScaling | null {
  const output = node.outputs[0]!;
  return wordsScaling(
    filters.map((weights, c) => ({ weights, bias: node.inputs[2]?.data?.[c] ?? 0, scale: scales[c]! })),
    perTensorQuant(node.inputs[0]).zeroPoint,
    perTensorQuant(output).zeroPoint,
    activationRangeQuantized(node.attrs.activation, output),
  );
}

export const matrixBytes = ({ encoding: { bytes, lengths, codebook }, scaling }: WordsMatrix): number =>
  bytes.length + (lengths?.byteLength ?? 0) + (codebook?.length ?? 0) + scaling.channels.length * 9;

export const matrixConstants = (
  { encoding: { bytes, lengths, codebook }, scaling }: WordsMatrix,
  symbol: string,
): readonly CArray[] => [
  { name: `${symbol}_weights`, type: 'uint8_t', values: bytes },
  ...(lengths ? [{ name: `${symbol}_lengths`, type: 'uint16_t' as const, values: lengths }] : []),
  ...(codebook ? [{ name: `${symbol}_codebook`, type: 'uint8_t' as const, values: codebook }] : []),
  {
    name: `${symbol}_channels`,
    type: 'int32_t',
    values: scaling.channels.flatMap(({ bias, multiplier }) => [bias, multiplier]),
  },
  { name: `${symbol}_shifts`, type: 'uint8_t', values: scaling.channels.map(({ shift }) => shift) },
];

/** The arrays of a call, null where the weights need none. */
export const weightArguments = ({ encoding: { lengths, codebook } }: WordsMatrix, symbol: string): string =>
  `${symbol}_weights, /* lengths, codebook */ ${lengths ? `${symbol}_lengths` : '(const uint16_t *)0'}, ${codebook ? `${symbol}_codebook` : '(const uint8_t *)0'}`;

/** `symbol_channels, symbol_shifts` and how sums become outputs. */
export const channelArguments = (
  node: WeightedNode,
  { scaling }: Pick<WordsMatrix, 'scaling'>,
  symbol: string,
): string => `${symbol}_channels, ${symbol}_shifts, ${channelFlags(node, scaling)}`;

export function channelFlags(node: WeightedNode, { saturates }: WordsScaling): string {
  const output = node.outputs[0]!;
  const [min] = activationRangeQuantized(node.attrs.activation, output);
  const clamps = min >= perTensorQuant(output).zeroPoint;
  return `/* saturates, clamps below zero */ ${saturates ? 1 : 0}, ${clamps ? 1 : 0}`;
}

/** Zero point and bounds of the output. */
export function outputBounds(node: WeightedNode): string {
  const output = node.outputs[0]!;
  const [min, max] = activationRangeQuantized(node.attrs.activation, output);
  return `/* zero_point, activation_min, activation_max */ ${perTensorQuant(output).zeroPoint}, ${min}, ${max}`;
}

/** Instructions to load a weight, for ARMv6-M and for cores with more in one. RV32 loads one input at a time. */
const loads: Readonly<Record<EncodingKind, readonly [number, number]>> = {
  dense: [1, 1],
  sparse: [5, 3],
  codebook: [4.5, 3],
};

/** Predicted: all taps of so many pixels, and what it takes to begin and to end each sum. */
export function dotInstructions(
  { encoding: { kind, bytes, unroll, taps } }: WordsMatrix,
  pixels: number,
  outputChannels: number,
  together: number,
  core: string,
): number {
  const small = core === 'cortex-m0' || core === 'cortex-m0plus';
  const load = loads[kind][small ? 0 : 1];
  const entries = kind === 'sparse' ? bytes.length / 2 : outputChannels * taps;
  const perEntry =
    core === 'rv32imc'
      ? (kind === 'dense' ? 2.75 * together + 1.7 : 3 * together + (kind === 'sparse' ? 6 : 10)) / together // two channels share a load
      : (load + 1 + (small ? 2 : 1) * together + 3 / unroll) / together;
  const perOutput = core === 'rv32imc' ? 10 + 4 / together : small ? 32 + 56 / together : 16 + 14 / together;
  return pixels * (entries * perEntry + outputChannels * perOutput);
}

/** Of one loop over the taps: what a round of it takes. */
export const loopBytes = ({ encoding: { kind, unroll } }: WordsMatrix, together: number): number =>
  unroll * ((kind === 'dense' ? 1 : kind === 'sparse' ? 5 : 4) + together) * 4;

/** Four or five pixels of a row at a time: whichever leaves none over, else five. */
export const togetherIn = (width: number): number =>
  width <= 5 ? width : width % 5 === 0 ? 5 : width % 4 === 0 ? 4 : 5;
