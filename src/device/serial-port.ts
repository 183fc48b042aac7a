/** A real serial port, or a pty that looks like one, as a Port. serialport is loaded only when one is opened. */
import { realpathSync, statSync } from 'node:fs';
import type { SerialPort as SerialPortClass } from 'serialport';
import type { Port } from '../core/port.js';
import type { PortIdentity } from '../core/reading.js';
import { portLost } from './link-errors.js';
import { openError, serialportMissing } from './port-errors.js';
import { identifyPort } from './port-identity.js';

export interface SerialSpec {
  readonly baud: number;
  /** Called with what is odd but no failure: modem lines that a pty does not have. */
  readonly onWarning?: (sentence: string) => void;
}

/** The part of serialport's stream that a Port needs: a mock binding's stream has it too. */
export type SerialStream = Pick<
  SerialPortClass,
  'on' | 'write' | 'drain' | 'set' | 'update' | 'close' | 'isOpen' | 'removeAllListeners'
>;

/** DTR low resets most boards through a capacitor; 250 ms is what avrdude and the Arduino IDE wait. */
const RESET_MS = 250;
/** How often the port's file is looked at. */
const LOOK_MS = 500;

/**
 * @throws ThimbleError E_NO_PORT, E_PORT_BUSY (also without permission), E_TOOL_MISSING without serialport
 */
export async function openSerialPort(path: string, spec: SerialSpec): Promise<Port> {
  const { SerialPort } = await loadSerialport();
  const identity = identifyPort(path);
  const stream = new SerialPort({ path, baudRate: spec.baud, autoOpen: false, lock: true });
  await new Promise<void>((resolve, reject) =>
    stream.open((error) => (error ? reject(openError(path, error)) : resolve())),
  );
  return portOfStream(stream, identity, spec.onWarning, fileOfPort(path));
}

/**
 * A port whose other end hung up reads as silence on Linux, not as an error; but its file in /dev goes. Windows has no such
 * file, and reports the loss itself.
 * @returns whether it is still there, or undefined where there is no file to look at
 */
function fileOfPort(path: string): (() => boolean) | undefined {
  try {
    const real = realpathSync(path); // a link to a pty may lead to another one by then
    const first = statSync(real);
    return () => {
      const now = statSync(real, { throwIfNoEntry: false });
      return now?.ino === first.ino && now.rdev === first.rdev;
    };
  } catch {
    return undefined;
  }
}

/** serialport's list, or its absence in words. */
export async function loadSerialport(): Promise<typeof import('serialport')> {
  try {
    return await import('serialport');
  } catch (cause) {
    throw serialportMissing(cause);
  }
}

/**
 * An open stream as a Port. Every way to lose it ends in onClose with an error, once.
 * @param isThere looked at now and then: where it says no, the port is lost
 */
export function portOfStream(
  stream: SerialStream,
  identity: PortIdentity,
  onWarning: (sentence: string) => void = () => {},
  isThere?: () => boolean,
): Port {
  const { path } = identity;
  const closeListeners = new Set<(error?: Error) => void>();
  const byteListeners = new Set<(bytes: Uint8Array) => void>();
  let ended: { readonly error?: Error } | undefined;

  const end = (error?: Error) => {
    if (ended) return;
    ended = error ? { error } : {};
    clearInterval(looking);
    for (const listener of closeListeners) listener(error);
  };
  const looking =
    isThere &&
    setInterval(() => {
      if (isThere()) return;
      end(portLost(path, undefined));
      if (stream.isOpen) stream.close(() => {}); // the file is gone, its handle is not
    }, LOOK_MS).unref();
  stream.on('data', (bytes: Uint8Array) => {
    for (const listener of byteListeners) listener(bytes);
  });
  stream.on('error', (error: Error) => end(portLost(path, error)));
  stream.on('close', (error?: Error | null) => end(portLost(path, error ?? undefined)));

  return {
    identity,
    write: (bytes) =>
      new Promise((resolve, reject) => {
        if (ended) return reject(ended.error ?? portLost(path, undefined));
        stream.write(Buffer.from(bytes), undefined, (error) => (error ? reject(portLost(path, error)) : resolve()));
      }),
    onBytes(listener) {
      byteListeners.add(listener);
      return () => byteListeners.delete(listener);
    },
    onClose(listener) {
      if (ended) listener(ended.error);
      closeListeners.add(listener);
      return () => closeListeners.delete(listener);
    },
    setBaud: (baud) =>
      new Promise((resolve, reject) =>
        stream.update({ baudRate: baud }, (error) => (error ? reject(portLost(path, error)) : resolve())),
      ),
    async reset() {
      await setLines(stream, false, onWarning);
      await new Promise((resolve) => setTimeout(resolve, RESET_MS));
      await setLines(stream, true, onWarning);
    },
    close: () =>
      new Promise((resolve) => {
        end();
        if (!stream.isOpen) return resolve();
        stream.close(() => resolve()); // an error on the way out helps nobody
      }),
  };
}

/** A pty has no modem lines (ENOTTY): worth a warning, and the link works all the same. */
function setLines(stream: SerialStream, on: boolean, onWarning: (sentence: string) => void): Promise<void> {
  return new Promise((resolve) => {
    stream.set({ dtr: on, rts: on }, (error) => {
      if (error) onWarning(`the port has no reset line (${error.message}): reset the board by hand if it needs that`);
      resolve();
    });
  });
}
