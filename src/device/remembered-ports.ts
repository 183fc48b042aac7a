/** Which port a board was at last, in a small file of the user's: the next time, --port auto need not ask. */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { z } from 'zod';
import { writeFileWhole } from '../files/write-file.js';
import type { ListedPort } from './list-ports.js';

const portFields = z.object({
  path: z.string(),
  usbId: z.string().optional(),
  serialNumber: z.string().optional(),
  location: z.string().optional(),
  baud: z.int().positive().optional(), // at which it answered, where that is not the board's own
});
const fileFields = z.object({ version: z.literal(1), boards: z.record(z.string(), portFields) });

export type RememberedPort = z.output<typeof portFields>;
const nothing: z.output<typeof fileFields> = { version: 1, boards: {} };

/** $XDG_STATE_HOME/thimble/ports.json, by default in ~/.local/state; on Windows in %LOCALAPPDATA%. */
export function stateFile(environment: NodeJS.ProcessEnv = process.env): string {
  const { XDG_STATE_HOME: xdg, LOCALAPPDATA: local } = environment;
  if (xdg !== undefined && isAbsolute(xdg)) return join(xdg, 'thimble', 'ports.json');
  if (process.platform === 'win32' && local !== undefined) return join(local, 'thimble', 'ports.json');
  return join(homedir(), '.local', 'state', 'thimble', 'ports.json');
}

/** Nothing also where the file is damaged: it is a convenience, and is written anew. */
export const recallPort = (boardId: string, file?: string): RememberedPort | undefined =>
  read(file ?? stateFile()).boards[boardId];

/** Fails silently: a home that cannot be written must stop nobody. */
export function rememberPort(boardId: string, port: RememberedPort, file: string = stateFile()): void {
  const known = read(file);
  if (JSON.stringify(known.boards[boardId]) === JSON.stringify(port)) return;
  try {
    writeFileWhole(file, `${JSON.stringify({ ...known, boards: { ...known.boards, [boardId]: port } }, null, 2)}\n`);
  } catch {
    // it will ask again
  }
}

/**
 * The one of several ports that was used last: by its USB serial number. Cheap adapters share one number ("0001"), or have
 * none, and the socket is no proof; those are not told apart.
 */
export function rememberedAmong(
  ports: readonly ListedPort[],
  remembered: RememberedPort | undefined,
): ListedPort | undefined {
  const { usbId, serialNumber } = remembered ?? {};
  if (serialNumber === undefined) return undefined;
  const same = ports.filter((port) => port.serialNumber === serialNumber && port.usbId === usbId);
  return same.length === 1 ? same[0] : undefined;
}

function read(file: string): z.output<typeof fileFields> {
  try {
    return fileFields.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return nothing;
  }
}
