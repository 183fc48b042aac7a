/** Files of a person: what is missing or unreadable is said in words, not with a stack. */
import { readFileSync, statSync } from 'node:fs';
import { ThimbleError } from '../core/errors.js';

/** 2 GiB − 1: what one Buffer may hold on every platform of Node 20. */
const MAX_BYTES = 2 ** 31 - 1;

/**
 * @param what 'the model', 'the recipe': how the message calls it
 * @throws ThimbleError E_FILE
 */
export function readFileOf(what: string, path: string): Uint8Array {
  try {
    const { size } = statSync(path);
    if (size > MAX_BYTES) throw Object.assign(new Error(`${size} bytes`), { code: 'larger than 2 GiB' });
    const { buffer, byteOffset, length } = readFileSync(path);
    return new Uint8Array(buffer, byteOffset, length); // no Buffer: its slice() would share memory where Uint8Array's copies
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = reasons[code ?? ''] ?? code ?? 'unknown reason';
    throw new ThimbleError(
      'E_FILE',
      `cannot read ${what} ${path}: ${why}`,
      'Check the path; relative paths start from the current folder.',
      { cause },
    );
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of the path is a file, not a folder',
};
