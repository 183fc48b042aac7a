/**
 * The checksum by which the RP2040's ROM tells a second boot stage from an empty flash: CRC-32 with polynomial
 * 0x04C11DB7, not reflected, initial value 0xFFFFFFFF, no final value (RP2040 datasheet 2.8.1.3.1), over the first 252
 * of its 256 bytes; little-endian in the last four.
 */
export const BOOT2_BYTES = 256;
const CODE_BYTES = BOOT2_BYTES - 4;

export function crc32Mpeg2(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte << 24;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x80000000 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  }
  return crc >>> 0;
}

/** Pads code of at most 252 bytes with zeros and puts the checksum behind it. */
export function sealBoot2(code: Uint8Array): Uint8Array {
  if (code.length > CODE_BYTES) throw new TypeError(`a second boot stage of ${code.length} bytes; 252 fit`);
  const sealed = new Uint8Array(BOOT2_BYTES);
  sealed.set(code);
  new DataView(sealed.buffer).setUint32(CODE_BYTES, crc32Mpeg2(sealed.subarray(0, CODE_BYTES)), true);
  return sealed;
}

/** Whether the ROM would run it. */
export const isBoot2 = (bytes: Uint8Array): boolean =>
  bytes.length >= BOOT2_BYTES &&
  new DataView(bytes.buffer, bytes.byteOffset).getUint32(CODE_BYTES, true) ===
    crc32Mpeg2(bytes.subarray(0, CODE_BYTES));
