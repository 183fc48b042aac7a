/**
 * The folder that stands for a board's flash drive: a program put there is taken, runs, and its file disappears, as on
 * the drive that a boot ROM shows.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const POLL_MS = 50; // fs.watch loses events on network and virtual file systems
const MAX_BYTES = 64 * 1024 * 1024;

export interface Drive {
  readonly folder: string;
  close(): void;
}

export interface DriveOptions {
  readonly folder?: string; // made if absent; without it a temporary one, removed on close
  readonly name: string; // of the temporary folder
  readonly files?: Readonly<Record<string, string>>; // that the drive shows
  readonly accepts: (name: string) => boolean;
  /** Takes a file that has stopped growing; throws where it is not a whole program, and sees it again once it changes. */
  readonly onFile: (path: string, bytes: Uint8Array) => Promise<void> | void;
  readonly onRejected?: (name: string, error: unknown) => void;
}

export function openDrive({ name, files = {}, accepts, onFile, onRejected, ...options }: DriveOptions): Drive {
  const parent = options.folder === undefined ? mkdtempSync(join(tmpdir(), 'thimble-drive-')) : undefined;
  const folder = resolve(options.folder ?? join(parent!, name));
  mkdirSync(folder, { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);

  const seen = new Map<string, string>(); // a file's size and time when it was last looked at
  const rejected = new Map<string, string>();
  let busy = false;
  const look = async (): Promise<void> => {
    for (const file of listOf(folder).filter((each) => !each.startsWith('.') && accepts(each))) {
      const path = join(folder, file);
      const state = stateOf(path);
      const settled = state !== undefined && seen.get(file) === state;
      if (state !== undefined) seen.set(file, state);
      if (!settled || rejected.get(file) === state) continue;
      try {
        await onFile(path, readFileSync(path));
        rmSync(path, { force: true });
        seen.delete(file);
      } catch (error) {
        rejected.set(file, state);
        onRejected?.(file, error);
      }
    }
  };
  const timer = setInterval(() => {
    if (busy) return;
    busy = true;
    void look().finally(() => {
      busy = false;
    });
  }, POLL_MS);
  return {
    folder,
    close: () => {
      clearInterval(timer);
      if (parent !== undefined) rmSync(parent, { recursive: true, force: true });
      else for (const file of Object.keys(files)) rmSync(join(folder, file), { force: true });
    },
  };
}

function listOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // somebody removed the folder: no file, no failure
  }
}

/** Undefined for what is no file of a sensible size. */
function stateOf(path: string): string | undefined {
  try {
    const { size, mtimeMs } = statSync(path);
    return size > 0 && size <= MAX_BYTES ? `${size} ${mtimeMs}` : undefined;
  } catch {
    return undefined;
  }
}
