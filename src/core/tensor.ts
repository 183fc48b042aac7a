/**
 * Tensors: a name, a shape, what the numbers mean, and the values where they are known.
 * real = scale · (q − zeroPoint), as in the TFLite 8-bit quantization specification.
 */
export type Shape = readonly number[]; // NHWC for images; batch is 1 throughout
export type HeightWidth = readonly [height: number, width: number];

/** int64 only occurs as a bias of 16-bit layers, which fits 40 bits: it is held in doubles, exactly. */
export const arrayTypeOf = {
  float32: Float32Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: Float64Array,
} as const;
export type Dtype = keyof typeof arrayTypeOf;
export type TypedArray = Float32Array | Int8Array | Int16Array | Int32Array | Float64Array;

export const bytesPerElement: Readonly<Record<Dtype, number>> = { float32: 4, int8: 1, int16: 2, int32: 4, int64: 8 };

/** The integers of the types that activations may have. */
export const integerRange: Readonly<Record<'int8' | 'int16', readonly [min: number, max: number]>> = {
  int8: [-128, 127],
  int16: [-32768, 32767],
};
/** Zeros of an activation's integer type. */
export const integerArray = ({ dtype }: TensorSpec, length: number): Int8Array | Int16Array =>
  dtype === 'int16' ? new Int16Array(length) : new Int8Array(length);
export const isInteger = (dtype: Dtype): dtype is 'int8' | 'int16' => dtype === 'int8' || dtype === 'int16';

export interface QuantParams {
  readonly scale: readonly number[]; // float32 values: a .tflite holds no more, and C must start from the same ones
  readonly zeroPoint: readonly number[];
  readonly axis: number | null; // null = per-tensor
}

export interface TensorSpec {
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: Dtype;
  readonly quant?: QuantParams;
  /** State that outlives one inference: all zeros at first, then what the node that reads it has left. */
  readonly isVariable?: boolean;
}

export interface Tensor extends TensorSpec {
  readonly data?: TypedArray; // a constant's values
}

export const elementCount = (shape: Shape): number => shape.reduce((count, size) => count * size, 1);
export const byteCount = ({ shape, dtype }: TensorSpec): number => elementCount(shape) * bytesPerElement[dtype];
export const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((size, i) => size === b[i]);

/** '[1, 49, 10, 1]', as messages show it. */
export const shapeText = (shape: Shape): string => `[${shape.join(', ')}]`;

export const isPerTensor = (quant: QuantParams | undefined): quant is QuantParams =>
  quant !== undefined && quant.axis === null && quant.scale.length === 1 && quant.zeroPoint.length === 1;

export const isPerTensorInt8 = ({ dtype, quant }: TensorSpec): boolean => dtype === 'int8' && isPerTensor(quant);

export const sameQuant = (a: QuantParams | undefined, b: QuantParams | undefined): boolean =>
  a?.axis === b?.axis &&
  a?.scale.length === b?.scale.length &&
  (a?.scale ?? []).every((scale, i) => scale === b?.scale[i] && a?.zeroPoint[i] === b?.zeroPoint[i]);

// A TypeError below is a bug of ours (no checkQuant, no values), never of the person's model.

export function perTensorQuant({ name, quant }: TensorSpec): { scale: number; zeroPoint: number } {
  const [scale, zeroPoint] = [quant?.scale[0], quant?.zeroPoint[0]];
  if (scale === undefined || zeroPoint === undefined) throw new TypeError(`"${name}" is not quantized`);
  return { scale, zeroPoint };
}

export function dataOf({ name, data }: Tensor): TypedArray {
  if (!data) throw new TypeError(`"${name}" has no values`);
  return data;
}
