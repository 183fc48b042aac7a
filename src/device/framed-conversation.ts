/**
 * The binary mode of the protocol: a command out, its answer in frames, input in blocks. Whatever the cable does to
 * bytes, an answer is whole or it is asked for again; and there is an end to asking.
 */
import type { Port } from '../core/port.js';
import { errorText, isBootLine, parseReadingRecord } from './answers.js';
import type { Exchange } from './conversation.js';
import { crc32 } from './crc32.js';
import { encodeFrame, FRAME_HEADER_BYTES, FrameReader, frameKind, word16, word32 } from './frames.js';
import { InputTransfer } from './input-transfer.js';
import { LineReader } from './line-reader.js';
import { linkRestored, protocolError, silent } from './link-errors.js';
import { emptyStatistics, type LinkStatistics } from './link-statistics.js';
import { PortClient } from './port-client.js';

export interface FramedOptions {
  readonly inputBytes: number; // of one frame
  readonly credits: number;
  readonly pollMs: number; // silence after which the board is asked what it did last
  readonly answerMs: number; // for blocks of input: without any progress
  readonly signal: AbortSignal | undefined;
}

/** A board that leaves this many questions unanswered may have left the binary mode, as after a reset. */
const UNANSWERED_POLLS = 3;
const MAX_POLL_MS = 1000;
const POLL_GROWTH = 2;

interface Answer {
  readonly exchange: Exchange;
  request: number;
  frames: number; // of the answer, that came in order
  gap: boolean;
  readonly pieces: { readonly kind: number; readonly bytes: Uint8Array }[];
  resolve(): void;
  reject(error: unknown): void;
}

export class FramedConversation extends PortClient {
  readonly statistics: LinkStatistics = emptyStatistics();
  readonly #options: FramedOptions;
  readonly #reader = new FrameReader();
  readonly #session = 1 + Math.floor(Math.random() * 255);
  #request = 0;
  #transferNumber = 0;
  #token = 0;
  /** Polls on their way, with what of the input had been sent before each. */
  readonly #polls = new Map<number, number>();
  #answer: Answer | undefined;
  #transfer: InputTransfer | undefined;
  #entering: (() => void) | undefined;
  #failing: ((error: unknown) => void) | undefined; // of enter
  #pollTimer: NodeJS.Timeout | undefined;
  #deadline: NodeJS.Timeout | undefined;
  #unanswered = 0;
  #breaking = false;

  constructor(port: Port, options: FramedOptions) {
    super(port, options.signal);
    this.#options = options;
  }

  /**
   * Takes the board, which speaks text, into the binary mode.
   * @throws ThimbleError E_TIMEOUT, E_PORT_LOST, E_INTERRUPTED
   */
  enter(): Promise<void> {
    const ended = this.ended();
    if (ended) return Promise.reject(ended);
    return new Promise<void>((resolve, reject) => {
      this.#entering = () => {
        this.#reader.damagedFrames = this.statistics.damagedFrames = 0; // it was text that ended there
        this.#settleEntering(resolve);
      };
      this.#failing = (error) => this.#settleEntering(() => reject(error));
      this.#deadline = setTimeout(
        () => this.#failing?.(silent('frames', this.#options.answerMs)),
        this.#options.answerMs,
      );
      this.#unanswered = UNANSWERED_POLLS;
      this.#poll();
    });
  }

  #settleEntering(settle: () => void): void {
    this.#entering = this.#failing = undefined;
    this.#stopTimers();
    settle();
  }

  /** Sends a command and resolves when its whole answer is there. Call it inside inTurn. */
  exchange(exchange: Exchange): Promise<void> {
    const ended = this.ended();
    if (ended) return Promise.reject(ended);
    return new Promise<void>((resolve, reject) => {
      this.#answer = { exchange, request: 0, frames: 0, gap: false, pieces: [], resolve, reject };
      this.#breaking = false;
      this.#ask(this.#answer);
      this.#progress(exchange.silenceMs);
    });
  }

  /** Sends the whole input, block by block, as many at a time as the board gives credit for. */
  load(bytes: Uint8Array): Promise<void> {
    const ended = this.ended();
    if (ended) return Promise.reject(ended);
    return new Promise<void>((resolve, reject) => {
      const number = (this.#transferNumber = (this.#transferNumber + 1) & 0xff);
      this.#transfer = new InputTransfer(bytes, this.#options, this.statistics, {
        send: (blocks) =>
          this.#sendFrames(
            blocks.map(({ block, bytes: content }) => [
              frameKind.input,
              this.#session,
              number,
              block & 0xff,
              block >> 8,
              ...content,
            ]),
          ),
        resolve,
        reject,
        number,
      });
      this.#polls.clear();
      this.#progress(this.#options.answerMs);
      this.#transfer.fill();
      this.#armPoll(this.#options.pollMs);
    });
  }

  endStream(): void {
    this.#breaking = true;
    this.#send(frameKind.break);
    this.#armPoll(this.#options.pollMs);
  }

  /** The board is left speaking text. */
  override close(): Promise<void> {
    return super.close(Uint8Array.of(0, ...encodeFrame(Uint8Array.of(frameKind.leave, this.#session))));
  }

  protected override fail(error: unknown): void {
    this.#stopTimers();
    const [answer, transfer] = [this.#answer, this.#transfer];
    this.#answer = this.#transfer = undefined;
    answer?.reject(error);
    transfer?.reject(error);
    this.#failing?.(error);
  }

  protected override outlivesAbort(): boolean {
    return this.#answer?.exchange.outlivesAbort === true;
  }

  protected override receive(bytes: Uint8Array): void {
    this.statistics.receivedBytes += bytes.length;
    const frames = this.#reader.push(bytes);
    this.statistics.damagedFrames = this.#reader.damagedFrames;
    for (const frame of frames) {
      this.statistics.receivedFrames++;
      if (frame[1] === this.#session) this.#take(frame);
    }
  }

  #take(frame: Uint8Array): void {
    try {
      if (frame[0] === frameKind.end && frame.length === 10) this.#takeEnd(frame);
      else if (frame[0] === frameKind.taken && frame.length === FRAME_HEADER_BYTES) this.#takeTaken(frame);
      else if (frame.length > FRAME_HEADER_BYTES) this.#takePiece(frame);
    } catch (error) {
      this.fail(error);
    }
  }

  #takePiece(frame: Uint8Array): void {
    const answer = this.#answer;
    if (!answer || frame[2] !== answer.request) return; // late, of an answer that was given up
    const index = word16(frame, 3);
    const ahead = (index - answer.frames) & 0xffff;
    if (ahead >= 0x8000) return; // doubled
    if (ahead > 0) answer.gap = true;
    answer.frames = (index + 1) & 0xffff;
    this.#progress(answer.exchange.silenceMs);
    const [kind, bytes] = [frame[0]!, frame.subarray(FRAME_HEADER_BYTES)];
    this.statistics.payloadBytes += bytes.length;
    if (kind !== frameKind.reading || !answer.exchange.onReading) {
      answer.pieces.push({ kind, bytes });
      return;
    }
    const reading = parseReadingRecord(bytes);
    if (reading) answer.exchange.onReading(reading);
    else answer.gap = true;
  }

  #takeEnd(frame: Uint8Array): void {
    const [request, token] = [frame[2]!, frame[9]!];
    const sentBefore = this.#polls.get(token);
    const asked = sentBefore !== undefined;
    if (asked) {
      this.#unanswered = 0;
      this.#polls.delete(token);
      this.#transfer?.resendLost(sentBefore); // the wire keeps the order: what is not confirmed by now never will be
    }
    if (this.#entering) {
      if (asked && request === 0) this.#entering();
      return;
    }
    if (request === 0 && asked && this.#request !== 0) throw linkRestored();
    const answer = this.#answer;
    if (!answer) return;
    if (request === answer.request) this.#finish(answer, word16(frame, 3), word32(frame, 5));
    else if (asked && answer.frames === 0) {
      this.statistics.resentCommands++;
      this.#ask(answer); // the board is at leisure and has never heard of it
    }
  }

  /** @param frames the answer has, with the CRC-32 of the command that the board answered and of all their bytes */
  #finish(answer: Answer, frames: number, crc: number): void {
    const { exchange, pieces } = answer;
    const whole = !answer.gap && answer.frames === frames;
    const bytes = Buffer.concat(pieces.map((piece) => piece.bytes));
    // Readings have sums of their own and are gone already; every other answer is checked as a whole.
    const hasReadings = exchange.onReading !== undefined;
    const covered = crc32(Buffer.concat([encoder.encode(exchange.command ?? ''), bytes]));
    if (!exchange.outlivesAbort && (!whole || (!hasReadings && covered !== crc)))
      throw protocolError(exchange.command ?? '', 'sent an answer that came damaged');
    const lines = new LineReader();
    for (const { kind, bytes: content } of pieces) {
      if (kind === frameKind.output) exchange.onBytes?.(content);
      else if (kind === frameKind.text)
        for (const line of lines.push(content)) {
          const refusal = errorText(line);
          if (isBootLine(line)) throw protocolError(exchange.command ?? '', 'restarted while it worked', line.text);
          if (refusal === undefined) exchange.onLine(line);
          else if (exchange.onError) exchange.onError(refusal);
          else throw protocolError(exchange.command ?? '', `refuses "${exchange.command?.slice(0, 40)}"`, refusal);
        }
    }
    this.#stopTimers();
    this.#answer = undefined;
    answer.resolve();
  }

  #takeTaken(frame: Uint8Array): void {
    const transfer = this.#transfer;
    if (!transfer || frame[2] !== transfer.number) return;
    this.#unanswered = 0;
    if (transfer.taken(word16(frame, 3))) this.#progress(this.#options.answerMs);
    if (!transfer.isDone) return;
    this.#stopTimers();
    this.#transfer = undefined;
    transfer.resolve();
  }

  /** Begins an answer anew: what still comes of an earlier try has another number. */
  #ask(answer: Answer): void {
    this.#request = (this.#request % 255) + 1;
    answer.request = this.#request;
    answer.frames = 0;
    answer.gap = false;
    answer.pieces.length = 0;
    answer.exchange.restart?.();
    this.#polls.clear(); // an answer to an older one says nothing of this
    this.#send(frameKind.command, this.#request, ...encoder.encode(answer.exchange.command ?? ''));
    this.#armPoll(this.#options.pollMs);
  }

  /** Something of the answer came: the time begins again. */
  #progress(silenceMs: number): void {
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(
      () => this.fail(silent(this.#answer?.exchange.command ?? 'input', silenceMs)),
      silenceMs,
    );
    this.#armPoll(this.#options.pollMs);
  }

  #armPoll(delayMs: number): void {
    clearTimeout(this.#pollTimer);
    this.#pollTimer = setTimeout(() => {
      this.#poll();
      this.#armPoll(Math.min(delayMs * POLL_GROWTH, Math.max(MAX_POLL_MS, this.#options.pollMs)));
    }, delayMs);
  }

  /**
   * Asks the board for the end of its last answer. One that is silent for long may speak text: the line that takes it
   * back is no frame, and nothing to a board in the binary mode.
   */
  #poll(): void {
    if (this.#breaking) this.#send(frameKind.break);
    this.statistics.polls++;
    if (this.#unanswered++ >= UNANSWERED_POLLS) this.write(encoder.encode(`\0\0%frames ${this.#session}%\0`));
    this.#token = (this.#token % 255) + 1;
    this.#polls.set(this.#token, this.#transfer?.sentCount ?? 0);
    this.#send(frameKind.poll, this.#token);
  }

  #send(kind: number, ...rest: readonly number[]): void {
    this.#sendFrames([[kind, this.#session, ...rest]]);
  }

  /** A zero goes ahead: it ends what noise may have begun. */
  #sendFrames(contents: readonly (readonly number[])[]): void {
    const wire = Buffer.concat([Uint8Array.of(0), ...contents.map((content) => encodeFrame(Uint8Array.from(content)))]);
    this.statistics.sentFrames += contents.length;
    this.statistics.sentBytes += wire.length;
    this.write(wire);
  }

  #stopTimers(): void {
    clearTimeout(this.#pollTimer);
    clearTimeout(this.#deadline);
  }
}

const encoder = new TextEncoder();
