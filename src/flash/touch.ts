/**
 * The 1200-baud touch: opening and closing a native USB port at that speed, DTR low, asks the program on the board to
 * restart as its boot loader. Arduino's SAM-BA and DFU boards, and the Pico under arduino-pico, know it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { openError } from '../device/port-errors.js';
import { markPort, type ReturnOptions, waitForReturn } from '../device/port-return.js';
import { loadSerialport } from '../device/serial-port.js';

const TOUCH_BAUD = 1200;
const SETTLE_MS = 250; // the board needs to see the change before the port closes

/** @throws ThimbleError E_NO_PORT, E_PORT_BUSY */
export async function touch1200(path: string): Promise<void> {
  const { SerialPort } = await loadSerialport();
  const stream = new SerialPort({ path, baudRate: TOUCH_BAUD, autoOpen: false });
  await new Promise<void>((resolve, reject) =>
    stream.open((error) => (error ? reject(openError(path, error)) : resolve())),
  );
  stream.on('error', () => undefined); // the board may take the port away under our hands
  await new Promise<void>((resolve) => stream.set({ dtr: false }, () => resolve())); // a pty has no such line
  await sleep(SETTLE_MS);
  await new Promise<void>((resolve) => (stream.isOpen ? stream.close(() => resolve()) : resolve()));
}

/**
 * Touches the port and waits for the boot loader's.
 * @returns where that is; the same path where the board was in its boot loader already
 */
export async function touchAndWait(path: string, options: ReturnOptions = {}): Promise<string> {
  const mark = await markPort(path, options.list);
  await touch1200(path);
  return waitForReturn(mark, { mustGo: true, timeoutMs: 5000, ...options });
}
