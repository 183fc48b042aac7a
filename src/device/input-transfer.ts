/** One input on its way to the board, in blocks that are each confirmed. Knows no time and no port. */
import type { LinkStatistics } from './link-statistics.js';

export interface Block {
  readonly block: number;
  readonly bytes: Uint8Array;
}

export interface TransferEnds {
  readonly number: number; // in the frames, to tell one transfer's confirmations from another's
  send(blocks: readonly Block[]): void;
  resolve(): void;
  reject(error: unknown): void;
}

export class InputTransfer {
  readonly number: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  readonly #bytes: Uint8Array;
  readonly #blockBytes: number;
  readonly #credits: number;
  readonly #statistics: LinkStatistics;
  readonly #send: TransferEnds['send'];
  readonly #total: number;
  #next = 0; // the first block that was never sent
  #order = 0;
  /** Blocks on their way, with when they were last sent. The wire keeps the order, so a later answer tells of loss. */
  readonly #open = new Map<number, number>();

  constructor(
    bytes: Uint8Array,
    { inputBytes, credits }: { readonly inputBytes: number; readonly credits: number },
    statistics: LinkStatistics,
    ends: TransferEnds,
  ) {
    this.#bytes = bytes;
    this.#blockBytes = inputBytes;
    this.#credits = credits;
    this.#statistics = statistics;
    this.#total = Math.ceil(bytes.length / inputBytes);
    this.number = ends.number;
    this.#send = ends.send;
    this.resolve = ends.resolve;
    this.reject = ends.reject;
    statistics.credits = credits;
  }

  get isDone(): boolean {
    return this.#next === this.#total && this.#open.size === 0;
  }

  /** Sends as many new blocks as there is credit for. */
  fill(): void {
    const fresh: number[] = [];
    while (this.#next < this.#total && this.#open.size + fresh.length < this.#credits) fresh.push(this.#next++);
    for (const block of fresh) this.#statistics.payloadBytes += this.#content(block).length;
    this.#sendBlocks(fresh);
    if (this.#next < this.#total) this.#statistics.waitsForCredit++;
  }

  /** @returns whether the confirmation was news */
  taken(block: number): boolean {
    const order = this.#open.get(block);
    if (order === undefined) return false;
    this.#open.delete(block);
    // Whatever was sent before this block and is not confirmed by now did not arrive.
    this.#resend([...this.#open].filter(([, sent]) => sent < order).map(([lost]) => lost));
    this.fill();
    return true;
  }

  /** How many blocks were sent so far, each time counted: tells what went ahead of a question. */
  get sentCount(): number {
    return this.#order;
  }

  /** Sends again what went ahead of a question that has been answered, and was not confirmed. */
  resendLost(sentBefore: number): void {
    this.#resend([...this.#open].filter(([, sent]) => sent < sentBefore).map(([lost]) => lost));
  }

  #resend(blocks: readonly number[]): void {
    this.#statistics.resentBlocks += blocks.length;
    this.#sendBlocks(blocks);
  }

  #sendBlocks(blocks: readonly number[]): void {
    if (blocks.length === 0) return;
    for (const block of blocks) this.#open.set(block, this.#order++);
    this.#send(blocks.map((block) => ({ block, bytes: this.#content(block) })));
  }

  #content(block: number): Uint8Array {
    return this.#bytes.subarray(block * this.#blockBytes, (block + 1) * this.#blockBytes);
  }
}
