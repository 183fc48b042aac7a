/** What every int8 kernel asks of its operands, as sentences that checkQuant collects. */
import { sameQuant, type Tensor, type TensorSpec } from '../core/tensor.js';

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

/** Bytes of flash that an op's constant operands take when it emits them itself. */
export const constantBytes = (tensors: readonly (Tensor | undefined)[]): number =>
  tensors.reduce((sum, tensor) => sum + (tensor?.data?.length ?? 0), 0);
