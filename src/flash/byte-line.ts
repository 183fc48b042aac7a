/** A port as a line that is written to and read from by numbers of bytes, as boot loaders talk. */
import type { Port } from '../core/port.js';

/** Nothing, or too little, came in time. */
export class LineSilent extends Error {}

export class ByteLine {
  readonly #port: Port;
  readonly #stopListening: () => void;
  readonly #signal: AbortSignal | undefined;
  #received: Uint8Array = new Uint8Array();
  #ended: Error | undefined;
  #wake = (): void => {};

  constructor(port: Port, signal?: AbortSignal) {
    this.#port = port;
    this.#signal = signal;
    this.#stopListening = port.onBytes((bytes) => {
      this.#received = Buffer.concat([this.#received, bytes]);
      this.#wake();
    });
    port.onClose((error) => {
      this.#ended = error ?? new Error('the port was closed');
      this.#wake();
    });
    signal?.addEventListener('abort', () => this.#wake(), { once: true });
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#port.write(bytes);
  }

  /** @throws LineSilent, the port's error, or what aborted the signal */
  async read(count: number, timeoutMs: number): Promise<Uint8Array> {
    const deadline = performance.now() + timeoutMs;
    while (this.#received.length < count) {
      this.#signal?.throwIfAborted();
      if (this.#ended) throw this.#ended;
      const left = deadline - performance.now();
      if (left <= 0) throw new LineSilent(`${count} bytes were awaited, ${this.#received.length} came`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    const bytes = this.#received.subarray(0, count);
    this.#received = this.#received.subarray(count);
    return bytes;
  }

  /** Forgets what has come: what a program said before its board was reset. */
  drain(): void {
    this.#received = new Uint8Array();
  }

  end(): void {
    this.#stopListening();
  }
}
