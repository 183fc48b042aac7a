/** HDF5 values: data types, shapes, attributes and datasets. */
import { ThimbleError } from '../../../core/errors.js';
import { float16 } from '../../../core/float16.js';
import { elementCount, type Shape } from '../../../core/tensor.js';
import { ByteCursor, type ByteView, damaged } from './byte-view.js';
import { bodyOf, type H5File, type HeaderMessage, messageType } from './object-header.js';

type Datatype =
  | { readonly kind: 'float' | 'integer' | 'text'; readonly size: number; readonly signed: boolean }
  | { readonly kind: 'variable-text'; readonly size: number };

const maxAttributeValues = 16384; // names of a model's weights; each text is looked up in its heap

/** An attribute's name and its values: strings for text, numbers otherwise; read when asked for. */
export interface H5Attribute {
  readonly name: string;
  values(): readonly (string | number)[];
}

/** @throws ThimbleError E_MODEL_FORMAT */
export function readAttribute(file: H5File, body: ByteView): H5Attribute {
  const version = body.u8(0);
  if (version < 1 || version > 3) throw damaged(`attribute version ${version}`);
  const padded = (size: number): number => (version === 1 ? Math.ceil(size / 8) * 8 : size);
  const [nameSize, typeSize, spaceSize] = [body.u16(2), body.u16(4), body.u16(6)];
  const cursor = new ByteCursor(body, version === 3 ? 9 : 8);
  const name = cursor.take(nameSize).terminatedText(0);
  cursor.skip(padded(nameSize) - nameSize);
  const typeBody = cursor.take(padded(typeSize));
  const spaceBody = cursor.take(padded(spaceSize));
  const data = body.slice(cursor.at, body.length - cursor.at);
  if (name === '') throw damaged('an attribute without a name');
  return {
    name,
    values() {
      const type = readDatatype(typeBody);
      const count = elementCount(readShape(file, spaceBody));
      if (count > maxAttributeValues) throw damaged(`an attribute of ${count} values`);
      data.slice(0, count * type.size); // proves the size before anything is allocated
      return Array.from({ length: count }, (_, i) => readElement(file, type, data, i * type.size));
    },
  };
}

export interface H5Dataset {
  readonly shape: Shape;
  /** Values as float32, whatever number type the file has. */
  read(): Float32Array;
}

/** @throws ThimbleError E_MODEL_FORMAT; E_UNSUPPORTED_MODEL for compressed or chunked data */
export function readDataset(file: H5File, messages: readonly HeaderMessage[]): H5Dataset | undefined {
  const [space, typeBody, layout] = [messageType.dataspace, messageType.datatype, messageType.layout].map((type) =>
    bodyOf(messages, type),
  );
  if (!space || !typeBody || !layout) return undefined;
  const shape = readShape(file, space);
  return {
    shape,
    read() {
      const type = readDatatype(typeBody);
      const data = contentOf(file, layout, elementCount(shape) * type.size);
      const values = new Float32Array(elementCount(shape));
      for (let i = 0; i < values.length; i++) {
        const value = readElement(file, type, data, i * type.size);
        if (typeof value === 'string') throw damaged('text where weights are expected');
        values[i] = value;
      }
      return values;
    },
  };
}

function contentOf(file: H5File, layout: ByteView, byteLength: number): ByteView {
  const version = layout.u8(0);
  const kind = version < 3 ? layout.u8(2) : layout.u8(1);
  if (version > 4 || kind > 1 || (version < 3 && kind === 0))
    throw new ThimbleError(
      'E_UNSUPPORTED_MODEL',
      'the HDF5 file stores weights in chunks or compressed, which Keras does not do by itself',
      'Undo the compression (h5repack -l CONTI -f NONE in.h5 out.h5), or save again with model.save("model.h5").',
    );
  if (kind === 0) return layout.slice(4, layout.u16(2)).slice(0, byteLength);
  const address = layout.unsigned(version < 3 ? 8 : 2, file.offsetSize);
  return byteLength === 0 ? layout.slice(0, 0) : file.view.slice(address, byteLength);
}

/** @throws ThimbleError E_MODEL_FORMAT where no array of that size could be in this file */
function readShape(file: H5File, body: ByteView): Shape {
  const version = body.u8(0);
  const rank = body.u8(1);
  if (version < 1 || version > 2 || rank > 32) throw damaged('a shape');
  if (version === 2 && body.u8(3) === 2) return [0]; // a null space holds nothing
  const dimsAt = version === 1 ? 8 : 4;
  const shape = Array.from({ length: rank }, (_, i) => body.unsigned(dimsAt + i * file.lengthSize, file.lengthSize));
  if (elementCount(shape) > file.view.length || shape.some((size) => !Number.isFinite(size)))
    throw damaged(`an array of shape [${shape.join(', ')}] in a file of ${file.view.length} bytes`);
  return shape;
}

function readDatatype(body: ByteView): Datatype {
  const classId = body.u8(0) & 15;
  const flags = body.u8(1);
  const size = body.u32(4);
  if (classId === 9 && (flags & 15) === 1) return { kind: 'variable-text', size };
  if (classId === 3) return { kind: 'text', size, signed: false };
  if (classId === 0 && (flags & 1) === 0 && [1, 2, 4, 8].includes(size))
    return { kind: 'integer', size, signed: (flags & 8) !== 0 };
  if (classId === 1 && (flags & 1) === 0 && [2, 4, 8].includes(size)) return { kind: 'float', size, signed: true };
  throw new ThimbleError(
    'E_UNSUPPORTED_MODEL',
    `the HDF5 file holds values of a type that Keras weights do not have (class ${classId}, ${size} bytes)`,
    'Save the model again as float32 with model.save("model.h5").',
  );
}

function readElement(file: H5File, type: Datatype, data: ByteView, at: number): string | number {
  const element = data.slice(at, type.size);
  if (type.kind === 'text') return element.terminatedText(0);
  if (type.kind === 'variable-text') return readHeapText(file, element);
  const view = new DataView(element.bytes.buffer, element.bytes.byteOffset, type.size);
  if (type.kind === 'float')
    return type.size === 4
      ? view.getFloat32(0, true)
      : type.size === 8
        ? view.getFloat64(0, true)
        : float16(view.getUint16(0, true));
  const unsigned = element.unsigned(0, type.size);
  return type.signed && unsigned >= 2 ** (8 * type.size - 1) ? unsigned - 2 ** (8 * type.size) : unsigned;
}

/** A string of variable length lives in a global heap collection; the element says where. */
function readHeapText(file: H5File, element: ByteView): string {
  const length = element.u32(0);
  const collectionAt = element.unsigned(4, file.offsetSize);
  const index = element.u32(4 + file.offsetSize);
  if (length === 0) return '';
  file.view.expect(collectionAt, 'GCOL');
  const collection = file.view.slice(collectionAt, file.view.unsigned(collectionAt + 8, file.lengthSize));
  const headSize = 8 + file.lengthSize;
  for (let at = headSize; at + headSize <= collection.length; ) {
    const size = collection.unsigned(at + 8, file.lengthSize);
    const found = collection.u16(at);
    if (found === index) return collection.slice(at + headSize, Math.min(length, size)).terminatedText(0);
    if (found === 0) break; // free space ends the collection
    at += headSize + Math.ceil(size / 8) * 8;
  }
  throw damaged(`no text ${index} in its heap`);
}
