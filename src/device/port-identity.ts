/**
 * What a path on this computer really is. A pseudo-terminal has a program at its other end, so nothing measured there
 * comes from silicon, whatever its name or the firmware behind it say.
 */
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { z } from 'zod';
import type { PortIdentity } from '../core/reading.js';

/** Linux: major numbers 136 … 143 are the slaves of Unix98 ptys, 3 those of the old BSD ones (/dev/ttyp0). */
const PTY_MAJORS = new Set([3, 136, 137, 138, 139, 140, 141, 142, 143]);

/** A note of a virtual board beside its pty, PATH.json: a few fields. */
const MAX_SIDECAR_BYTES = 4096;

/**
 * A pty without a note beside it measures as 'host': some program on this computer, whose times say nothing about a
 * board. That is the most modest of the origins that still is a measurement; 'device' is out of reach for a pty.
 */
export function identifyPort(path: string): PortIdentity {
  if (!isPty(path)) return { path, kind: 'serial', origin: 'device' };
  const { board, origin = 'host', nanosecondsPerInstruction } = readSidecar(path) ?? {};
  return {
    path,
    kind: 'pty',
    origin,
    ...(board !== undefined && { board }),
    ...(nanosecondsPerInstruction !== undefined && { nanosecondsPerInstruction }),
  };
}

/** Where a virtual board at this path takes its programs. */
export const virtualDrive = (path: string): string | undefined => (isPty(path) ? readSidecar(path)?.drive : undefined);

/** By where the path leads after all links, and by the device's major number: a link of any name hides neither. */
export function isPty(path: string): boolean {
  try {
    const real = realpathSync(path);
    if (/^\/dev\/pts\/\d+$/.test(real) || /^\/dev\/tty(?:p[0-9a-f]+|s\d+)$/.test(real)) return true;
    const device = statSync(real);
    const major = (device.rdev >> 8) & 0xfff;
    return process.platform === 'linux' && device.isCharacterDevice() && PTY_MAJORS.has(major);
  } catch {
    return false; // no such path, or a Windows name: opening it will say so
  }
}

const sidecarFields = z
  .object({
    board: z.string().regex(/^[\w .-]{1,64}$/),
    origin: z.enum(['host', 'virtual-cycles', 'virtual-instructions']),
    nanosecondsPerInstruction: z.number().positive().max(1e9).optional(),
    drive: z.string().min(1).max(1024).optional(), // the folder that stands for the board's USB drive
    pid: z.int().positive(),
  })
  .refine(
    ({ origin, nanosecondsPerInstruction }) =>
      (origin === 'virtual-instructions') === (nanosecondsPerInstruction !== undefined),
  );

/** Nothing where the note is absent, unreadable, contradictory, or of a process that is gone. */
function readSidecar(port: string): z.output<typeof sidecarFields> | undefined {
  const path = `${port}.json`;
  try {
    if (statSync(path).size > MAX_SIDECAR_BYTES) return undefined;
    const note = sidecarFields.parse(JSON.parse(readFileSync(path, 'utf8')));
    return isAlive(note.pid) ? note : undefined;
  } catch {
    return undefined;
  }
}

/** Signal 0 only asks; a process of somebody else answers EPERM and lives. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
