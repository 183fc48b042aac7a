/**
 * One command out, lines in, until the board is ready: the part of the protocol that knows time and loss.
 * A new command waits for the answer of the one before.
 */
import { ThimbleError } from '../core/errors.js';
import type { Port } from '../core/port.js';
import { errorText, isBootLine, isMessage, isReady } from './answers.js';
import { type Line, LineReader } from './line-reader.js';
import { interrupted, noAnswer, portLost, protocolError, silent } from './link-errors.js';

/** Noise between two lines that mean something; beyond it the other end is not a board that speaks the protocol. */
const MAX_NOISE_LINES = 1000;

export interface Exchange {
  readonly command: string | null; // without its %; null = only listen
  readonly silenceMs: number; // longest wait for the next line that means something
  readonly totalMs?: number; // and for the whole answer, where a board that talks without end must not hold us
  /** Takes every line of the answer; throws where the line cannot be part of it. */
  onLine(line: Line): void;
  /** Whether m-ready ends it; a late m-ready of an older answer does not. Always, unless given. */
  isComplete?(): boolean;
  readonly mayBoot?: boolean; // a restart is no surprise while connecting
  /** Takes what stands in e-[…]; where absent, an error line ends the exchange with E_PROTOCOL. */
  onError?(text: string): void;
  readonly outlivesAbort?: boolean; // a stream is ended first and interrupted then
}

interface Pending extends Exchange {
  resolve(): void;
  reject(error: unknown): void;
  timer: NodeJS.Timeout | undefined;
  deadline: NodeJS.Timeout | undefined;
  noise: number;
}

export class Conversation {
  readonly reader = new LineReader();
  readonly #port: Port;
  readonly #signal: AbortSignal | undefined;
  readonly #stop: (() => void)[] = [];
  #pending: Pending | undefined;
  #tail: Promise<unknown> = Promise.resolve();
  #lost: ThimbleError | undefined;
  #hasAnswered = false;

  constructor(port: Port, signal: AbortSignal | undefined) {
    this.#port = port;
    this.#signal = signal;
    this.#stop.push(port.onBytes((bytes) => this.#receive(bytes)));
    this.#stop.push(
      port.onClose((error) => {
        this.#lost ??= portLost(port.identity.path, error);
        this.#settle(this.#lost);
      }),
    );
    const onAbort = () => {
      if (!this.#pending?.outlivesAbort) this.#settle(interrupted());
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#stop.push(() => signal?.removeEventListener('abort', onAbort));
  }

  get path(): string {
    return this.#port.identity.path;
  }

  /** Runs `work` when everything that was asked before is done: exchanges of one method stay together. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(work);
    this.#tail = result.catch(() => undefined);
    return result;
  }

  /** Sends a command and resolves at its m-ready. Call it inside inTurn. */
  exchange(exchange: Exchange): Promise<void> {
    if (this.#lost) return Promise.reject(this.#lost);
    if (this.#signal?.aborted) return Promise.reject(interrupted());
    return new Promise<void>((resolve, reject) => {
      this.#pending = { ...exchange, resolve, reject, timer: undefined, deadline: undefined, noise: 0 };
      this.#restartTimer(this.#pending);
      if (exchange.totalMs !== undefined)
        this.#pending.deadline = setTimeout(() => this.#giveUp(exchange.totalMs ?? 0), exchange.totalMs);
      if (exchange.command !== null) this.send(`${exchange.command}%`);
    });
  }

  /** Bytes outside an exchange: the one that ends a stream. */
  send(text: string): void {
    this.#port.write(encoder.encode(text)).catch((error: unknown) => {
      this.#settle(error instanceof ThimbleError ? error : portLost(this.path, error));
    });
  }

  close(): Promise<void> {
    for (const stop of this.#stop) stop();
    this.#lost ??= portLost(this.path, undefined);
    this.#settle(this.#lost);
    return this.#port.close();
  }

  #receive(bytes: Uint8Array): void {
    for (const line of this.reader.push(bytes)) {
      if (!this.#pending) continue; // late or unasked
      try {
        this.#take(line, this.#pending);
      } catch (error) {
        this.#settle(error);
      }
    }
  }

  #take(line: Line, pending: Pending): void {
    const command = pending.command ?? '';
    if (isReady(line)) {
      this.#hasAnswered = true;
      if (pending.isComplete?.() ?? true) this.#settle();
    } else if (!isMessage(line)) {
      if (++pending.noise > MAX_NOISE_LINES) throw protocolError(command, 'sends noise without end', line.text);
    } else {
      this.#restartTimer(pending);
      if (isBootLine(line) && !pending.mayBoot) throw protocolError(command, 'restarted while it worked', line.text);
      const refusal = errorText(line);
      if (refusal === undefined) pending.onLine(line);
      else if (pending.onError) pending.onError(refusal);
      else throw protocolError(command, `refuses "${command.slice(0, 40)}"`, refusal);
    }
  }

  #restartTimer(pending: Pending): void {
    clearTimeout(pending.timer);
    pending.timer = setTimeout(() => this.#giveUp(pending.silenceMs), pending.silenceMs);
  }

  #giveUp(afterMs: number): void {
    const { droppedBytes, receivedBytes } = this.reader;
    this.#settle(
      this.#hasAnswered
        ? silent(this.#pending?.command ?? '', afterMs)
        : noAnswer(this.path, afterMs, { droppedBytes, receivedBytes }),
    );
  }

  #settle(error?: unknown): void {
    const pending = this.#pending;
    if (!pending) return;
    this.#pending = undefined;
    clearTimeout(pending.timer);
    clearTimeout(pending.deadline);
    if (error === undefined) pending.resolve();
    else pending.reject(error);
  }
}

const encoder = new TextEncoder();
