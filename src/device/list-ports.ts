/** What is plugged in, and which board it may be. */
import type { BoardSpec } from '../core/board-spec.js';
import { ThimbleError } from '../core/errors.js';
import type { PortIdentity } from '../core/reading.js';
import { identifyPort } from './port-identity.js';
import { loadSerialport } from './serial-port.js';
import { systemPorts } from './usb-devices.js';

export interface ListedPort {
  readonly path: string;
  readonly kind: PortIdentity['kind'];
  readonly usbId?: string; // '2e8a:000a'
  readonly serialNumber?: string;
  readonly manufacturer?: string;
  readonly product?: string;
  readonly location?: string; // the USB socket: '1-4.2'
  readonly boards: readonly string[]; // ids of boards with this USB id: a guess, since adapters share ids
}

export interface RawPort {
  readonly path: string;
  readonly vendorId?: string | undefined;
  readonly productId?: string | undefined;
  readonly serialNumber?: string | undefined;
  readonly manufacturer?: string | undefined;
  readonly product?: string | undefined;
  readonly location?: string | undefined;
  readonly locationId?: string | undefined; // Windows' and macOS' name for it
}

/** On Linux from /sys, which needs no udev; elsewhere serialport asks the system. */
export const rawPorts = async (): Promise<readonly RawPort[]> =>
  process.platform === 'linux' ? systemPorts() : (await loadSerialport()).SerialPort.list();

/**
 * Ports with a known USB id first. Empty where the system cannot list any.
 * @throws ThimbleError E_TOOL_MISSING without serialport, where it is what lists them
 */
export async function listPorts(
  boards: readonly BoardSpec[],
  list: () => Promise<readonly RawPort[]> = rawPorts,
): Promise<readonly ListedPort[]> {
  let raw: readonly RawPort[];
  try {
    raw = await list();
  } catch (error) {
    if (error instanceof ThimbleError) throw error;
    return [];
  }
  // Linux lists 32 legacy ports of the mainboard that nobody has: only those with a device behind them count.
  return raw
    .filter(({ path, vendorId }) => vendorId !== undefined || !/^\/dev\/ttyS\d+$/.test(path))
    .map((port) => describe(port, boards))
    .sort((a, b) => b.boards.length - a.boards.length || a.path.localeCompare(b.path));
}

function describe(port: RawPort, boards: readonly BoardSpec[]): ListedPort {
  const location = port.location ?? port.locationId;
  const usbId = port.vendorId && port.productId ? `${port.vendorId}:${port.productId}`.toLowerCase() : undefined;
  return {
    path: port.path,
    kind: identifyPort(port.path).kind,
    ...(usbId !== undefined && { usbId }),
    ...(port.serialNumber !== undefined && { serialNumber: port.serialNumber }),
    ...(port.manufacturer !== undefined && { manufacturer: port.manufacturer }),
    ...(port.product !== undefined && { product: port.product }),
    ...(location !== undefined && { location }),
    boards: boards.filter(({ serial }) => usbId !== undefined && serial.usbIds.includes(usbId)).map(({ id }) => id),
  };
}
