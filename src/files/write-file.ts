/** Files appear whole or not at all: written under a temporary name beside the target, then renamed. */
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ThimbleError } from '../core/errors.js';

let counter = 0;

/** @throws ThimbleError E_FILE where the place cannot be written; nothing is left behind then */
export function writeFileWhole(path: string, content: string | Uint8Array): void {
  const temporary = join(dirname(path), `.thimble-${process.pid}-${counter++}.tmp`);
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(temporary, content);
    renameSync(temporary, path);
  } catch (cause) {
    removeIfThere(temporary);
    const why = (cause as NodeJS.ErrnoException).code ?? 'unknown reason';
    throw new ThimbleError(
      'E_FILE',
      `cannot write ${path} (${why})`,
      'Choose another folder with -o, or mend its permissions.',
      { cause },
    );
  }
}

/** Where the folder is no folder, even looking for the file fails; the first failure is the one to tell. */
function removeIfThere(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // there is nothing to remove
  }
}
