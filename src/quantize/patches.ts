/** What the filters of a layer see: second moments of its inputs, from which any change of its weights can be judged. */
import { elementCount } from '../core/tensor.js';
import { type WindowAttrs, windowOf } from '../ops/window.js';
import type { PairedLayer } from './paired-walk.js';

/**
 * Filters that see the same inputs, with the moments of those over many places: `gram` of the quantized network's
 * inputs with themselves, `cross` with the float network's, both about their means, since the bias settles those.
 */
export interface FilterSet {
  readonly taps: number;
  readonly filters: readonly number[]; // output channels
  /** Index in the weights of a filter's tap. */
  at(filter: number, tap: number): number;
  readonly gram: Float64Array; // [taps, taps] of Σ x̃ x̃ᵀ
  readonly cross: Float64Array; // [taps, taps] of Σ x̃ xᵀ
}

/** Moments of more taps than this take more memory and time than they are worth: 2 · 8 B · taps². */
const LARGEST_TAPS = 2048;

/** How many places of all samples are looked at; more change the moments little. */
const PLACES = 2048;

/** @returns the sets of a layer; none where no set describes its filters (grouped, transposed), or they see too much */
export function filterSets(layer: PairedLayer): readonly FilterSet[] {
  const { node, weights } = layer;
  const { shape } = weights;
  if (node.op === 'fully_connected') {
    const [outputs = 0, taps = 0] = shape;
    if (taps > LARGEST_TAPS) return [];
    const rows = layer.inFloat[0]!.length / taps;
    const places = placesOf(layer, rows, (row) => Int32Array.from({ length: taps }, (_, tap) => row * taps + tap));
    return [setOf(places, layer, range(outputs), (filter, tap) => filter * taps + tap)];
  }
  if (node.op === 'transpose_conv') return []; // which taps an output sees depends on its place
  const window = windowOf(layer.input.shape, [shape[1]!, shape[2]!], node.attrs as unknown as WindowAttrs);
  const origins = window.outputHeight * window.outputWidth;
  const { inputChannels } = window;
  if (node.op === 'conv_2d') {
    const taps = elementCount(shape.slice(1));
    if (shape[3] !== inputChannels || taps > LARGEST_TAPS) return [];
    const places = placesOf(layer, origins, (origin) => tapsAt(window, origin, range(inputChannels)));
    return [setOf(places, layer, range(shape[0]!), (filter, tap) => filter * taps + tap)];
  }
  const multiplier = shape[3]! / inputChannels;
  return range(inputChannels).map((channel) => {
    const places = placesOf(layer, origins, (origin) => tapsAt(window, origin, [channel]));
    const filters = range(multiplier).map((k) => channel * multiplier + k);
    return setOf(places, layer, filters, (filter, tap) => tap * shape[3]! + filter);
  });
}

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** Where the taps of one place lie in the input; −1 = padding. Filter rows, columns, then channels, as OHWI has them. */
function tapsAt(w: ReturnType<typeof windowOf>, origin: number, channels: readonly number[]): Int32Array {
  const top = Math.floor(origin / w.outputWidth) * w.strideHeight - w.padTop;
  const left = (origin % w.outputWidth) * w.strideWidth - w.padLeft;
  const taps: number[] = [];
  for (let y = 0; y < w.filterHeight; y++)
    for (let x = 0; x < w.filterWidth; x++) {
      const [row, column] = [top + y * w.dilationHeight, left + x * w.dilationWidth];
      const inside = row >= 0 && row < w.inputHeight && column >= 0 && column < w.inputWidth;
      for (const channel of channels)
        taps.push(inside ? (row * w.inputWidth + column) * w.inputChannels + channel : -1);
    }
  return Int32Array.from(taps);
}

interface Place {
  readonly sample: number;
  readonly taps: Int32Array;
}

/** Places spread evenly over all samples and positions. */
function placesOf(layer: PairedLayer, origins: number, taps: (origin: number) => Int32Array): readonly Place[] {
  const all = layer.inFloat.length * origins;
  const count = Math.min(all, PLACES);
  const known = new Map<number, Int32Array>();
  return Array.from({ length: count }, (_, i) => {
    const place = Math.floor((i * all) / count);
    const origin = place % origins;
    if (!known.has(origin)) known.set(origin, taps(origin));
    return { sample: Math.floor(place / origins), taps: known.get(origin)! };
  });
}

function setOf(
  places: readonly Place[],
  { inFloat, inQuantized }: PairedLayer,
  filters: readonly number[],
  at: FilterSet['at'],
): FilterSet {
  const taps = places[0]!.taps.length;
  const gather = (inputs: readonly Float32Array[]): Float32Array[] => {
    const rows = places.map(({ sample, taps: where }) =>
      Float32Array.from(where, (i) => (i < 0 ? 0 : inputs[sample]![i]!)),
    );
    const mean = new Float64Array(taps);
    for (const row of rows) for (let k = 0; k < taps; k++) mean[k]! += row[k]! / rows.length;
    for (const row of rows) for (let k = 0; k < taps; k++) row[k]! -= mean[k]!;
    return rows;
  };
  const [real, quantized] = [gather(inFloat), gather(inQuantized)];
  return { taps, filters, at, gram: products(quantized, quantized, taps), cross: products(quantized, real, taps) };
}

/** Σ a bᵀ over the rows. */
function products(a: readonly Float32Array[], b: readonly Float32Array[], taps: number): Float64Array {
  const sums = new Float64Array(taps * taps);
  for (const [r, row] of a.entries()) {
    const other = b[r]!;
    for (let i = 0; i < taps; i++) {
      const value = row[i]!;
      if (value === 0) continue;
      const base = i * taps;
      for (let j = 0; j < taps; j++) sums[base + j]! += value * other[j]!;
    }
  }
  return sums;
}
