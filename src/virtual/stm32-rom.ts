/**
 * The boot loader in an STM32's ROM, board's side of ST's AN3155: an unlocked chip whose flash is read, erased, written
 * and started. Parity is the line's business; a pty has none.
 */
import type { EspFlash } from './esp-flash.js';

const SYNC = 0x7f;
const ACK = 0x79;
const NACK = 0x1f;
const VERSION = 0x31;
const GET = 0x00;
const GET_VERSION = 0x01;
const GET_ID = 0x02;
const READ = 0x11;
const GO = 0x21;
const WRITE = 0x31;
const EXTENDED_ERASE = 0x44;
const COMMANDS = [GET, GET_VERSION, GET_ID, READ, GO, WRITE, EXTENDED_ERASE];
const ALL_SECTORS = 0xffff; // banks have codes of their own, which a chip with one bank refuses
const FIRST_SPECIAL = 0xfff0;
const MAX_SECTORS = 256; // more than any chip has: a count beyond is no count

export interface Stm32RomOptions {
  readonly productId: number;
  readonly flashAddress: number;
  readonly flash: EspFlash;
  readonly sectorBytes: readonly number[];
  readonly onBytes: (bytes: Uint8Array) => void;
  readonly onGo: () => void; // the program starts: the ROM hears no more
}

export class Stm32Rom {
  readonly #options: Stm32RomOptions;
  readonly #waiting: number[] = [];
  #conversation: Generator<number, void, readonly number[]> | undefined;
  #wanted = 0;

  constructor(options: Stm32RomOptions) {
    this.#options = options;
  }

  /** Begins anew, as after a reset with BOOT0 high. */
  reset(): void {
    this.#waiting.length = 0;
    this.#conversation = this.#talk();
    this.#wanted = this.#conversation.next([]).value as number;
  }

  feed(bytes: Uint8Array): void {
    this.#waiting.push(...bytes);
    while (this.#conversation && this.#waiting.length >= this.#wanted) {
      const next = this.#conversation.next(this.#waiting.splice(0, this.#wanted));
      if (next.done) this.#conversation = undefined;
      else this.#wanted = next.value;
    }
  }

  #say(...bytes: number[]): void {
    this.#options.onBytes(Uint8Array.from(bytes));
  }

  /** Each yield asks for so many bytes and gets them. */
  *#talk(): Generator<number, void, readonly number[]> {
    while ((yield 1)[0] !== SYNC); // from this byte the ROM measures the baud rate
    this.#say(ACK);
    for (;;) {
      const [command, inverted] = (yield 2) as [number, number];
      // A host that synchronises once more is told no, and so learns that somebody listens.
      if ((command ^ inverted) !== 0xff || !COMMANDS.includes(command)) {
        this.#say(NACK);
        continue;
      }
      this.#say(ACK);
      if (command === GET) this.#say(COMMANDS.length, VERSION, ...COMMANDS, ACK);
      else if (command === GET_VERSION) this.#say(VERSION, 0, 0, ACK);
      else if (command === GET_ID) this.#say(1, this.#options.productId >> 8, this.#options.productId & 0xff, ACK);
      else if (command === EXTENDED_ERASE) this.#say((yield* this.#erase()) ? ACK : NACK);
      else if (yield* this.#atAddress(command)) return;
    }
  }

  /** Read, write and go begin with an address. True where the ROM has handed over to the program. */
  *#atAddress(command: number): Generator<number, boolean, readonly number[]> {
    const { flash, flashAddress, onGo } = this.#options;
    const bytes = yield 5;
    const at = Buffer.from(bytes).readUInt32BE(0) - flashAddress;
    if (xorOf(bytes) !== 0 || at < 0 || at >= flash.bytes.length) {
      this.#say(NACK);
      return false;
    }
    this.#say(ACK);
    if (command === GO) {
      onGo();
      return true;
    }
    if (command === READ) {
      const [count, inverted] = (yield 2) as [number, number];
      if ((count ^ inverted) === 0xff) this.#say(ACK, ...flash.bytes.subarray(at, at + count + 1));
      else this.#say(NACK);
      return false;
    }
    const [count] = (yield 1) as [number];
    const rest = yield count + 2; // data and checksum
    const right = (count ^ xorOf(rest)) === 0 && flash.write(at, Uint8Array.from(rest.slice(0, -1)));
    this.#say(right ? ACK : NACK);
    return false;
  }

  *#erase(): Generator<number, boolean, readonly number[]> {
    const { flash, sectorBytes } = this.#options;
    const head = yield 2;
    const count = head[0]! * 256 + head[1]!;
    if (count >= FIRST_SPECIAL) {
      const sum = yield 1;
      return xorOf([...head, ...sum]) === 0 && count === ALL_SECTORS && flash.erase(0, flash.bytes.length);
    }
    if (count >= MAX_SECTORS) return false;
    const rest = yield 2 * (count + 1) + 1;
    if (xorOf([...head, ...rest]) !== 0) return false;
    const sectors = Array.from({ length: count + 1 }, (_, i) => rest[2 * i]! * 256 + rest[2 * i + 1]!);
    if (sectors.some((sector) => sector >= sectorBytes.length)) return false;
    for (const sector of sectors) flash.erase(sum(sectorBytes.slice(0, sector)), sectorBytes[sector]!);
    return true;
  }
}

const xorOf = (bytes: readonly number[]): number => bytes.reduce((all, byte) => all ^ byte, 0);
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
