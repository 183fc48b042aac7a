/**
 * One command out, lines in, until the board is ready: the part of the protocol that knows time and loss.
 * A new command waits for the answer of the one before.
 */
import { errorText, isBootLine, isMessage, isReady, type RawReading } from './answers.js';
import { type Line, LineReader } from './line-reader.js';
import { noAnswer, protocolError, silent } from './link-errors.js';
import { PortClient } from './port-client.js';

/** Noise between two lines that mean something; beyond it the other end is not a board that speaks the protocol. */
const MAX_NOISE_LINES = 1000;

export interface Exchange {
  readonly command: string | null; // without its %; null = only listen
  readonly silenceMs: number; // longest wait for the next line that means something
  readonly totalMs?: number; // and for the whole answer, where a board that talks without end must not hold us
  /** Takes every line of the answer; throws where the line cannot be part of it. */
  onLine(line: Line): void;
  /** Binary mode alone: a reading, and raw bytes of outputs, which come there as they are. */
  onReading?(reading: RawReading): void;
  onBytes?(bytes: Uint8Array): void;
  /** Binary mode alone: the command never reached the board and was sent again; what came so far does not count. */
  restart?(): void;
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

export class Conversation extends PortClient {
  readonly reader = new LineReader();
  #pending: Pending | undefined;
  #hasAnswered = false;

  /** Sends a command and resolves at its m-ready. Call it inside inTurn. */
  exchange(exchange: Exchange): Promise<void> {
    const ended = this.ended();
    if (ended) return Promise.reject(ended);
    return new Promise<void>((resolve, reject) => {
      this.#pending = { ...exchange, resolve, reject, timer: undefined, deadline: undefined, noise: 0 };
      this.#restartTimer(this.#pending);
      if (exchange.totalMs !== undefined)
        this.#pending.deadline = setTimeout(() => this.#giveUp(exchange.totalMs ?? 0), exchange.totalMs);
      if (exchange.command !== null) this.send(`${exchange.command}%`);
    });
  }

  /** Text outside an exchange. */
  send(text: string): void {
    this.sendBytes(encoder.encode(text));
  }

  sendBytes(bytes: Uint8Array): void {
    this.write(bytes);
  }

  /** A stream ends at any byte; which may arrive after its own end and is then a command, to be answered. */
  endStream(): void {
    this.send('%');
  }

  protected override fail(error: unknown): void {
    this.#settle(error);
  }

  protected override outlivesAbort(): boolean {
    return this.#pending?.outlivesAbort === true;
  }

  protected override receive(bytes: Uint8Array): void {
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
