/**
 * Any kernel over weights that are stored packed and written out into scratch memory before the layer runs: less flash for
 * more RAM, whatever the core. Kernels that compute on encoded weights directly are in ops/words.
 */
import type { CArray, CNames, EmittedC, Implementation } from '../op.js';
import { type Packing, shortestPacking, sizeOf } from './packings.js';

/** Below this the call costs more than it saves. */
const LEAST_SAVED_BYTES = 32;
const CODE_BYTES: Readonly<Record<Packing['kind'], number>> = { bitmask: 70, delta: 80, nm: 110, codes: 80 };

/** The kernels' names for the array of their weights; the other constants of a layer are small. */
const WEIGHTS = /_(weights|stream)$/;
const ENCODED = /_(sparse|codebook)/; // variants that have packed them in their own way
const NAMES: CNames = { symbol: 'layer', inputs: ['in', '', ''], outputs: ['out'], scratch: 'scratch' };

/** At most one: with the shortest packing of its weights. None where that saves too little. */
export function unpacking(implementation: Implementation): readonly Implementation[] {
  if (ENCODED.test(implementation.variant)) return [];
  const weights = implementation
    .emitC(NAMES)
    .constants.find(({ name, type }) => WEIGHTS.test(name) && type !== 'float');
  const bytes = weights && bytesOf(weights);
  const packing = bytes && shortestPacking(bytes);
  if (!packing || bytes.length - sizeOf(packing) < LEAST_SAVED_BYTES) return [];
  const offset = roundUp8(implementation.scratchBytes);
  return [
    {
      ...implementation,
      variant: `${implementation.variant}_unpack_${packing.kind}`,
      instructions: implementation.instructions + Math.round(packing.instructions) + 20,
      codeBytes: implementation.codeBytes + CODE_BYTES[packing.kind],
      weightBytes: implementation.weightBytes - bytes.length + sizeOf(packing),
      scratchBytes: offset + roundUp8(packing.room),
      emitC: (names) => withUnpacked(implementation.emitC(names), packing, names, offset),
    },
  ];
}

/** The kernel's call finds its weights under the same name, now a local pointer. */
function withUnpacked(emitted: EmittedC, packing: Packing, { symbol, scratch }: CNames, offset: number): EmittedC {
  const weights = emitted.constants.find(({ name }) => WEIGHTS.test(name))!;
  const { kind, packed, codebook, count, parameters } = packing;
  const place = offset === 0 ? scratch : `${scratch} + ${offset}`;
  const book = codebook ? `${symbol}_values, ` : '';
  return {
    ...emitted,
    kernels: [...emitted.kernels, `thimble_unpack_${kind}.h`],
    constants: [
      { name: `${symbol}_packed`, type: 'uint8_t', values: packed },
      ...(codebook ? [{ name: `${symbol}_values`, type: 'uint8_t' as const, values: codebook }] : []),
      ...emitted.constants.filter((array) => array !== weights),
    ],
    call: `${weights.type} *const ${weights.name} = (${weights.type} *)(void *)(${place});

thimble_unpack_${kind}(${symbol}_packed, (uint8_t *)${weights.name}, ${count}, ${book}${parameters.join(', ')});
${emitted.call}`,
  };
}

const views: Partial<Record<CArray['type'], { from(values: ArrayLike<number>): { readonly buffer: ArrayBuffer } }>> = {
  int8_t: Int8Array,
  uint8_t: Uint8Array,
  int16_t: Int16Array,
  int32_t: Int32Array,
  uint32_t: Uint32Array,
};

/** As a little-endian core has them in memory: arrays of wider words are of kernels for such cores alone. */
function bytesOf({ type, values }: CArray): Uint8Array {
  return new Uint8Array(views[type]!.from(values as ArrayLike<number>).buffer);
}

const roundUp8 = (bytes: number): number => Math.ceil(bytes / 8) * 8;
