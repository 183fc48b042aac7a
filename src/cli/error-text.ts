/** An error as a person reads it: one line what, one line where, at most three next steps. */

import type { CommanderError } from 'commander';
import { ThimbleError } from '../core/errors.js';
import type { Context } from './context.js';

export function errorText(error: unknown, colors: Context['colors']): string {
  if (!(error instanceof ThimbleError)) return unexpectedText(error, colors);
  const lines = [`${colors.red(`error[${error.code}]`)}: ${withShortNames(error.message)}`];
  if (error.where) lines.push(`  ${withShortNames(error.where)}`);
  const cause = causeText(error.cause);
  if (cause) lines.push(colors.dim(indent(cause)));
  const hints = error.hints.slice(0, 3);
  if (hints.length === 1) lines.push(`  ${colors.cyan('try:')} ${hints[0]}`);
  if (hints.length > 1) lines.push(...hints.map((hint, i) => `  ${colors.cyan(`try ${i + 1}:`)} ${hint}`));
  return lines.join('\n');
}

export function errorJson(error: unknown): { readonly error: object } {
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

/** What commander found wrong, in the shape of every other error: 'error: unknown option …\n(Did you mean …?)'. */
export function usageJson({ code, message }: CommanderError): unknown {
  const [what = '', ...hints] = message.split('\n');
  const said = code === 'commander.help' ? 'no command was named' : what.replace(/^error: /, '');
  return {
    error: {
      code: 'E_USAGE',
      message: said,
      where: null,
      hints: [...hints.map((hint) => hint.replace(/^\(|\)$/g, '')), 'thimble --help lists the commands'],
    },
  };
}

const NAME_COLUMNS = 48;

/** Converters name nodes by paths longer than a screen line; the end tells most. --json keeps them whole. */
const withShortNames = (text: string): string =>
  text.replace(/\b(node|tensor|layer) "([^"]+)"/g, (whole, kind: string, name: string) =>
    name.length > NAME_COLUMNS ? `${kind} "…${name.slice(1 - NAME_COLUMNS)}"` : whole,
  );

const unexpectedText = (error: unknown, colors: Context['colors']): string =>
  `${colors.red('unexpected error')}: this is a bug of Thimble’s, not of yours. Please report it with the lines below.\n` +
  (error instanceof Error ? (error.stack ?? error.message) : String(error));

/** Of the file system: our message has them in words. */
const PLAIN_REASONS = new Set(['ENOENT', 'EACCES', 'EISDIR', 'ENOTDIR', 'EEXIST']);

/** A tool's own last words help; our own wrapped errors have said it already. */
const causeText = (cause: unknown): string =>
  cause instanceof Error &&
  !(cause instanceof ThimbleError) &&
  !PLAIN_REASONS.has(String((cause as NodeJS.ErrnoException).code))
    ? cause.message.split('\n').slice(0, 8).join('\n')
    : '';

const indent = (text: string): string => text.replace(/^/gm, '    ');
