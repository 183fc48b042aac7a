/**
 * UF2: how a boot ROM that shows itself as a drive takes a program. 512-byte blocks that each say where their 256 bytes
 * belong, so that the drive need not understand files. Specification: https://github.com/microsoft/uf2
 */
import { ThimbleError } from './errors.js';

const BLOCK_BYTES = 512;
const PAYLOAD_BYTES = 256;
const PAYLOAD_OFFSET = 32;
const MAX_PAYLOAD_BYTES = 476;
const MAGIC_START_0 = 0x0a324655; // 'UF2\n'
const MAGIC_START_1 = 0x9e5d5157;
const MAGIC_END = 0x0ab16f30;
const FLAG_NOT_MAIN_FLASH = 0x1;
const FLAG_FAMILY_ID = 0x2000;

export const RP2040_FAMILY = 0xe48bff56;

/**
 * @param image bytes to lie from `address` on; the last block is padded with zeros
 * @param address a multiple of 256, which the RP2040's ROM insists on
 */
export function encodeUf2(image: Uint8Array, address: number, familyId: number): Uint8Array {
  if (address % PAYLOAD_BYTES !== 0) throw new TypeError(`UF2 address 0x${address.toString(16)} is not on a page`);
  const count = Math.ceil(image.length / PAYLOAD_BYTES);
  const file = new Uint8Array(count * BLOCK_BYTES);
  const view = new DataView(file.buffer);
  for (let index = 0; index < count; index++) {
    const start = index * BLOCK_BYTES;
    const header = [
      MAGIC_START_0,
      MAGIC_START_1,
      FLAG_FAMILY_ID,
      address + index * PAYLOAD_BYTES,
      PAYLOAD_BYTES,
      index,
      count,
      familyId,
    ];
    header.forEach((word, i) => {
      view.setUint32(start + 4 * i, word, true);
    });
    file.set(image.subarray(index * PAYLOAD_BYTES, (index + 1) * PAYLOAD_BYTES), start + PAYLOAD_OFFSET);
    view.setUint32(start + BLOCK_BYTES - 4, MAGIC_END, true);
  }
  return file;
}

export interface Uf2Part {
  readonly address: number;
  readonly bytes: Uint8Array;
}

/**
 * The blocks of a UF2 file that are meant for a family, in the order of the file. Every block of it must be there once.
 * @throws ThimbleError E_FLASH_FAILED with the block that is wrong
 */
export function decodeUf2(file: Uint8Array, familyId: number): readonly Uf2Part[] {
  if (file.length === 0 || file.length % BLOCK_BYTES !== 0)
    throw notUf2(`${file.length} bytes are not a whole number of 512-byte blocks`);
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const parts: Uf2Part[] = [];
  const seen = new Set<number>();
  let expected = 0;
  for (let start = 0; start < file.length; start += BLOCK_BYTES) {
    const word = (index: number): number => view.getUint32(start + 4 * index, true);
    const block = `block ${start / BLOCK_BYTES}`;
    if (word(0) !== MAGIC_START_0 || word(1) !== MAGIC_START_1 || word(127) !== MAGIC_END)
      throw notUf2(`${block} lacks the magic numbers`);
    if (word(2) & FLAG_NOT_MAIN_FLASH || !(word(2) & FLAG_FAMILY_ID) || word(7) !== familyId) continue;
    const [address, size, index, count] = [word(3), word(4), word(5), word(6)];
    if (size > MAX_PAYLOAD_BYTES) throw notUf2(`${block} claims ${size} bytes; 476 fit`);
    if (index >= count || (expected !== 0 && count !== expected) || seen.has(index))
      throw notUf2(`${block} is number ${index} of ${count}, which does not fit the others`);
    expected = count;
    seen.add(index);
    parts.push({ address, bytes: file.slice(start + PAYLOAD_OFFSET, start + PAYLOAD_OFFSET + size) });
  }
  if (parts.length === 0) throw notUf2(`no block is meant for family 0x${familyId.toString(16)}`);
  if (seen.size !== expected) throw notUf2(`${expected - seen.size} of ${expected} blocks are missing`);
  return parts;
}

const notUf2 = (why: string): ThimbleError =>
  new ThimbleError('E_FLASH_FAILED', `not a usable UF2 file: ${why}`, 'Build the firmware again: thimble build');
