/** Tensors of a .tflite → Tensor: types, shapes, quantization and constant values, every number checked. */
import { ThimbleError } from '../../core/errors.js';
import { float16 } from '../../core/float16.js';
import {
  arrayTypeOf,
  bytesPerElement,
  type Dtype,
  elementCount,
  type QuantParams,
  shapeText,
  type Tensor,
  type TypedArray,
} from '../../core/tensor.js';
import type { FlatTable } from './flat-table.js';
import { dtypeOf, field, tensorTypeNames } from './schema.js';
import { refuseModel } from './unsupported.js';

const TYPE_FLOAT16 = 1;
const maxRank = 6; // no op takes more
const maxElements = 2 ** 28; // far beyond any microcontroller, and below every typed array's limit

const zeroPointRange: Readonly<Record<Dtype, readonly [min: number, max: number]>> = {
  float32: [0, 0],
  int8: [-128, 127],
  int16: [-32768, 32767],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  int64: [0, 0],
};

/** Reads constants; tensors that share a buffer share its values. */
export class TensorReader {
  readonly #buffers: readonly FlatTable[];
  readonly #values = new Map<string, TypedArray>();

  constructor(buffers: readonly FlatTable[]) {
    this.#buffers = buffers;
  }

  /** @throws ThimbleError E_UNSUPPORTED_MODEL, E_MODEL_FORMAT, E_NOT_FINITE */
  read(table: FlatTable, name: string): Tensor {
    const halves = table.uint8(field.tensor.type) === TYPE_FLOAT16;
    const dtype = halves ? 'float32' : dtypeOfTensor(table, name);
    const shape = shapeOfTensor(table, name);
    const quant = quantOfTensor(table, name, dtype, shape);
    const values = this.#valuesOf(table, name, halves ? 'float16' : dtype, elementCount(shape));
    if (halves && !values) throw refuseModel('float16', name); // a constant is read as float32, an activation is not
    const isVariable = table.bool(field.tensor.isVariable);
    if (isVariable && values) throw badTensor(name, 'is a variable, but holds values');
    return {
      name,
      shape,
      dtype,
      ...(quant && { quant }),
      ...(values && { data: values }),
      ...(isVariable && { isVariable }),
    };
  }

  #valuesOf(table: FlatTable, name: string, stored: Dtype | 'float16', count: number): TypedArray | undefined {
    const index = table.uint32(field.tensor.buffer);
    if (index === 0) return undefined; // buffer 0 is the empty one by convention
    const buffer = this.#buffers[index];
    if (!buffer) throw badTensor(name, `names buffer ${index}, which the file does not have`);
    if (buffer.uint64(field.buffer.size) > 0 || buffer.uint64(field.buffer.offset) > 1)
      throw refuseModel('outside', name);
    const key = `${index} ${stored}`;
    const seen = this.#values.get(key);
    const bytes = seen ? undefined : buffer.bytes(field.buffer.bytes);
    if (!seen && (!bytes || bytes.length === 0)) return undefined; // memory of an activation
    const values = seen ?? finite(name, stored === 'float16' ? halvesIn(bytes!, name) : valuesIn(bytes!, stored, name));
    if (
      values.length !== count ||
      (bytes && bytes.length !== count * (stored === 'float16' ? 2 : bytesPerElement[stored]))
    )
      throw badTensor(name, `holds ${values.length} values, but its shape takes ${count}`);
    this.#values.set(key, values);
    return values;
  }
}

function dtypeOfTensor(table: FlatTable, name: string): Dtype {
  const type = table.uint8(field.tensor.type);
  const dtype = dtypeOf.get(type);
  if (table.has(field.tensor.sparsity)) throw refuseModel('sparse', name);
  if (table.uint32(field.tensor.externalBuffer) !== 0) throw refuseModel('outside', name);
  if (dtype) return dtype;
  const typeName = tensorTypeNames[type];
  if (typeName === undefined) throw badTensor(name, `has the unknown type ${type}`);
  if (typeName === 'uint8') throw refuseModel(typeName, name);
  throw refuseModel('type', name, typeName);
}

function shapeOfTensor(table: FlatTable, name: string): readonly number[] {
  const shape = table.int32s(field.tensor.shape);
  const signature = table.int32s(field.tensor.shapeSignature);
  const dynamic = shape.some((size) => size < 0) || signature.some((size, axis) => size < 0 && axis > 0);
  if (dynamic) throw refuseModel('dynamic', name, shapeText(signature.length > 0 ? signature : shape));
  if (shape.length > maxRank) throw badTensor(name, `has ${shape.length} dimensions; ${maxRank} are the most`);
  if (elementCount(shape) > maxElements) throw badTensor(name, `is too large: ${shapeText(shape)}`);
  return shape;
}

function quantOfTensor(
  table: FlatTable,
  name: string,
  dtype: Dtype,
  shape: readonly number[],
): QuantParams | undefined {
  const quantization = table.table(field.tensor.quantization);
  const scale = quantization?.float32s(field.quantization.scale) ?? [];
  if (!quantization || scale.length === 0 || dtype === 'float32') return undefined;
  if (quantization.uint8(field.quantization.detailsType) !== 0) throw refuseModel('quantization', name);
  const given = quantization.int64s(field.quantization.zeroPoint);
  const zeroPoint = scale.map((_, i) => Number(given[given.length === 1 ? 0 : i] ?? 0n));
  if (given.length > 1 && given.length !== scale.length)
    throw badTensor(name, `has ${scale.length} scales but ${given.length} zero points`);
  const axis = scale.length === 1 ? null : quantization.int32(field.quantization.quantizedDimension);
  if (axis !== null && shape[axis] !== scale.length)
    throw badTensor(name, `has ${scale.length} scales, but axis ${axis} of ${shapeText(shape)} does not`);
  if (!scale.every(Number.isFinite)) throw notFinite(name, 'its scale');
  if (scale.some((value) => value <= 0)) throw badTensor(name, 'has a scale that is not above 0');
  const [min, max] = zeroPointRange[dtype];
  if (zeroPoint.some((value) => value < min || value > max))
    throw badTensor(name, `has a zero_point outside ${min} … ${max}`);
  return { scale, zeroPoint, axis };
}

/** Copies, because the file's bytes need not be aligned. Little-endian, as the file and every machine Node runs on. */
function valuesIn(bytes: Uint8Array, dtype: Dtype, name: string): TypedArray {
  const whole = Math.floor(bytes.length / bytesPerElement[dtype]);
  const copy = new Uint8Array(bytes.subarray(0, whole * bytesPerElement[dtype])).buffer; // Buffer.slice would not copy
  if (dtype !== 'int64') return new arrayTypeOf[dtype](copy);
  return Float64Array.from(new BigInt64Array(copy), (value) => {
    if (value > 2n ** 53n || value < -(2n ** 53n)) throw badTensor(name, `holds ${value}, which is beyond 2^53`);
    return Number(value);
  });
}

function halvesIn(bytes: Uint8Array, name: string): Float32Array {
  if (bytes.length % 2 !== 0) throw badTensor(name, `holds ${bytes.length} bytes, no whole number of float16`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float32Array.from({ length: bytes.length / 2 }, (_, i) => float16(view.getUint16(2 * i, true)));
}

function finite(name: string, values: TypedArray): TypedArray {
  if (values instanceof Float32Array && !values.every(Number.isFinite)) throw notFinite(name, 'its values');
  return values;
}

const notFinite = (name: string, what: string): ThimbleError =>
  new ThimbleError(
    'E_NOT_FINITE',
    `NaN or Infinity in tensor "${name}": ${what}`,
    ['The training diverged: train again with a smaller learning rate.', 'Check the exported weights for NaN.'],
    { where: `at tensor "${name}"` },
  );

export const badTensor = (name: string, fault: string): ThimbleError =>
  new ThimbleError('E_MODEL_FORMAT', `tensor "${name}" ${fault}`, 'Export or convert the model again.', {
    where: `at tensor "${name}"`,
  });
