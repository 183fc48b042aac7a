/** Faults of data, with file and record. */
import { type ErrorCode, ThimbleError } from '../core/errors.js';

export const dataError = (
  code: Extract<ErrorCode, `E_DATA_${string}` | 'E_NOT_FINITE'>,
  where: string,
  message: string,
  hint: string | readonly string[],
  cause?: unknown,
): ThimbleError =>
  new ThimbleError(code, message, hint, { where: `in ${where}`, ...(cause === undefined ? {} : { cause }) });

export const noSamples = (where: string): ThimbleError =>
  dataError('E_DATA_EMPTY', where, 'there are no samples', 'Give data with at least one sample.');

/** Enough of an array to look at every value. */
export interface Values {
  readonly length: number;
  at(index: number): number | undefined;
}

/** @param where the file, and in it the place: 'x.npz, array "x"' */
export function checkFinite(values: Values, perRecord: number, where: string): void {
  for (let i = 0; i < values.length; i++)
    if (!Number.isFinite(Math.fround(values.at(i) ?? Number.NaN)))
      throw dataError(
        'E_NOT_FINITE',
        where,
        `record ${Math.floor(i / perRecord)} holds ${values.at(i)}, no finite float32 (value ${i % perRecord})`,
        'Remove or repair the record: a NaN spoils calibration and every score.',
      );
}
