/** CRC-32 as zip and Ethernet compute it; the firmware's twin is thimble_crc32.c. "123456789" gives cbf43926. */
const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc >>> 0;
});

/** An unsigned 32-bit number. */
export function crc32(bytes: ArrayLike<number>): number {
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) crc = (crc >>> 8) ^ table[(crc ^ bytes[i]!) & 0xff]!;
  return (crc ^ 0xffffffff) >>> 0;
}

/** Eight hexadecimal digits in lower case, as the protocol writes them. */
export const crcText = (crc: number): string => crc.toString(16).padStart(8, '0');

/** Of a text's UTF-8 bytes: how a firmware names its labels and its recipe. */
export const crc32OfText = (text: string): number => crc32(new TextEncoder().encode(text));
