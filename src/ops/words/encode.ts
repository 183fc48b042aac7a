/** The ways in which weights lie in flash for thimble_words_dot: all of them, those that are not 0, or places in a codebook. */

export type EncodingKind = 'dense' | 'sparse' | 'codebook';

export interface Encoding {
  readonly kind: EncodingKind;
  readonly bytes: Uint8Array;
  readonly lengths: Uint16Array | null; // bytes of each channel, where that differs
  readonly codebook: Uint8Array | null;
  readonly taps: number; // of a channel, rounded up to unroll
  readonly unroll: number;
}

const SPARSE_UNROLL = 4; // entries in a round of the loop
const CODED_UNROLL = 8; // taps
const LARGEST_SKIP = 255; // words in a byte
const LARGEST_LENGTH = 65535;

/** A byte a weight, with 128 added. */
export function dense(filters: readonly Int32Array[]): Encoding {
  const used = filters[0]!.length;
  const unroll = used <= 4 ? 1 : used % 16 === 0 ? 16 : 8;
  const taps = roundUp(used, unroll);
  const bytes = new Uint8Array(filters.length * taps).fill(128);
  for (const [c, filter] of filters.entries()) for (let k = 0; k < used; k++) bytes[c * taps + k] = 128 + filter[k]!;
  return { kind: 'dense', bytes, lengths: null, codebook: null, taps, unroll };
}

/**
 * Two bytes for each weight that is not 0: how many words of inputs to skip, and the weight. Where the gap is too wide
 * for a byte, or to fill the last round of the loop, a 0 is written out.
 * @param together pixels side by side, so the words that one tap takes
 * @returns null where there are no zeros to leave out, or too few taps for a round
 */
export function sparse(filters: readonly Int32Array[], together: number): Encoding | null {
  const used = filters[0]!.length;
  if (used < SPARSE_UNROLL || !filters.some((filter) => filter.includes(0))) return null;
  const taps = roundUp(used, SPARSE_UNROLL);
  const widest = Math.floor(LARGEST_SKIP / together);
  const streams = filters.map((filter) => {
    const kept = written(filter, taps, widest);
    return kept.flatMap((tap, i) => [(tap - (kept[i - 1] ?? -1) - 1) * together, (filter[tap] ?? 0) & 0xff]);
  });
  if (streams.some(({ length }) => length > LARGEST_LENGTH)) return null;
  return {
    kind: 'sparse',
    bytes: Uint8Array.from(streams.flat()),
    lengths: Uint16Array.from(streams.map(({ length }) => length)),
    codebook: null,
    taps,
    unroll: SPARSE_UNROLL,
  };
}

/** The taps of one filter that its stream names, in order: a multiple of SPARSE_UNROLL and at least that many. */
function written(filter: Int32Array, taps: number, widest: number): readonly number[] {
  const kept = new Set<number>();
  let last = -1;
  for (let tap = 0; tap < filter.length; tap++) {
    if (filter[tap] === 0 && tap - last <= widest) continue;
    if (filter[tap] === 0 && !filter.subarray(tap).some((weight) => weight !== 0)) break;
    kept.add(tap);
    last = tap;
  }
  const count = Math.max(SPARSE_UNROLL, roundUp(kept.size, SPARSE_UNROLL));
  for (let tap = 0; kept.size < count && tap < taps; tap++) kept.add(tap);
  return [...kept].sort((a, b) => a - b);
}

/** Half a byte a weight: its place among at most 16 values. Null where a layer has more, or few taps. */
export function coded(filters: readonly Int32Array[]): Encoding | null {
  const used = filters[0]!.length;
  const values = [...new Set(filters.flatMap((filter) => [...filter]))].sort((a, b) => a - b);
  if (values.length > 16 || used < CODED_UNROLL) return null;
  const taps = roundUp(used, CODED_UNROLL);
  const places = new Map(values.map((value, place) => [value, place]));
  const bytes = new Uint8Array((filters.length * taps) / 2);
  for (const [c, filter] of filters.entries())
    for (let k = 0; k < used; k++) bytes[(c * taps + k) >> 1]! |= places.get(filter[k]!)! << (k % 2 === 0 ? 4 : 0);
  return {
    kind: 'codebook',
    bytes,
    lengths: null,
    codebook: Uint8Array.from(values, (value) => 128 + value),
    taps,
    unroll: CODED_UNROLL,
  };
}

const roundUp = (count: number, multiple: number): number => Math.ceil(count / multiple) * multiple;
