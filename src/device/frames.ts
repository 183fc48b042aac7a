/**
 * Frames of the protocol's binary mode: COBS keeps zeros out, so that a zero always ends a frame, and a CRC-16 tells
 * whether it came whole. S. Cheshire, M. Baker, "Consistent overhead byte stuffing", IEEE/ACM ToN 7 (1999).
 */

/** Kinds, the first byte of a frame's content. The second is the session. */
export const frameKind = {
  command: 0x02, // request, text
  input: 0x03, //   transfer, block (2), bytes
  poll: 0x04, //    token
  break: 0x05,
  leave: 0x06,
  text: 0x82, //    request, index (2), bytes; the next two as well
  output: 0x83,
  reading: 0x84,
  taken: 0x85, //   transfer, block (2)
  end: 0x86, //     request, frames of the answer (2), CRC-32 of the command and of their bytes (4), token
} as const;

/** Kind, session and the three bytes behind them in most kinds. */
export const FRAME_HEADER_BYTES = 5;
/** Header and CRC included, a frame is never longer than one run of COBS. */
const MAX_CONTENT_BYTES = 254;
const CRC_BYTES = 2;

const table = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  return crc;
});

/**
 * CRC-16/GENIBUS: CCITT's polynomial, starting with 0xFFFF and inverted at the end. "123456789" gives d64e. Without the
 * inversion a frame to whose end the cable adds zeros would still have a right CRC.
 */
export function crc16(bytes: ArrayLike<number>): number {
  let crc = 0xffff;
  for (let i = 0; i < bytes.length; i++) crc = ((crc << 8) & 0xffff) ^ table[(crc >> 8) ^ bytes[i]!]!;
  return crc ^ 0xffff;
}

/** What crc16 gives over any message with its own CRC behind it. */
const RIGHT = 0xe2f0;

/** The bytes of the wire, the zero at the end included. A longer content is a bug of the caller. */
export function encodeFrame(content: Uint8Array): Uint8Array {
  const length = content.length + CRC_BYTES;
  if (length > MAX_CONTENT_BYTES) throw new RangeError(`a frame of ${content.length} bytes`);
  const crc = crc16(content);
  const byteAt = (at: number): number =>
    at < content.length ? content[at]! : at === content.length ? crc >> 8 : crc & 0xff;
  const wire = new Uint8Array(length + 2);
  let code = 0; // where the code of the current run stands
  for (let at = 0; at < length; at++) {
    const byte = byteAt(at);
    if (byte !== 0) {
      wire[at + 1] = byte;
      continue;
    }
    wire[code] = at + 1 - code;
    code = at + 1;
  }
  wire[code] = length + 1 - code;
  return wire;
}

/** Chunks of any size → contents of whole frames. What is damaged is counted and forgotten. */
export class FrameReader {
  #bytes: number[] = [];
  #left = 0; // bytes until the next code
  #zero = false;
  #any = false; // since the last zero
  damagedFrames = 0;

  push(chunk: Uint8Array): Uint8Array[] {
    const frames: Uint8Array[] = [];
    for (const byte of chunk) {
      if (byte === 0) {
        const frame = this.#finish();
        if (frame) frames.push(frame);
      } else this.#take(byte);
    }
    return frames;
  }

  #take(byte: number): void {
    this.#any = true;
    if (this.#left > 0) {
      this.#left--;
      this.#keep(byte);
      return;
    }
    if (this.#zero) this.#keep(0);
    this.#left = byte - 1;
    this.#zero = byte < 255;
  }

  /** One byte beyond the longest frame is enough to know it for damaged. */
  #keep(byte: number): void {
    if (this.#bytes.length <= MAX_CONTENT_BYTES) this.#bytes.push(byte);
  }

  #finish(): Uint8Array | undefined {
    const content = Uint8Array.from(this.#bytes);
    const whole =
      this.#left === 0 &&
      content.length >= 2 + CRC_BYTES &&
      content.length <= MAX_CONTENT_BYTES &&
      crc16(content) === RIGHT;
    if (this.#any && !whole) this.damagedFrames++;
    this.#bytes = [];
    this.#left = 0;
    this.#zero = this.#any = false;
    return whole ? content.subarray(0, -CRC_BYTES) : undefined;
  }
}

/** A little-endian word of two or four bytes. */
export const word16 = (bytes: Uint8Array, at: number): number => bytes[at]! | (bytes[at + 1]! << 8);
export const word32 = (bytes: Uint8Array, at: number): number =>
  (word16(bytes, at) | (word16(bytes, at + 2) << 16)) >>> 0;
