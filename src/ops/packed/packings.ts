/** Ways to store bytes in fewer, for thimble_unpack_*.h: what is left out, and what it takes to write it out again. */

export interface Packing {
  readonly kind: 'bitmask' | 'delta' | 'nm' | 'codes';
  readonly packed: Uint8Array;
  readonly codebook: Uint8Array | null;
  readonly count: number; // bytes that are written, those asked for and what fills the last round
  readonly room: number; // bytes of memory that they take
  readonly instructions: number; // on a core like a Cortex-M4
  readonly parameters: readonly number[]; // of the C function, behind `count`
}

/** The shortest; of equals the quickest. Null where none is shorter than the bytes themselves. */
export function shortestPacking(bytes: Uint8Array): Packing | null {
  const most = mostFrequent(bytes);
  const all = [bitmask(bytes, most), delta(bytes, most), nOfFour(bytes, most), codes(bytes)];
  const shorter = all.filter((packing) => packing !== null && sizeOf(packing) < bytes.length) as Packing[];
  shorter.sort((a, b) => sizeOf(a) - sizeOf(b) || a.instructions - b.instructions);
  return shorter[0] ?? null;
}

export const sizeOf = ({ packed, codebook }: Packing): number => packed.length + (codebook?.length ?? 0);

/** Eight bytes are a mask and those that are not `most`. */
export function bitmask(bytes: Uint8Array, most: number): Packing {
  const packed: number[] = [];
  const padded = filledUp(bytes, 8, most);
  for (let i = 0; i < padded.length; i += 8) {
    const eight = [...padded.subarray(i, i + 8)];
    packed.push(eight.reduce((mask, byte, bit) => mask | (byte === most ? 0 : 1 << bit), 0));
    packed.push(...eight.filter((byte) => byte !== most));
  }
  const count = padded.length;
  const instructions = count * 8.5;
  return {
    kind: 'bitmask',
    packed: Uint8Array.from(packed),
    codebook: null,
    count,
    room: count,
    instructions,
    parameters: [most],
  };
}

const WIDEST_SKIP = 15; // half a byte

/** Two bytes that are not `most` are three: how many to skip before each, and both. */
export function delta(bytes: Uint8Array, most: number): Packing {
  const entries: [skip: number, byte: number][] = [];
  let skip = 0;
  for (const byte of bytes)
    if (byte === most && skip < WIDEST_SKIP) skip++;
    else {
      entries.push([skip, byte]);
      skip = 0;
    }
  if (entries.length % 2 > 0) entries.push([0, most]);
  const packed: number[] = [];
  for (let i = 0; i < entries.length; i += 2) {
    const [[first, one], [second, two]] = [entries[i]!, entries[i + 1]!];
    packed.push(first | (second << 4), one, two);
  }
  const count = roundUp(bytes.length, 4);
  const pairs = entries.length / 2;
  return {
    kind: 'delta',
    packed: Uint8Array.from(packed),
    codebook: null,
    count,
    room: Math.max(count, bytes.length + 1), // the last pair may have one too many
    instructions: count + pairs * 13,
    parameters: [most, pairs],
  };
}

/** Of each four bytes at most one, or two, are not `most`. Null where a four has more. */
export function nOfFour(bytes: Uint8Array, most: number): Packing | null {
  const padded = filledUp(bytes, 16, most);
  const fours = Array.from({ length: padded.length / 4 }, (_, i) => [...padded.subarray(4 * i, 4 * i + 4)]);
  const n = Math.max(1, ...fours.map((four) => four.filter((byte) => byte !== most).length));
  if (n > 2) return null;
  const places = fours.flatMap((four, i) =>
    kept(four, most, n).map((place) => ({ place, byte: padded[4 * i + place]! })),
  );
  const packed: number[] = [];
  for (let i = 0; i < places.length; i += 4) {
    const round = places.slice(i, i + 4);
    packed.push(round.reduce((bits, { place }, k) => bits | (place << (2 * k)), 0));
    packed.push(...round.map(({ byte }) => byte));
  }
  const count = padded.length;
  const instructions = count + (places.length / 4) * 26;
  return {
    kind: 'nm',
    packed: Uint8Array.from(packed),
    codebook: null,
    count,
    room: count,
    instructions,
    parameters: [most, n],
  };
}

/** Places of the n to store, in order; where fewer differ, others beside them. */
function kept(four: readonly number[], most: number, n: number): readonly number[] {
  const different = [0, 1, 2, 3].filter((place) => four[place] !== most);
  const others = [0, 1, 2, 3].filter((place) => four[place] === most);
  return [...different, ...others].slice(0, n).sort((a, b) => a - b);
}

/** A place in a codebook each, in as few bits as that takes. Null where there are more values than 7 bits tell apart. */
export function codes(bytes: Uint8Array): Packing | null {
  const codebook = Uint8Array.from(new Set(bytes)).sort();
  const bits = Math.max(1, Math.ceil(Math.log2(codebook.length)));
  if (bits > 7) return null;
  const places = new Map([...codebook].map((byte, place) => [byte, place]));
  const packed = new Uint8Array(Math.ceil((bytes.length * bits) / 8));
  for (let i = 0; i < bytes.length; i++) {
    const [at, shift] = [(i * bits) >> 3, (i * bits) & 7];
    const placed = places.get(bytes[i]!)! << shift;
    packed[at]! |= placed & 0xff;
    if (placed > 0xff) packed[at + 1]! |= placed >> 8;
  }
  const count = bytes.length;
  return { kind: 'codes', packed, codebook, count, room: count, instructions: count * 9, parameters: [bits] };
}

function mostFrequent(bytes: Uint8Array): number {
  const times = new Uint32Array(256);
  for (const byte of bytes) times[byte]!++;
  return times.indexOf(Math.max(...times));
}

function filledUp(bytes: Uint8Array, multiple: number, most: number): Uint8Array {
  const padded = new Uint8Array(roundUp(bytes.length, multiple)).fill(most);
  padded.set(bytes);
  return padded;
}

const roundUp = (count: number, multiple: number): number => Math.ceil(count / multiple) * multiple;
