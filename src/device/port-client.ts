/** What every way to talk over a port shares: loss, Ctrl-C, and that one talk waits for the other. */
import { ThimbleError } from '../core/errors.js';
import type { Port } from '../core/port.js';
import { interrupted, portLost } from './link-errors.js';

export abstract class PortClient {
  readonly #port: Port;
  readonly #signal: AbortSignal | undefined;
  readonly #stop: (() => void)[] = [];
  #tail: Promise<unknown> = Promise.resolve();
  #lost: ThimbleError | undefined;

  constructor(port: Port, signal: AbortSignal | undefined) {
    this.#port = port;
    this.#signal = signal;
    this.#stop.push(port.onBytes((bytes) => this.receive(bytes)));
    this.#stop.push(
      port.onClose((error) => {
        this.#lost ??= portLost(port.identity.path, error);
        this.fail(this.#lost);
      }),
    );
    const onAbort = () => {
      if (!this.outlivesAbort()) this.fail(interrupted());
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#stop.push(() => signal?.removeEventListener('abort', onAbort));
  }

  protected abstract receive(bytes: Uint8Array): void;
  /** Ends what is going on with an error; nothing where nothing is. */
  protected abstract fail(error: unknown): void;
  /** Whether what is going on is to be ended first and interrupted then: a stream. */
  protected abstract outlivesAbort(): boolean;

  get path(): string {
    return this.#port.identity.path;
  }

  /** Runs `work` when everything that was asked before is done: exchanges of one method stay together. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(work);
    this.#tail = result.catch(() => undefined);
    return result;
  }

  /** Why nothing can be begun any more. */
  protected ended(): ThimbleError | undefined {
    return this.#lost ?? (this.#signal?.aborted ? interrupted() : undefined);
  }

  protected write(bytes: Uint8Array): void {
    if (this.#lost) {
      this.fail(this.#lost);
      return;
    }
    this.#port.write(bytes).catch((error: unknown) => {
      this.fail(error instanceof ThimbleError ? error : portLost(this.path, error));
    });
  }

  /** Leaves the port to another client. */
  detach(): void {
    for (const stop of this.#stop) stop();
    this.#lost ??= portLost(this.path, undefined);
    this.fail(this.#lost);
  }

  /** The last bytes are handed over before the port is closed, if it is still there. */
  async close(last?: Uint8Array): Promise<void> {
    const gone = this.#lost !== undefined;
    this.detach();
    if (last && !gone) await this.#port.write(last).catch(() => undefined);
    return this.#port.close();
  }
}
