/** An error as a person reads it: one line what, one line where, at most three next steps. */

import { ThimbleError } from '../core/errors.js';
import type { Context } from './context.js';

export function errorText(error: unknown, colors: Context['colors']): string {
  if (!(error instanceof ThimbleError)) return unexpectedText(error, colors);
  const lines = [`${colors.red(`error[${error.code}]`)}: ${error.message}`];
  if (error.where) lines.push(`  ${error.where}`);
  const cause = causeText(error.cause);
  if (cause) lines.push(colors.dim(indent(cause)));
  const hints = error.hints.slice(0, 3);
  if (hints.length === 1) lines.push(`  ${colors.cyan('try:')} ${hints[0]}`);
  if (hints.length > 1) lines.push(...hints.map((hint, i) => `  ${colors.cyan(`try ${i + 1}:`)} ${hint}`));
  return lines.join('\n');
}

export function errorJson(error: unknown): unknown {
  if (error instanceof ThimbleError)
    return { error: { code: error.code, message: error.message, where: error.where ?? null, hints: error.hints } };
  return {
    error: {
      code: 'unexpected',
      message: error instanceof Error ? error.message : String(error),
      where: null,
      hints: [],
    },
  };
}

const unexpectedText = (error: unknown, colors: Context['colors']): string =>
  `${colors.red('unexpected error')}: this is a bug of Thimble’s, not of yours. Please report it with the lines below.\n` +
  (error instanceof Error ? (error.stack ?? error.message) : String(error));

/** A tool's own last words help; our own wrapped errors have said it already. */
const causeText = (cause: unknown): string =>
  cause instanceof Error && !(cause instanceof ThimbleError) ? cause.message.split('\n').slice(0, 8).join('\n') : '';

const indent = (text: string): string => text.replace(/^/gm, '    ');
