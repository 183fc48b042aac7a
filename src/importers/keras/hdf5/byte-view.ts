/** Little-endian reads that cannot leave their bytes: every address and length in an HDF5 file comes from outside. */
import { ThimbleError } from '../../../core/errors.js';

export const damaged = (what: string): ThimbleError =>
  new ThimbleError('E_MODEL_FORMAT', `damaged HDF5 file: ${what}`, [
    'Copy or download the file again; the copy may be incomplete.',
    'Save the model again with model.save("model.h5").',
  ]);

export class ByteView {
  private readonly view: DataView;

  constructor(readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get length(): number {
    return this.bytes.length;
  }

  /** A part of the file as its own view; nothing is copied. @throws ThimbleError E_MODEL_FORMAT outside the file */
  slice(at: number, length: number): ByteView {
    this.check(at, length);
    return new ByteView(this.bytes.subarray(at, at + length));
  }

  u8(at: number): number {
    this.check(at, 1);
    return this.view.getUint8(at);
  }

  u16(at: number): number {
    this.check(at, 2);
    return this.view.getUint16(at, true);
  }

  u32(at: number): number {
    this.check(at, 4);
    return this.view.getUint32(at, true);
  }

  /** An unsigned integer of 1–8 bytes; Infinity above 2^53, which no length or address of a real file reaches. */
  unsigned(at: number, size: number): number {
    this.check(at, size);
    let value = 0;
    for (let i = size - 1; i >= 0; i--) value = value * 256 + this.view.getUint8(at + i);
    return value <= Number.MAX_SAFE_INTEGER ? value : Infinity;
  }

  text(at: number, length: number): string {
    return new TextDecoder().decode(this.slice(at, length).bytes);
  }

  /** Text up to a zero byte, or to the end. */
  terminatedText(at: number): string {
    this.check(at, 0);
    const end = this.bytes.indexOf(0, at);
    return this.text(at, (end < 0 ? this.length : end) - at);
  }

  expect(at: number, signature: string): void {
    if (this.text(at, signature.length) !== signature) throw damaged(`no "${signature}" block at byte ${at}`);
  }

  private check(at: number, length: number): void {
    if (!(at >= 0 && length >= 0 && at + length <= this.length))
      throw damaged(`bytes ${at} … ${at + length} are outside a block of ${this.length}`);
  }
}

/** Cursor over a ByteView, for records whose fields follow one another. */
export class ByteCursor {
  constructor(
    readonly view: ByteView,
    public at = 0,
  ) {}

  unsigned(size: number): number {
    this.at += size;
    return this.view.unsigned(this.at - size, size);
  }

  take(length: number): ByteView {
    this.at += length;
    return this.view.slice(this.at - length, length);
  }

  skip(length: number): void {
    this.at += length;
  }
}
