/** Small data files in every format, written byte by byte as their specifications say. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Zippable, zipSync } from 'fflate';
import { ThimbleError } from '../../../src/core/errors.js';

export const temporaryFolder = (): string => mkdtempSync(join(tmpdir(), 'thimble-data-'));

/** Writes a file into a folder (made where needed) and gives its path. */
export function write(folder: string, name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

export function npy(type: string, shape: readonly number[], values: Uint8Array, fortran = false): Uint8Array {
  const list = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const header = `{'descr': '${type}', 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': (${list}), }`;
  const padded = `${header.padEnd(Math.ceil((10 + header.length + 1) / 64) * 64 - 11)}\n`;
  const start = Uint8Array.of(0x93, ...Buffer.from('NUMPY'), 1, 0, padded.length & 255, padded.length >> 8);
  return Buffer.concat([start, Buffer.from(padded, 'latin1'), values]);
}

export const npz = (arrays: Readonly<Record<string, Uint8Array>>, level: 0 | 6 = 6): Uint8Array => {
  const files: Zippable = {};
  for (const [name, bytes] of Object.entries(arrays)) files[`${name}.npy`] = bytes;
  return zipSync(files, { level });
};

export const bytesOfArray = (array: ArrayBufferView): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

export function idx(type: number, shape: readonly number[], values: Uint8Array): Uint8Array {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header[2] = type;
  header[3] = shape.length;
  for (const [axis, size] of shape.entries()) header.writeUInt32BE(size, 4 + 4 * axis);
  return Buffer.concat([header, values]);
}

/** One CIFAR-10 record whose red, green and blue planes start at 0, 1 and 2 and count up. */
export const cifarRecord = (label: number): Uint8Array =>
  Uint8Array.of(
    label,
    ...Array.from({ length: 3072 }, (_, i) => (i % 1024) + Math.floor(i / 1024)).map((v) => v & 255),
  );

export async function codeOf(work: () => unknown): Promise<string> {
  try {
    await work();
    return 'nothing was thrown';
  } catch (error) {
    if (error instanceof ThimbleError) return error.code;
    throw error;
  }
}
