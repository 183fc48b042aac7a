/**
 * Emitted files onto the disk. thimble.json in the folder lists what Thimble wrote, so that the next emit can take it
 * away again and touches nothing else. The list is read as input from outside: its paths are checked like any other.
 */
import { createHash } from 'node:crypto';
import { lstatSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { EmittedFile } from '../core/emitted-file.js';
import { ThimbleError } from '../core/errors.js';
import { writeFileWhole } from '../files/write-file.js';

export const MANIFEST = 'thimble.json';
const MAX_MANIFEST_BYTES = 1 << 20;

/**
 * Writes the files and DIR/thimble.json; what an earlier emit wrote there is replaced or removed.
 * @param about what thimble.json says beside the list: tool version, model hash, target …
 * @returns paths written, relative to the folder
 * @throws ThimbleError E_FILE for a file of the same name that Thimble did not write, and for links; nothing is
 * changed then
 */
export function writeEmitted(
  folder: string,
  files: readonly EmittedFile[],
  about: Readonly<Record<string, unknown>>,
): readonly string[] {
  const before = readManifest(folder);
  const now = files.map(({ path }) => path);
  for (const path of [...now, ...before]) checkPath(folder, path);
  for (const path of now) {
    if (path === MANIFEST) throw new TypeError(`${MANIFEST} is written here`);
    if (kindOf(join(folder, path)) !== 'absent' && !before.includes(path))
      throw refusal(
        join(folder, path),
        'it was not written by thimble',
        'Choose another folder with -o, or move that file away.',
      );
  }
  const stale = before.filter((path) => !now.includes(path));
  const list = files.map(({ path, content }) => ({ path, sha256: sha256(content) }));
  const write = (entries: readonly object[]): void =>
    writeFileWhole(join(folder, MANIFEST), `${JSON.stringify({ ...about, files: entries }, null, 2)}\n`);
  // Old and new are listed while both may lie there, so that a run cut short leaves nothing that nobody owns.
  if (stale.length > 0 || before.length === 0) write([...list, ...stale.map((path) => ({ path }))]);
  for (const { path, content } of files) writeFileWhole(join(folder, path), content);
  for (const path of stale) rmSync(join(folder, path), { force: true });
  write(list);
  return [...now, MANIFEST];
}

export const sha256 = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex');

/** Paths that the folder's thimble.json lists; none where there is no such file. */
function readManifest(folder: string): readonly string[] {
  const path = join(folder, MANIFEST);
  const kind = kindOf(path);
  if (kind === 'absent') return [];
  let parsed: unknown;
  try {
    if (kind !== 'file' || lstatSync(path).size > MAX_MANIFEST_BYTES) throw new Error('not a small plain file');
    parsed = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw refusal(
      path,
      'it cannot be read as the list of what thimble wrote there',
      'Delete it, or choose another folder with -o.',
      cause,
    );
  }
  const { files } = (parsed ?? {}) as { files?: unknown };
  const paths = Array.isArray(files) ? files.map((entry) => (entry as { path?: unknown } | null)?.path) : [undefined];
  if (!paths.every((each): each is string => typeof each === 'string'))
    throw refusal(path, 'it is no list of what thimble wrote there', 'Move it away, or choose another folder with -o.');
  return paths;
}

/** Inside the folder, by name and in truth: no parent, no absolute path, no link on the way or at the end. */
function checkPath(folder: string, path: string): void {
  const parts = path.split('/');
  const plain = /^[^\0\\:]+$/.test(path) && parts.every((part) => part !== '' && part !== '.' && part !== '..');
  if (!plain)
    throw refusal(JSON.stringify(path), 'the path leads out of the folder', `Delete ${join(folder, MANIFEST)}.`);
  for (let inside = path; inside !== '.'; inside = dirname(inside)) {
    const kind = kindOf(join(folder, inside));
    const expected = inside === path ? 'file' : 'folder';
    if (kind !== 'absent' && kind !== expected)
      throw refusal(
        join(folder, inside),
        `it is a ${kind} where a ${expected} belongs`,
        'Choose another folder with -o, or move it away.',
      );
  }
}

function kindOf(path: string): 'absent' | 'file' | 'folder' | 'link' | 'device' {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return 'absent';
  if (stat.isSymbolicLink()) return 'link';
  return stat.isFile() ? 'file' : stat.isDirectory() ? 'folder' : 'device';
}

const refusal = (path: string, why: string, hint: string, cause?: unknown): ThimbleError =>
  new ThimbleError('E_FILE', `will not write over ${path}: ${why}`, hint, { cause });
