/**
 * The serial loader of the ESP32-S3, as far as flash tools see it: first the one in ROM, then the stub that they load
 * into RAM, which is taken and not run. Espressif's "Serial Protocol" describes it:
 * https://docs.espressif.com/projects/esptool/en/latest/esp32s3/advanced-topics/serial-protocol.html
 */
import { EspFlash, EspTransfer } from './esp-flash.js';
import { EspRegisters } from './esp-registers.js';
import { encodeSlip, SlipReader } from './slip.js';

const CHIP_ID = 9; // ESP32-S3
const SYNC_ANSWERS = 8;
const SYNC_VALUE = 0x20120707; // the ROM's; a stub answers 0, by which tools tell them apart
const CHECKSUM_SEED = 0xef;

/** Numbers of the protocol. */
const FLASH_BEGIN = 0x02;
const FLASH_DATA = 0x03;
const FLASH_END = 0x04;
const MEM_BEGIN = 0x05;
const MEM_END = 0x06;
const MEM_DATA = 0x07;
const SYNC = 0x08;
const WRITE_REG = 0x09;
const READ_REG = 0x0a;
const SPI_SET_PARAMS = 0x0b;
const SPI_ATTACH = 0x0d;
const CHANGE_BAUDRATE = 0x0f;
const DEFL_BEGIN = 0x10;
const DEFL_DATA = 0x11;
const DEFL_END = 0x12;
const SPI_FLASH_MD5 = 0x13;
const GET_SECURITY_INFO = 0x14;
const ERASE_FLASH = 0xd0;
const ERASE_REGION = 0xd1;

const OK = 0;
const INVALID_MESSAGE = 0x05;
const FAILED_TO_ACT = 0x06;
const INVALID_CRC = 0x07;
const DEFLATE_ERROR = 0x0b;

export interface EspRomOptions {
  readonly flashBytes: number;
  readonly onBytes: (bytes: Uint8Array) => void;
  /** Called when a transfer has ended and its content is in flash. */
  readonly onFlashed?: (flash: EspFlash) => void;
  /** What is wrong with the line, for tests: nothing is heard above this speed. */
  readonly fastestBaud?: number;
  /** Blocks for the flash after which nothing answers any more, as with a cable that fell out; 0: nothing ever does. */
  readonly blocksUntilSilence?: number;
  /** A cell that does not keep what is written to it. */
  readonly brokenCell?: number;
}

interface Answer {
  readonly status: number;
  readonly value?: number;
  readonly data?: Uint8Array;
}

export class EspRom {
  readonly flash: EspFlash;
  readonly #options: EspRomOptions;
  readonly #registers: EspRegisters;
  readonly #slip = new SlipReader();
  readonly #ram = new Map<number, number>(); // start → end of what was loaded
  #load = { address: 0, blockBytes: 0 };
  #transfer: EspTransfer | undefined;
  #isStub = false;
  #baud = 115_200;
  #blocks = 0;

  constructor(options: EspRomOptions) {
    this.#options = options;
    this.flash = new EspFlash(options.flashBytes);
    this.#registers = new EspRegisters(options.flashBytes);
  }

  get isStub(): boolean {
    return this.#isStub;
  }

  get baud(): number {
    return this.#baud;
  }

  reset(): void {
    this.#isStub = false;
    this.#transfer = undefined;
    this.#ram.clear();
    this.#baud = 115_200;
    const banner =
      'ESP-ROM:esp32s3-20210327\r\nrst:0x1 (POWERON),boot:0x0 (DOWNLOAD(USB/UART0))\r\nwaiting for download\r\n';
    this.#options.onBytes(new TextEncoder().encode(banner));
  }

  feed(bytes: Uint8Array): void {
    for (const frame of this.#slip.feed(bytes)) this.#take(frame);
  }

  #take(frame: Uint8Array): void {
    if (this.#blocks >= (this.#options.blocksUntilSilence ?? Number.POSITIVE_INFINITY)) return;
    const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
    if (frame.length < 8 || frame[0] !== 0) return;
    const [op, size, checksum] = [frame[1]!, view.getUint16(2, true), view.getUint32(4, true)];
    const data = frame.subarray(8);
    if (data.length !== size) return;
    if (op === SYNC) {
      this.#sync(data);
      return;
    }
    if (this.#baud > (this.#options.fastestBaud ?? Number.POSITIVE_INFINITY)) return;
    const { status, value = 0, data: answer = new Uint8Array(0) } = this.#answer(op, data, checksum);
    this.#send(op, value, answer, status);
    if (op === MEM_END && status === OK) this.#startStub(data);
  }

  /** A tool syncs after a reset only, which a pty cannot show: so it is one. */
  #sync(data: Uint8Array): void {
    if (data.length !== 36) return;
    if (this.#isStub) this.reset();
    for (let i = 0; i < SYNC_ANSWERS; i++) this.#send(SYNC, SYNC_VALUE, new Uint8Array(0), OK);
  }

  #answer(op: number, data: Uint8Array, checksum: number): Answer {
    const word = (index: number): number => wordAt(data, index);
    switch (op) {
      case READ_REG:
        return { status: OK, value: this.#registers.read(word(0)) };
      case WRITE_REG:
        this.#registers.write(word(0), word(1), word(2));
        return { status: OK };
      case GET_SECURITY_INFO:
        return { status: OK, data: securityInfo() };
      case SPI_ATTACH:
      case SPI_SET_PARAMS:
        return { status: OK };
      case CHANGE_BAUDRATE:
        this.#baud = word(0);
        return { status: OK };
      case MEM_BEGIN:
        this.#load = { address: word(3), blockBytes: word(2) };
        return { status: OK };
      case MEM_DATA:
        return this.#memoryBlock(data, checksum);
      case MEM_END:
        return { status: OK };
      case FLASH_BEGIN:
      case DEFL_BEGIN:
        return this.#begin(data, op === DEFL_BEGIN);
      case FLASH_DATA:
      case DEFL_DATA:
        return this.#block(data, checksum, op === DEFL_DATA);
      case FLASH_END:
      case DEFL_END:
        return this.#end();
      case SPI_FLASH_MD5:
        return this.#md5(word(0), word(1));
      case ERASE_FLASH:
        return this.#stubOnly(() => this.flash.erase(0, this.flash.bytes.length));
      case ERASE_REGION:
        return this.#stubOnly(() => this.flash.erase(word(0), word(1)));
      default:
        return { status: INVALID_MESSAGE };
    }
  }

  #memoryBlock(data: Uint8Array, checksum: number): Answer {
    const [size, sequence] = [wordAt(data, 0), wordAt(data, 1)];
    const block = data.subarray(16);
    if (block.length !== size) return { status: INVALID_MESSAGE };
    if (checksumOf(block) !== checksum) return { status: INVALID_CRC };
    const start = this.#load.address + sequence * this.#load.blockBytes;
    this.#ram.set(start, start + size);
    return { status: OK };
  }

  /** Runs only what was loaded: an entry point outside of it would be a crash. */
  #startStub(data: Uint8Array): void {
    const [stay, entry] = [wordAt(data, 0), wordAt(data, 1)];
    if (stay !== 0 || ![...this.#ram].some(([start, end]) => entry >= start && entry < end)) return;
    this.#isStub = true;
    this.#options.onBytes(encodeSlip(new TextEncoder().encode('OHAI')));
  }

  /** size, number of blocks, bytes of a block, address */
  #begin(data: Uint8Array, compressed: boolean): Answer {
    const [size, blocks, , address] = [0, 1, 2, 3].map((index) => wordAt(data, index)) as [
      number,
      number,
      number,
      number,
    ];
    if (size > 0 && !this.flash.erase(address, size)) return { status: FAILED_TO_ACT };
    this.#transfer = new EspTransfer(this.flash, address, size, blocks, compressed);
    return { status: OK };
  }

  #block(data: Uint8Array, checksum: number, compressed: boolean): Answer {
    const [size, sequence] = [wordAt(data, 0), wordAt(data, 1)];
    const block = data.subarray(16);
    this.#blocks++;
    if (block.length !== size) return { status: INVALID_MESSAGE };
    if (checksumOf(block) !== checksum) return { status: INVALID_CRC };
    if (!this.#transfer?.block(sequence, block)) return { status: compressed ? DEFLATE_ERROR : FAILED_TO_ACT };
    const cell = this.#options.brokenCell;
    if (cell !== undefined) this.flash.bytes[cell] = 0;
    return { status: OK };
  }

  #end(): Answer {
    const whole = this.#transfer?.isWhole ?? true;
    this.#transfer = undefined;
    if (!whole) return { status: FAILED_TO_ACT };
    this.#options.onFlashed?.(this.flash);
    return { status: OK };
  }

  /** The ROM answers in hexadecimal digits, the stub in bytes. */
  #md5(address: number, size: number): Answer {
    if (address + size > this.flash.bytes.length) return { status: FAILED_TO_ACT };
    const md5 = this.flash.md5(address, size);
    return { status: OK, data: this.#isStub ? new Uint8Array(md5) : new TextEncoder().encode(md5.toString('hex')) };
  }

  #stubOnly(act: () => boolean): Answer {
    if (!this.#isStub) return { status: INVALID_MESSAGE };
    return { status: act() ? OK : FAILED_TO_ACT };
  }

  /** The ROM's status takes four bytes, the stub's two. */
  #send(op: number, value: number, data: Uint8Array, status: number): void {
    const statusBytes = this.#isStub ? 2 : 4;
    const frame = new Uint8Array(8 + data.length + statusBytes);
    const view = new DataView(frame.buffer);
    frame[0] = 1;
    frame[1] = op;
    view.setUint16(2, data.length + statusBytes, true);
    view.setUint32(4, value >>> 0, true);
    frame.set(data, 8);
    if (status !== OK) frame.set([1, status], 8 + data.length);
    this.#options.onBytes(encodeSlip(frame));
  }
}

const wordAt = (data: Uint8Array, index: number): number =>
  data.length >= 4 * index + 4 ? new DataView(data.buffer, data.byteOffset, data.length).getUint32(4 * index, true) : 0;

const checksumOf = (block: Uint8Array): number => block.reduce((sum, byte) => sum ^ byte, CHECKSUM_SEED);

/** flags, flash encryption count, 7 key purposes, chip id, version of this answer: nothing is secured. */
function securityInfo(): Uint8Array {
  const info = new Uint8Array(20);
  new DataView(info.buffer).setUint32(12, CHIP_ID, true);
  return info;
}
