/** Axes as TFLite writes them: a number in the options or a constant tensor, negative ones counted from the end. */
import type { Tensor } from '../core/tensor.js';

/** @returns 0 … rank − 1, or undefined where the axis is not one of them */
export function axisIn(axis: number | undefined, rank: number): number | undefined {
  if (axis === undefined || !Number.isInteger(axis)) return undefined;
  const counted = axis < 0 ? axis + rank : axis;
  return counted >= 0 && counted < rank ? counted : undefined;
}

/** The one number of a constant tensor; undefined where it is computed or there are several. */
export const constantNumber = ({ data }: Tensor): number | undefined => (data?.length === 1 ? data[0] : undefined);
