import type { PortIdentity } from './reading.js';

/** A byte stream to a board: a real serial port, a pty, a virtual board in this process, or a child process. */
export interface Port {
  readonly identity: PortIdentity;
  /** Resolves when the bytes are handed over; rejects with E_PORT_LOST once the port is gone. */
  write(bytes: Uint8Array): Promise<void>;
  /** Chunks as they come, of any size. Returns the function that stops listening. */
  onBytes(listener: (bytes: Uint8Array) => void): () => void;
  /** Called once; with an error where the port went away by itself. A late listener is called at once. */
  onClose(listener: (error?: Error) => void): () => void;
  /** Another line speed, where the link has one. */
  setBaud?(baud: number): Promise<void>;
  /** Resets the board where the link can (DTR, a virtual reset); otherwise does nothing. */
  reset?(): Promise<void>;
  close(): Promise<void>; // idempotent
}
