/** SLIP frames (RFC 1055): C0 begins and ends, DB DC stands for C0 and DB DD for DB. */
const END = 0xc0;
const ESCAPE = 0xdb;
const ESCAPED_END = 0xdc;
const ESCAPED_ESCAPE = 0xdd;

export function encodeSlip(frame: Uint8Array): Uint8Array {
  const bytes = [END];
  for (const byte of frame) {
    if (byte === END) bytes.push(ESCAPE, ESCAPED_END);
    else if (byte === ESCAPE) bytes.push(ESCAPE, ESCAPED_ESCAPE);
    else bytes.push(byte);
  }
  bytes.push(END);
  return Uint8Array.from(bytes);
}

/** Takes bytes as they come and gives whole frames; what stands between frames and broken escapes are dropped. */
export class SlipReader {
  #frame: number[] | undefined;
  #escaped = false;
  readonly #maxBytes: number;

  constructor(maxBytes = 64 * 1024) {
    this.#maxBytes = maxBytes;
  }

  *feed(bytes: Uint8Array): Generator<Uint8Array> {
    for (const byte of bytes) {
      if (byte === END) {
        const frame = this.#frame;
        // One C0 may end a frame and begin the next: an empty frame is no frame.
        this.#frame = [];
        this.#escaped = false;
        if (frame !== undefined && frame.length > 0) yield Uint8Array.from(frame);
      } else if (this.#frame === undefined) continue;
      else if (this.#escaped) {
        this.#escaped = false;
        if (byte === ESCAPED_END) this.#frame.push(END);
        else if (byte === ESCAPED_ESCAPE) this.#frame.push(ESCAPE);
        else this.#frame = undefined;
      } else if (byte === ESCAPE) this.#escaped = true;
      else this.#frame.push(byte);
      if (this.#frame && this.#frame.length > this.#maxBytes) this.#frame = undefined;
    }
  }
}
