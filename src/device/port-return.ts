/**
 * A board that restarts takes its USB port away and brings it back, often under another name (ttyACM0 → ttyACM1), and
 * with another product id while its boot loader runs. The serial number, or the USB socket, tells that it is the same.
 */
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ThimbleError } from '../core/errors.js';
import { rawPorts } from './list-ports.js';

export interface UsbPort {
  readonly path: string;
  readonly serialNumber?: string | undefined;
  readonly locationId?: string | undefined; // the socket: Windows and macOS
  readonly vendorId?: string | undefined;
  readonly productId?: string | undefined;
}

type ListPorts = () => Promise<readonly UsbPort[]>;
const listAll: ListPorts = rawPorts;

const POLL_MS = 100;
/** A board that restarts takes its port away within this; one that is in its boot loader already keeps it. */
const GOES_WITHIN_MS = 3000;
/** A port that is no USB device, as a pty, hardly ever goes. */
const UNLISTED_GOES_WITHIN_MS = 1000;

/** What to know a port again by. Ports that the system does not list (a pty) keep their path alone. */
export async function markPort(path: string, list: ListPorts = listAll): Promise<UsbPort> {
  const ports = await list().catch(() => []);
  return ports.find((port) => port.path === path) ?? { path };
}

export interface ReturnOptions {
  readonly timeoutMs?: number; // default 8 s
  readonly signal?: AbortSignal | undefined;
  /** Whether the port must have gone before it counts as back; where it may have come and gone already: false. */
  readonly mustGo?: boolean;
  readonly list?: ListPorts;
  readonly exists?: (path: string) => boolean;
}

/**
 * Waits until the marked port is there again, under whatever name.
 * @returns its path now
 * @throws ThimbleError E_NO_PORT after the time, E_INTERRUPTED
 */
export async function waitForReturn(mark: UsbPort, options: ReturnOptions = {}): Promise<string> {
  const { timeoutMs = 8000, signal, mustGo = false, list = listAll, exists = existsSync } = options;
  let gone = !mustGo;
  for (const start = Date.now(); ; await sleep(POLL_MS)) {
    if (signal?.aborted)
      throw new ThimbleError('E_INTERRUPTED', 'waiting for the board was interrupted', 'Start it again.');
    const ports = await list().catch(() => []);
    const found =
      ports.find((port) => isSame(port, mark)) ?? (exists(mark.path) && isUnlisted(mark) ? mark : undefined);
    if (!found) gone = true;
    else if (gone) return found.path;
    const waited = Date.now() - start;
    if (found && waited >= Math.min(timeoutMs, isUnlisted(mark) ? UNLISTED_GOES_WITHIN_MS : GOES_WITHIN_MS))
      return found.path; // it never went
    if (waited < timeoutMs) continue;
    throw new ThimbleError('E_NO_PORT', `${mark.path} did not come back within ${timeoutMs / 1000} s`, [
      'Unplug the board, plug it in again and repeat.',
      'Boards with a reset button: press it twice quickly, which starts the boot loader, and repeat.',
      'thimble ports lists what is connected now.',
    ]);
  }
}

/** The product id may differ, the maker not: boot loader and program of a board share it. */
function isSame(port: UsbPort, mark: UsbPort): boolean {
  if (mark.serialNumber !== undefined && port.serialNumber !== undefined)
    return port.serialNumber.toLowerCase() === mark.serialNumber.toLowerCase();
  if (mark.locationId !== undefined && port.locationId !== undefined) return port.locationId === mark.locationId;
  if (port.vendorId === undefined || mark.vendorId === undefined) return port.path === mark.path;
  return port.vendorId.toLowerCase() === mark.vendorId.toLowerCase();
}

const isUnlisted = ({ serialNumber, vendorId, locationId }: UsbPort): boolean =>
  serialNumber === undefined && vendorId === undefined && locationId === undefined;
