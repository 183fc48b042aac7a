/** CRC-32 of zip and Ethernet, as the serial protocol uses it; firmware-templates/runtime/thimble_crc32.c is its twin. */
const tableOf = (index: number): number => {
  let crc = index;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc >>> 0;
};
const table = Uint32Array.from({ length: 256 }, (_, index) => tableOf(index));

export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ table[(crc ^ byte) & 0xff]!;
  return ~crc >>> 0;
}

export const crc32OfText = (text: string): number => crc32(new TextEncoder().encode(text));
