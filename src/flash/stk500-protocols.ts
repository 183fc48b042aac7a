/**
 * STK500, versions 1 and 2 (Atmel's application notes AVR061 and AVR068), as far as boot loaders speak them: Optiboot and
 * its predecessors the first, Arduino's for the Mega the second. The npm packages for these were last changed in 2019;
 * neither compares what it reads back, and one ends the process when a page comes back late.
 */
import { type ByteLine, LineSilent } from './byte-line.js';

export interface BootLoader {
  /** Once; true where it answers. */
  sync(): Promise<boolean>;
  signature(): Promise<string>; // '1e950f'
  begin(): Promise<void>;
  /** One page at its byte address; the boot loader erases it before. */
  writePage(address: number, bytes: Uint8Array): Promise<void>;
  readPage(address: number, length: number): Promise<Uint8Array>;
  /** It starts the program. */
  end(): Promise<void>;
}

/** An answer that is none, or says no. */
export class BootLoaderRefused extends Error {}

const SYNC_MS = 300; // avrdude's pause between tries is as long
const ANSWER_MS = 5000; // AVR068 asks for that much for a page

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const word = (value: number): [number, number] => [(value >> 8) & 0xff, value & 0xff];

/** Commands end in a space; answers stand between IN SYNC and OK. */
export class Stk500Version1 implements BootLoader {
  readonly #line: ByteLine;

  constructor(line: ByteLine) {
    this.#line = line;
  }

  async #ask(command: readonly number[], answerBytes = 0, timeoutMs = ANSWER_MS): Promise<Uint8Array> {
    const [IN_SYNC, OK, END] = [0x14, 0x10, 0x20];
    await this.#line.write(Uint8Array.from([...command, END]));
    const answer = await this.#line.read(answerBytes + 2, timeoutMs);
    if (answer[0] !== IN_SYNC || answer.at(-1) !== OK) throw new BootLoaderRefused(`it answered ${hexOf(answer)}`);
    return answer.subarray(1, -1);
  }

  async sync(): Promise<boolean> {
    this.#line.drain();
    return answers(() => this.#ask([0x30], 0, SYNC_MS));
  }

  signature = async (): Promise<string> => hexOf(await this.#ask([0x75], 3));

  async begin(): Promise<void> {
    await this.#ask([0x50]);
  }

  async #goTo(address: number): Promise<void> {
    const [high, low] = word(address / 2);
    await this.#ask([0x55, low, high]);
  }

  async writePage(address: number, bytes: Uint8Array): Promise<void> {
    await this.#goTo(address);
    await this.#ask([0x64, ...word(bytes.length), FLASH, ...bytes]);
  }

  async readPage(address: number, length: number): Promise<Uint8Array> {
    await this.#goTo(address);
    return this.#ask([0x74, ...word(length), FLASH], length);
  }

  async end(): Promise<void> {
    await this.#ask([0x51]);
  }
}

const FLASH = 0x46; // 'F'

/** Numbered messages with a length and a checksum; an answer repeats number and command, and has a status. */
export class Stk500Version2 implements BootLoader {
  readonly #line: ByteLine;
  #number = 0;

  constructor(line: ByteLine) {
    this.#line = line;
  }

  async #ask(body: readonly number[], timeoutMs = ANSWER_MS): Promise<Uint8Array> {
    const [START, TOKEN] = [0x1b, 0x0e];
    this.#number = (this.#number + 1) & 0xff;
    const message = [START, this.#number, ...word(body.length), TOKEN, ...body];
    await this.#line.write(Uint8Array.from([...message, checksum(message)]));
    const head = await this.#line.read(5, timeoutMs);
    if (head[0] !== START || head[1] !== this.#number || head[4] !== TOKEN)
      throw new BootLoaderRefused(`it answered ${hexOf(head)}`);
    const length = (head[2]! << 8) | head[3]!;
    const rest = await this.#line.read(length + 1, timeoutMs);
    const answer = rest.subarray(0, length);
    if (checksum([...head, ...answer]) !== rest[length]) throw new BootLoaderRefused('its answer came damaged');
    if (answer[0] !== body[0] || answer[1] !== 0)
      throw new BootLoaderRefused(`it answered ${hexOf(answer.subarray(0, 2))} to command ${body[0]}`);
    return answer.subarray(2);
  }

  async sync(): Promise<boolean> {
    this.#line.drain();
    return answers(() => this.#ask([0x01], SYNC_MS));
  }

  async signature(): Promise<string> {
    const bytes: number[] = [];
    for (const index of [0, 1, 2]) bytes.push((await this.#ask([0x1d, 4, 4, 0, 0x30, 0, index, 0]))[3]!);
    return hexOf(Uint8Array.from(bytes));
  }

  async begin(): Promise<void> {
    await this.#ask([0x10, 200, 100, 25, 32, 0, 0x53, 3, 0xac, 0x53, 0, 0]); // as AVR068 suggests for an AVR's SPI
  }

  async #goTo(address: number): Promise<void> {
    const [high, low] = word((address / 2) >> 16);
    await this.#ask([0x06, high | 0x80, low, ...word(address / 2)]); // bit 31: addresses beyond 64 K words
  }

  async writePage(address: number, bytes: Uint8Array): Promise<void> {
    await this.#goTo(address);
    await this.#ask([0x13, ...word(bytes.length), 0xc1, 10, 0x40, 0x4c, 0x20, 0, 0, ...bytes]);
  }

  async readPage(address: number, length: number): Promise<Uint8Array> {
    await this.#goTo(address);
    return (await this.#ask([0x14, ...word(length), 0x20])).subarray(0, length);
  }

  async end(): Promise<void> {
    await this.#ask([0x11, 1, 1]);
  }
}

const checksum = (bytes: readonly number[]): number => bytes.reduce((sum, byte) => sum ^ byte, 0);

async function answers(ask: () => Promise<unknown>): Promise<boolean> {
  try {
    await ask();
    return true;
  } catch (error) {
    if (error instanceof LineSilent || error instanceof BootLoaderRefused) return false;
    throw error;
  }
}
