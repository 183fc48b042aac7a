/** Putting a file on a drive that swallows it: what the methods for boot ROMs and for virtual boards share. */
import { existsSync, readdirSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ThimbleError } from '../core/errors.js';
import type { OnEvent } from '../core/stage-event.js';

const CHUNK_BYTES = 64 * 1024;
const TAKEN_TIMEOUT_MS = 20_000;
const POLL_MS = 50;

export interface Drop {
  readonly bytes: Uint8Array;
  readonly drive: string;
  readonly name: string; // of the file there
  readonly recover: string; // what a person does if it goes wrong
  readonly onEvent?: OnEvent;
  readonly signal?: AbortSignal;
}

/**
 * Writes the file and waits until the drive has swallowed it: the file or the whole drive is gone.
 * @throws ThimbleError E_FLASH_FAILED, which says what state the board is in; E_INTERRUPTED
 */
export async function dropOnDrive(drop: Drop): Promise<void> {
  const target = join(drop.drive, drop.name);
  const writeError = await write(target, drop);
  // The board restarts at the last block: the drive may vanish before the system has finished its writing, and that is
  // success.
  for (const start = Date.now(); existsSync(target); await sleep(POLL_MS)) {
    if (drop.signal?.aborted) throw interrupted(drop);
    if (writeError && Date.now() - start > 1000) break;
    if (Date.now() - start > TAKEN_TIMEOUT_MS)
      throw new ThimbleError(
        'E_FLASH_FAILED',
        `${drop.drive} holds ${drop.name} but did not take it within ${TAKEN_TIMEOUT_MS / 1000} s; the board still runs what it ran before`,
        drop.recover,
      );
  }
  if (writeError && existsSync(drop.drive) && !swallowed(target, writeError))
    throw new ThimbleError(
      'E_FLASH_FAILED',
      `writing ${target} failed (${writeError.code ?? writeError.message}); the board has no whole program now, but its boot loader is in ROM and answers`,
      drop.recover,
      { cause: writeError },
    );
}

/** The drive went away under the write and came back, as a virtual one does at once. */
const swallowed = (target: string, { code }: NodeJS.ErrnoException): boolean =>
  !existsSync(target) && (code === 'EIO' || code === 'ENXIO' || code === 'ENODEV');

async function write(target: string, drop: Drop): Promise<NodeJS.ErrnoException | undefined> {
  const { bytes, onEvent, signal } = drop;
  try {
    const file = await open(target, 'w');
    try {
      for (let done = 0; done < bytes.length; done += CHUNK_BYTES) {
        if (signal?.aborted) throw interrupted(drop);
        await file.writeFile(bytes.subarray(done, done + CHUNK_BYTES));
        onEvent?.({ stage: 'flash', done: Math.min(done + CHUNK_BYTES, bytes.length), total: bytes.length });
      }
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof ThimbleError) throw error;
    return error as NodeJS.ErrnoException;
  }
  return undefined;
}

const interrupted = ({ recover }: Drop): ThimbleError =>
  new ThimbleError(
    'E_INTERRUPTED',
    'flashing was interrupted: the board may hold half a program, but its boot loader answers',
    recover,
  );

/** Where Linux desktops and macOS mount drives: one or two folders below these. */
export function mountedFolders(): string[] {
  const children = (folder: string): string[] => {
    try {
      return readdirSync(folder).map((name) => join(folder, name));
    } catch {
      return []; // not there on this system, or somebody else's
    }
  };
  const shallow = ['/media', '/run/media', '/mnt', '/Volumes'].flatMap(children);
  return [...shallow, ...shallow.flatMap(children)];
}
