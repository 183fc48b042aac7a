/** The Port of a board that lives in this process or below it. */
import { ThimbleError } from '../core/errors.js';
import type { Port } from '../core/port.js';
import type { PortIdentity } from '../core/reading.js';

/** What a backend does when the port is used. */
export interface PortActions {
  write(bytes: Uint8Array): Promise<void> | void;
  reset(): Promise<void>;
  close(): Promise<void>;
}

export class VirtualPort implements Port {
  readonly identity: PortIdentity;
  readonly #actions: PortActions;
  readonly #byteListeners = new Set<(bytes: Uint8Array) => void>();
  readonly #closeListeners = new Set<(error?: Error) => void>();
  #closed: { readonly error?: Error } | undefined;
  #released: Promise<void> | undefined;

  constructor(identity: PortIdentity, actions: PortActions) {
    this.identity = identity;
    this.#actions = actions;
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#closed)
      throw new ThimbleError('E_PORT_LOST', 'the virtual board is closed', 'Start it again.', {
        cause: this.#closed.error,
      });
    await this.#actions.write(bytes);
  }

  onBytes(listener: (bytes: Uint8Array) => void): () => void {
    this.#byteListeners.add(listener);
    return () => this.#byteListeners.delete(listener);
  }

  onClose(listener: (error?: Error) => void): () => void {
    if (this.#closed) listener(this.#closed.error);
    else this.#closeListeners.add(listener);
    return () => this.#closeListeners.delete(listener);
  }

  reset(): Promise<void> {
    return this.#actions.reset();
  }

  /** Also of a board that went by itself: what it held, such as timers and folders, must go too. */
  close(): Promise<void> {
    this.ended();
    this.#released ??= this.#actions.close();
    return this.#released;
  }

  /** For the backend: bytes from the board. */
  deliver(bytes: Uint8Array): void {
    for (const listener of [...this.#byteListeners]) listener(bytes);
  }

  /** For the backend: the board is gone; with an error where nobody asked for it. */
  ended(error?: Error): void {
    if (this.#closed) return;
    this.#closed = error ? { error } : {};
    for (const listener of [...this.#closeListeners]) listener(error);
    this.#closeListeners.clear();
    this.#byteListeners.clear();
  }
}
