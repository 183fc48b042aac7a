/** NumPy's .npy: a text header, then the values. Format: numpy.lib.format, versions 1 to 3. */
import { elementCount } from '../core/tensor.js';
import { dataError } from './data-errors.js';

export interface NpyArray {
  readonly shape: readonly number[];
  readonly isFloat: boolean;
  readonly length: number;
  /** In C order, whatever the file's order and byte order. */
  at(index: number): number;
}

type Reader = (view: DataView, offset: number, littleEndian: boolean) => number;
const readers: Readonly<Record<string, readonly [bytes: number, read: Reader]>> = {
  f4: [4, (v, o, e) => v.getFloat32(o, e)],
  f8: [8, (v, o, e) => v.getFloat64(o, e)],
  b1: [1, (v, o) => v.getUint8(o)],
  u1: [1, (v, o) => v.getUint8(o)],
  u2: [2, (v, o, e) => v.getUint16(o, e)],
  u4: [4, (v, o, e) => v.getUint32(o, e)],
  u8: [8, (v, o, e) => Number(v.getBigUint64(o, e))],
  i1: [1, (v, o) => v.getInt8(o)],
  i2: [2, (v, o, e) => v.getInt16(o, e)],
  i4: [4, (v, o, e) => v.getInt32(o, e)],
  i8: [8, (v, o, e) => Number(v.getBigInt64(o, e))],
};

const MAX_HEADER_BYTES = 65_536;

export const isNpy = (bytes: Uint8Array): boolean =>
  bytes[0] === 0x93 && new TextDecoder('latin1').decode(bytes.subarray(1, 6)) === 'NUMPY';

/** @throws ThimbleError E_DATA_FORMAT for a damaged file or a type that is no plain number */
export function parseNpy(bytes: Uint8Array, where: string): NpyArray {
  const damaged = (message: string) =>
    dataError(
      'E_DATA_FORMAT',
      where,
      `not a whole .npy array: ${message}`,
      'Save it again with numpy.save or numpy.savez.',
    );
  if (!isNpy(bytes) || bytes.length < 12) throw damaged('its first bytes are not NumPy’s');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const isVersion1 = bytes[6] === 1;
  const headerStart = isVersion1 ? 10 : 12;
  const headerBytes = isVersion1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (headerBytes > MAX_HEADER_BYTES || headerStart + headerBytes > bytes.length) throw damaged('the header is cut');
  const header = new TextDecoder('latin1').decode(bytes.subarray(headerStart, headerStart + headerBytes));
  const [, order, type] = /'descr':\s*'([<>|=])([a-zA-Z]\d+)'/.exec(header) ?? [];
  const [, fortran] = /'fortran_order':\s*(True|False)/.exec(header) ?? [];
  const [, dimensions] = /'shape':\s*\(([\d, ]*)\)/.exec(header) ?? [];
  if (order === undefined || type === undefined || fortran === undefined || dimensions === undefined)
    throw damaged('the header does not describe one plain array');
  const reader = readers[type];
  if (!reader)
    throw dataError(
      'E_DATA_FORMAT',
      where,
      `values of NumPy’s type "${type}" are not supported`,
      'Convert it first: array.astype("float32") or "uint8".',
    );
  const [size, read] = reader;
  const shape = dimensions
    .split(',')
    .filter((part) => part.trim() !== '')
    .map(Number);
  const start = headerStart + headerBytes;
  const length = elementCount(shape);
  if (!Number.isSafeInteger(length) || length * size > bytes.length - start)
    throw damaged(`its shape needs ${length * size} bytes of values, ${bytes.length - start} are there`);
  const place = fortran === 'True' ? fortranPlace(shape) : (index: number) => index;
  const littleEndian = order !== '>';
  return {
    shape,
    length,
    isFloat: type.startsWith('f'),
    at: (index) => read(view, start + place(index) * size, littleEndian),
  };
}

/** From the position in C order (last axis fastest) to the one in Fortran order (first axis fastest). */
function fortranPlace(shape: readonly number[]): (index: number) => number {
  const strides = shape.map((_, axis) => elementCount(shape.slice(0, axis)));
  return (index) => {
    let place = 0;
    for (let axis = shape.length - 1, rest = index; axis >= 0; axis--) {
      const size = shape[axis]!;
      place += (rest % size) * strides[axis]!;
      rest = Math.floor(rest / size);
    }
    return place;
  };
}
