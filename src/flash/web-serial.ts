/**
 * serialport as a port of the Web Serial API, as far as esptool-js uses it: streams, signals, and a change of speed
 * without closing the port, which would reset the board.
 */
import type { SerialPort } from 'serialport';
import { openError } from '../device/port-errors.js';
import { loadSerialport } from '../device/serial-port.js';

export interface Signals {
  readonly dataTerminalReady?: boolean | undefined;
  readonly requestToSend?: boolean | undefined;
  readonly break?: boolean | undefined;
}

export class WebSerialPort {
  readable: ReadableStream<Uint8Array> | null = null;
  writable: WritableStream<Uint8Array> | null = null;
  readonly #path: string;
  readonly #usb: { readonly usbVendorId?: number; readonly usbProductId?: number };
  #stream: SerialPort | undefined;

  /** @param usbId '303a:1001', where it is known: it decides how the chip is reset */
  constructor(path: string, usbId?: string) {
    const [vendor, product] = (usbId ?? '').split(':').map((digits) => Number.parseInt(digits, 16));
    this.#path = path;
    this.#usb = vendor && product ? { usbVendorId: vendor, usbProductId: product } : {};
  }

  getInfo() {
    return this.#usb;
  }

  /** @throws ThimbleError E_NO_PORT, E_PORT_BUSY, E_TOOL_MISSING without serialport */
  async open({ baudRate }: { readonly baudRate: number }): Promise<void> {
    const { SerialPort } = await loadSerialport();
    const stream = new SerialPort({ path: this.#path, baudRate, autoOpen: false, lock: true });
    await new Promise<void>((resolve, reject) =>
      stream.open((error) => (error ? reject(openError(this.#path, error)) : resolve())),
    );
    this.#stream = stream;
    this.readable = new ReadableStream({
      start: (controller) => {
        stream.on('data', (bytes: Buffer) => controller.enqueue(new Uint8Array(bytes)));
        stream.on('error', (error) => endQuietly(() => controller.error(error)));
        stream.on('close', () => endQuietly(() => controller.close()));
      },
    });
    this.writable = new WritableStream({
      write: (bytes) =>
        new Promise((resolve, reject) => {
          stream.write(Buffer.from(bytes), undefined, (error) => (error ? reject(error) : resolve()));
        }),
    });
  }

  setBaudRate(baudRate: number): Promise<void> {
    return this.#ask((stream, done) => stream.update({ baudRate }, done));
  }

  /** A pty has no modem lines: what is behind it then starts its loader by itself. */
  async setSignals({ dataTerminalReady, requestToSend, break: breakLine }: Signals): Promise<void> {
    await this.#ask((stream, done) =>
      stream.set(
        {
          ...(dataTerminalReady !== undefined && { dtr: dataTerminalReady }),
          ...(requestToSend !== undefined && { rts: requestToSend }),
          ...(breakLine !== undefined && { brk: breakLine }),
        },
        () => done(null),
      ),
    );
  }

  async close(): Promise<void> {
    const stream = this.#stream;
    this.#stream = undefined;
    this.readable = null;
    this.writable = null;
    if (stream?.isOpen) await new Promise<void>((resolve) => stream.close(() => resolve()));
  }

  #ask(request: (stream: SerialPort, done: (error: Error | null | undefined) => void) => void): Promise<void> {
    const stream = this.#stream;
    if (!stream) return Promise.resolve();
    return new Promise((resolve, reject) => request(stream, (error) => (error ? reject(error) : resolve())));
  }
}

/** A stream that its reader cancelled already takes no end. */
function endQuietly(end: () => void): void {
  try {
    end();
  } catch {}
}
