/**
 * A Raspberry Pi Pico on rp2040js: its flash, the part of the boot ROM that matters, its USB or UART0, and simulated time. Every
 * instruction advances the clock by its cycles of clk_sys, so the firmware's timers and rp2040js' cycle counts agree.
 */
import { type RP2040, Simulator } from 'rp2040js';
import { BOOT2_BYTES, isBoot2 } from '../core/boot2.js';
import { ThimbleError } from '../core/errors.js';
import type { Uf2Part } from '../core/uf2.js';
import { type UsbLine, UsbSerialHost } from './usb-serial-host.js';

const FLASH_ADDRESS = 0x10000000;
const BOOT2_ADDRESS = 0x20041f00; // where the ROM copies the second boot stage: the end of RAM
const BURST_INSTRUCTIONS = 1024; // between looks at the serial line: less than a tenth of a byte at 115200 baud
const BITS_A_BYTE = 10;
const UART_FLAGS = 0x18;
const RX_FIFO_FULL = 0x40;
const TEMPERATURE_CHANNEL = 4;
const AT_27_DEGREES = 876; // of the converter's 4096 steps of 3.3 V: the sensor's 0.706 V
const AIRCR = 0xd0c;
const RESET_REQUEST = 0x05fa0004;
/** A bus reset takes 10 ms: whoever sleeps on USB is looked at for so long, in such steps. */
const BUS_SETTLES_NS = 20e6;
const BUS_STEP_NS = 50e3;
/**
 * Of the ROM, what a program finds its reset into the boot loader by (RP2040 datasheet 2.8.3): the addresses of a table and
 * of its reader, which answers with the one function there is, and that stops at a breakpoint.
 */
const rom: readonly (readonly [address: number, word: number])[] = [
  [0x14, 0x0040],
  [0x18, 0x0021],
  [0x20, 0x4770_2031], // movs r0, #0x31; bx lr
  [0x30, 0xe7fe_be00], // bkpt; b .
];

/** Which of the Pico's two links the bytes go over. A program without USB has UART0 alone. */
export type PicoLink = 'usb' | 'uart';

export class Rp2040Machine {
  readonly #flash: Uint8Array;
  readonly #onBytes: (bytes: Uint8Array) => void;
  readonly #received: number[] = []; // towards the board
  #next = 0; // index of the first of them that has not been fed
  #due = 0; // simulated nanoseconds at which the line is free for it
  #sent: number[] = [];
  #simulator: Simulator | undefined; // undefined: the ROM waits for a program
  #resetRequested = false;
  #bootRequested = false;
  #host: UsbSerialHost | undefined;
  #asleepNs = 0;
  readonly #link: PicoLink;
  /** Cycles of clk_sys since reset. */
  cycles = 0;

  constructor(flashBytes: number, onBytes: (bytes: Uint8Array) => void, link: PicoLink = 'usb') {
    this.#link = link;
    this.#flash = new Uint8Array(flashBytes).fill(0xff);
    this.#onBytes = onBytes;
  }

  /**
   * Writes a program into the flash, which is otherwise erased.
   * @throws ThimbleError E_FLASH_FAILED outside the flash, or without a second boot stage that the ROM would run
   */
  load(parts: readonly Uf2Part[]): void {
    const image = new Uint8Array(this.#flash.length).fill(0xff);
    for (const { address, bytes } of parts) {
      const offset = address - FLASH_ADDRESS;
      if (offset < 0 || offset + bytes.length > image.length)
        throw unusable(`it writes to 0x${address.toString(16)}, outside the flash`);
      image.set(bytes, offset);
    }
    if (!isBoot2(image)) throw unusable('its second boot stage has a wrong checksum: the ROM would not start it');
    this.#flash.set(image);
  }

  /** Power on: the ROM's way, with what the flash holds. */
  reset(): void {
    this.#received.length = this.#next = this.#due = this.cycles = 0;
    this.#resetRequested = this.#bootRequested = false;
    this.#simulator = this.#host = undefined;
    this.#asleepNs = 0;
    if (!isBoot2(this.#flash)) return;
    const simulator = new Simulator();
    const { rp2040 } = simulator;
    rp2040.logger = silentLogger;
    rp2040.flash.set(this.#flash);
    rp2040.sram.set(this.#flash.subarray(0, BOOT2_BYTES), BOOT2_ADDRESS - 0x20000000);
    rp2040.core.SP = BOOT2_ADDRESS;
    rp2040.core.PC = BOOT2_ADDRESS;
    rp2040.adc.channelValues[TEMPERATURE_CHANNEL] = AT_27_DEGREES;
    for (const [address, word] of rom) rp2040.bootrom[address / 4] = word;
    rp2040.onBreak = () => {
      this.#bootRequested = true;
    };
    const host = new UsbSerialHost(rp2040, (bytes) => this.#link === 'usb' && this.#sent.push(...bytes));
    this.#host = host;
    rp2040.uart[0]!.onByte = (byte) => this.#byUart(host) && this.#sent.push(byte);
    this.#watchResetRequest(rp2040);
    this.#simulator = simulator;
  }

  get microseconds(): number {
    return (this.#simulator?.clock.nanos ?? 0) / 1000;
  }

  /** What the ROM shows its drive for: there is no program, or it asked for the boot loader. */
  get inBootLoader(): boolean {
    return this.#simulator === undefined;
  }

  /** What the device called itself on USB, '' where it has not. */
  get usbId(): string {
    return this.#host?.usbId ?? '';
  }

  /** What opening and closing the USB's serial port does. */
  setLine(line: UsbLine): void {
    this.#host?.setLine(line);
    this.#asleepNs = 0;
  }

  #byUart(host: UsbSerialHost): boolean {
    return this.#link === 'uart' || !host.isEnabled;
  }

  /** Bytes for the board. Over UART0 they arrive at the baud rate that the firmware has set, in simulated time. */
  feed(bytes: Uint8Array): void {
    for (const byte of bytes) this.#received.push(byte);
  }

  /**
   * Runs for a number of instructions, or until the processor sleeps with nothing on its way.
   * @returns whether there is more to run
   * @throws ThimbleError E_ENGINE where the program does what stops the emulation
   */
  run(instructions: number): boolean {
    if (!this.#simulator) return false;
    let busy = true;
    try {
      for (let done = 0; busy && done < instructions; done += BURST_INSTRUCTIONS) busy = this.#burst(this.#simulator);
    } catch (cause) {
      throw new ThimbleError(
        'E_ENGINE',
        `the virtual Pico stopped: ${(cause as Error).message}`,
        'Start it again; if it happens every time, the firmware accesses memory in a way the chip cannot.',
        { cause },
      );
    } finally {
      this.#flushSent();
    }
    if (this.#resetRequested) this.reset();
    if (this.#bootRequested) this.#simulator = undefined;
    return busy && this.#simulator !== undefined;
  }

  #burst({ clock, rp2040: { core, uart, clkSys } }: Simulator): boolean {
    const host = this.#host!;
    if (this.#byUart(host)) this.#feedDue(uart[0]!, clock.nanos);
    else if (this.#next < this.#received.length) {
      host.feed(this.#received.splice(0).slice(this.#next));
      this.#next = this.#asleepNs = 0;
    }
    if (core.waiting && !core.checkForInterrupts()) {
      if (host.isEnabled && this.#asleepNs < BUS_SETTLES_NS) {
        clock.tick(BUS_STEP_NS);
        this.#asleepNs += BUS_STEP_NS;
        return true;
      }
      if (this.#next === this.#received.length) return false;
      clock.tick(Math.max(this.#due - clock.nanos, 1)); // asleep until the next byte arrives
      return true;
    }
    core.waiting = false;
    this.#asleepNs = 0;
    const nanosecondsPerCycle = 1e9 / clkSys;
    for (let i = 0; i < BURST_INSTRUCTIONS && !core.waiting && !this.#resetRequested && !this.#bootRequested; i++) {
      const cycles = core.executeInstruction();
      this.cycles += cycles;
      clock.tick(cycles * nanosecondsPerCycle);
    }
    return true;
  }

  /** One byte at most: bursts are much shorter than a byte on the line. A full FIFO holds the line back. */
  #feedDue(uart: RP2040['uart'][number], now: number): void {
    if (
      this.#next === this.#received.length ||
      now < this.#due ||
      !uart.enabled ||
      uart.readUint32(UART_FLAGS) & RX_FIFO_FULL
    )
      return;
    uart.feedByte(this.#received[this.#next++]!);
    this.#due = now + (BITS_A_BYTE * 1e9) / uart.baudRate;
    if (this.#next === this.#received.length) this.#received.length = this.#next = 0;
  }

  #flushSent(): void {
    if (this.#sent.length === 0) return;
    const bytes = Uint8Array.from(this.#sent);
    this.#sent = [];
    this.#onBytes(bytes);
  }

  /** rp2040js has no AIRCR, through which a program resets its chip. */
  #watchResetRequest({ ppb }: RP2040): void {
    const write = ppb.writeUint32.bind(ppb);
    ppb.writeUint32 = (offset: number, value: number) => {
      if (offset === AIRCR) this.#resetRequested ||= value >>> 0 === RESET_REQUEST;
      else write(offset, value);
    };
  }
}

/** rp2040js reports what real silicon ignores; what would fault there is an error and stops the run. */
const silentLogger: RP2040['logger'] = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: (component, message) => {
    throw new Error(`${component}: ${message}`);
  },
};

const unusable = (why: string): ThimbleError =>
  new ThimbleError('E_FLASH_FAILED', `the Pico cannot use this program: ${why}`, 'Build it again: thimble build');
