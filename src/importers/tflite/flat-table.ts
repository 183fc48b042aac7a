/**
 * A flatbuffer table, read with every offset checked. Field k has its place in the vtable at 4 + 2k; what is absent
 * there reads as the default. Bytes come from outside: nothing is allocated before its size is proved to lie in the
 * file, and vectors that overlap cannot make a small file unfold into a large model (`budget`).
 */
import { ThimbleError } from '../../core/errors.js';
import type { OptionsReader } from '../../ops/op.js';

interface Source {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  budget: number; // bytes of vectors and strings that may still be read
}

export class FlatTable implements OptionsReader {
  readonly #source: Source;
  readonly #at: number;
  readonly #vtable: number;
  readonly #vtableBytes: number;

  private constructor(source: Source, at: number) {
    this.#source = source;
    this.#at = at;
    this.#vtable = at - source.view.getInt32(within(source, at, 4), true);
    this.#vtableBytes = source.view.getUint16(within(source, this.#vtable, 4), true);
    within(source, this.#vtable, this.#vtableBytes);
  }

  /** @throws ThimbleError E_MODEL_FORMAT, as every other function here, where an offset leaves the file */
  static root(bytes: Uint8Array): FlatTable {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const source = { bytes, view, budget: 8 * bytes.length }; // a writer may share vectors, but not a hundred times
    return new FlatTable(source, view.getUint32(within(source, 0, 4), true));
  }

  has(id: number): boolean {
    return this.#find(id, 1) !== undefined;
  }

  int8(id: number, fallback = 0): number {
    const at = this.#find(id, 1);
    return at === undefined ? fallback : this.#source.view.getInt8(at);
  }

  uint8(id: number): number {
    return this.int8(id) & 0xff;
  }

  bool(id: number, fallback = false): boolean {
    return this.int8(id, fallback ? 1 : 0) !== 0;
  }

  int32(id: number, fallback = 0): number {
    const at = this.#find(id, 4);
    return at === undefined ? fallback : this.#source.view.getInt32(at, true);
  }

  uint32(id: number): number {
    return this.int32(id) >>> 0;
  }

  /** Saturates at 2^53: enough for sizes that are compared with a file's. */
  uint64(id: number): number {
    const at = this.#find(id, 8);
    return at === undefined ? 0 : Math.min(Number(this.#source.view.getBigUint64(at, true)), 2 ** 53);
  }

  float32(id: number, fallback = 0): number {
    const at = this.#find(id, 4);
    return at === undefined ? fallback : this.#source.view.getFloat32(at, true);
  }

  string(id: number): string {
    return new TextDecoder().decode(this.bytes(id));
  }

  /** A view on the file, not a copy; undefined where the vector is absent. */
  bytes(id: number): Uint8Array | undefined {
    const vector = this.#vector(id, 1);
    return vector && this.#source.bytes.subarray(vector.at, vector.at + vector.length);
  }

  int32s(id: number): readonly number[] {
    return this.#each(id, 4, (at) => this.#source.view.getInt32(at, true));
  }

  float32s(id: number): readonly number[] {
    return this.#each(id, 4, (at) => this.#source.view.getFloat32(at, true));
  }

  int64s(id: number): readonly bigint[] {
    return this.#each(id, 8, (at) => this.#source.view.getBigInt64(at, true));
  }

  table(id: number): FlatTable | undefined {
    const at = this.#find(id, 4);
    return at === undefined ? undefined : this.#follow(at);
  }

  tables(id: number): readonly FlatTable[] {
    return this.#each(id, 4, (at) => this.#follow(at));
  }

  #follow(at: number): FlatTable {
    return new FlatTable(this.#source, at + this.#source.view.getUint32(at, true));
  }

  #find(id: number, size: number): number | undefined {
    const entry = 4 + 2 * id;
    if (entry + 2 > this.#vtableBytes) return undefined;
    const offset = this.#source.view.getUint16(this.#vtable + entry, true);
    return offset === 0 ? undefined : within(this.#source, this.#at + offset, size);
  }

  #vector(id: number, elementBytes: number): { readonly at: number; readonly length: number } | undefined {
    const field = this.#find(id, 4);
    if (field === undefined) return undefined;
    const at = within(this.#source, field + this.#source.view.getUint32(field, true), 4);
    const length = this.#source.view.getUint32(at, true);
    within(this.#source, at + 4, length * elementBytes);
    this.#source.budget -= length * elementBytes;
    if (this.#source.budget < 0) throw damaged('its vectors overlap', at);
    return { at: at + 4, length };
  }

  #each<T>(id: number, elementBytes: number, read: (at: number) => T): readonly T[] {
    const vector = this.#vector(id, elementBytes);
    if (!vector) return [];
    return Array.from({ length: vector.length }, (_, i) => read(vector.at + i * elementBytes));
  }
}

/** `at`, if that many bytes from there lie in the file. */
function within({ bytes }: Source, at: number, size: number): number {
  if (at < 0 || at + size > bytes.length) throw damaged(`an offset points outside its ${bytes.length} bytes`, at);
  return at;
}

const damaged = (what: string, at: number): ThimbleError =>
  new ThimbleError('E_MODEL_FORMAT', `the .tflite is damaged or cut short: ${what}`, 'Copy or export the file again.', {
    where: `at byte ${at}`,
  });
