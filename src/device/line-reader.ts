/** Bytes in chunks of any size → lines. Tolerant of noise, and honest about it. */

export interface Line {
  readonly text: string;
  /** Bytes were dropped from its middle, or it was too long: it may end an answer but must not become a figure. */
  readonly damaged: boolean;
}

/** Longer than any answer: 1,000 outputs in one results line take 10 KB. What exceeds it is dropped, not stored. */
const MAX_LINE_CHARACTERS = 65_536;

const LF = 10;
const CR = 13;

/**
 * NUL and bytes that are no printable ASCII are dropped, as MLPerf Tiny's runner does. At the start of a line they are
 * what a port gives when it opens; in the middle they are damage.
 */
export class LineReader {
  #codes: number[] = [];
  #damaged = false;
  /** Bytes that were no text since the start: many of them mean a wrong baud rate. */
  droppedBytes = 0;
  receivedBytes = 0;

  push(bytes: Uint8Array): Line[] {
    const lines: Line[] = [];
    this.receivedBytes += bytes.length;
    for (const byte of bytes) {
      if (byte === LF) lines.push(this.#take());
      else if (byte >= 0x20 && byte < 0x7f) this.#keep(byte);
      else if (byte !== CR) {
        this.droppedBytes++;
        if (this.#codes.length > 0) this.#damaged = true;
      }
    }
    return lines;
  }

  #keep(byte: number): void {
    if (this.#codes.length < MAX_LINE_CHARACTERS) this.#codes.push(byte);
    else this.#damaged = true;
  }

  #take(): Line {
    const line = { text: textOf(this.#codes), damaged: this.#damaged };
    this.#codes = [];
    this.#damaged = false;
    return line;
  }
}

const decoder = new TextDecoder();
const textOf = (codes: readonly number[]): string => decoder.decode(Uint8Array.from(codes));
