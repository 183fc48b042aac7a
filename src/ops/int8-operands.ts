/** What every integer kernel asks of its operands, as sentences that checkQuant collects. */
import { bytesPerElement, isPerTensor, sameQuant, type Tensor, type TensorSpec } from '../core/tensor.js';

/** One sentence per tensor that is not int8 with one positive, finite scale and one zero_point in int8's range. */
export function int8Faults(...tensors: readonly TensorSpec[]): string[] {
  return tensors.flatMap(({ name, dtype, quant }) => {
    const [scale, zeroPoint] = [quant?.scale[0], quant?.zeroPoint[0]];
    if (dtype !== 'int8' || quant?.axis !== null || quant.scale.length !== 1 || quant.zeroPoint.length !== 1)
      return [`"${name}" must be int8 with one scale and zero_point, but is ${dtype}`];
    if (!(scale! > 0 && scale! < Infinity)) return [`the scale of "${name}" must be positive and finite, not ${scale}`];
    if (!Number.isInteger(zeroPoint) || zeroPoint! < -128 || zeroPoint! > 127)
      return [`the zero_point of "${name}" must be an integer from -128 to 127, not ${zeroPoint}`];
    return [];
  });
}

/**
 * Whether a node computes with 16-bit activations. TFLite has no kernel that reads int8 and writes int16, but for
 * quantize: then the other operands must be int16 too.
 */
export const isInt16 = ({
  inputs,
  outputs,
}: {
  readonly inputs: readonly (TensorSpec | undefined)[];
  readonly outputs: readonly TensorSpec[];
}): boolean => inputs[0]?.dtype === 'int16' || outputs[0]?.dtype === 'int16';

/** One sentence per tensor that is not int16 with one positive, finite scale and zero_point 0. */
export function int16Faults(...tensors: readonly TensorSpec[]): string[] {
  return tensors.flatMap(({ name, dtype, quant }) => {
    if (dtype !== 'int16' || !isPerTensor(quant))
      return [`"${name}" must be int16 with one scale, as its neighbours are, but is ${dtype}`];
    const [scale, zeroPoint] = [quant.scale[0]!, quant.zeroPoint[0]!];
    if (!(scale > 0 && scale < Infinity)) return [`the scale of "${name}" must be positive and finite, not ${scale}`];
    return zeroPoint === 0 ? [] : [`"${name}" is int16, so that its zero_point must be 0, not ${zeroPoint}`];
  });
}

/** All operands in 8 bits, or all in 16. */
export const activationFaults = (...tensors: readonly TensorSpec[]): string[] =>
  tensors.some(({ dtype }) => dtype === 'int16') ? int16Faults(...tensors) : int8Faults(...tensors);

/** For operators that move bytes without looking at them: every tensor must mean the same by a byte. */
export function unequalQuantFaults(op: string, output: TensorSpec, inputs: readonly TensorSpec[]): string[] {
  return inputs
    .filter(({ quant }) => !sameQuant(quant, output.quant))
    .map(
      ({ name }) =>
        `${op} copies bytes: "${name}" needs the scale and zero_point of its output "${output.name}"; quantize it to them first`,
    );
}

/** The largest |q − zero_point| of an int8 tensor. */
export const reachOf = (zeroPoint: number): number => Math.max(127 - zeroPoint, zeroPoint + 128);
/** The largest |q| of an int16 tensor. */
export const INT16_REACH = 32768;

/** Bytes of flash that an op's constant operands take when it emits them itself. */
export const constantBytes = (tensors: readonly (Tensor | undefined)[]): number =>
  tensors.reduce((sum, tensor) => sum + (tensor?.data ? tensor.data.length * bytesPerElement[tensor.dtype] : 0), 0);
