/** A NOR flash chip: erasing sets a sector's bits, writing clears some of them, and nothing else does anything. */
import { createHash } from 'node:crypto';
import { Unzlib } from 'fflate';

const SECTOR_BYTES = 4096;

export class EspFlash {
  readonly bytes: Uint8Array;
  #end = 0;

  constructor(size: number) {
    this.bytes = new Uint8Array(size).fill(0xff);
  }

  /** Behind the last byte that was ever written. */
  get writtenBytes(): number {
    return this.#end;
  }

  erase(address: number, size: number): boolean {
    const from = Math.floor(address / SECTOR_BYTES) * SECTOR_BYTES;
    const to = Math.ceil((address + size) / SECTOR_BYTES) * SECTOR_BYTES;
    if (to > this.bytes.length) return false;
    this.bytes.fill(0xff, from, to);
    return true;
  }

  write(address: number, data: Uint8Array): boolean {
    if (address + data.length > this.bytes.length) return false;
    for (let i = 0; i < data.length; i++) this.bytes[address + i]! &= data[i]!;
    this.#end = Math.max(this.#end, address + data.length);
    return true;
  }

  md5(address: number, size: number): Buffer {
    return createHash('md5')
      .update(this.bytes.subarray(address, address + size))
      .digest();
  }
}

/** One transfer into the flash: plain, or a zlib stream that is written as it unfolds. */
export class EspTransfer {
  readonly #flash: EspFlash;
  readonly #size: number;
  readonly #unzip: Unzlib | undefined;
  #next: number;
  #left: number;
  #failed = false;
  #sequence = 0;

  constructor(flash: EspFlash, address: number, size: number, blocks: number, compressed: boolean) {
    this.#flash = flash;
    this.#next = address;
    this.#size = address + size;
    this.#left = blocks;
    if (compressed) this.#unzip = new Unzlib((chunk) => this.#write(chunk));
  }

  /** False for a block out of order, or data that is none or does not fit what was announced. */
  block(sequence: number, data: Uint8Array): boolean {
    if (sequence !== this.#sequence || this.#left === 0) return false;
    this.#sequence++;
    this.#left--;
    if (!this.#unzip) this.#write(data.subarray(0, this.#size - this.#next));
    else
      try {
        this.#unzip.push(data, this.#left === 0);
      } catch {
        this.#failed = true;
      }
    return !this.#failed;
  }

  get isWhole(): boolean {
    return !this.#failed && this.#next === this.#size;
  }

  #write(chunk: Uint8Array): void {
    if (this.#next + chunk.length > this.#size || !this.#flash.write(this.#next, chunk)) this.#failed = true;
    else this.#next += chunk.length;
  }
}
