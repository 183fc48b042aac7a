/** What a sweep and its worker processes say to each other. */
import { type ErrorCode, ThimbleError } from '../../core/errors.js';
import type { SweepContext } from './context.js';
import type { Job, JobResult } from './job.js';

export type ToWorker =
  | { readonly say: 'open'; readonly context: SweepContext }
  | { readonly say: 'do'; readonly job: Job };

export type FromWorker =
  | { readonly say: 'done'; readonly result: JobResult }
  | { readonly say: 'failed'; readonly error: ErrorMessage };

/** An error on its way between processes: a ThimbleError, or a bug with its stack. */
export type ErrorMessage =
  | {
      readonly kind: 'thimble';
      readonly code: ErrorCode;
      readonly message: string;
      readonly hints: readonly string[];
      readonly where?: string | undefined;
    }
  | { readonly kind: 'bug'; readonly message: string; readonly stack: string };

export const errorMessage = (error: unknown): ErrorMessage =>
  error instanceof ThimbleError
    ? { kind: 'thimble', code: error.code, message: error.message, hints: error.hints, where: error.where }
    : { kind: 'bug', message: String(error), stack: (error as Error)?.stack ?? '' };

export function errorFrom(sent: ErrorMessage): Error {
  if (sent.kind === 'thimble')
    return new ThimbleError(sent.code, sent.message, sent.hints, sent.where === undefined ? {} : { where: sent.where });
  return Object.assign(new Error(sent.message), { stack: sent.stack });
}
