/** USART0 on avr8js, with what its model does otherwise than the chip put right, and bytes that arrive at the line's speed. */
import { AVRUSART, type CPU } from 'avr8js';
import type { AvrChip } from './avr-chips.js';

const RECEIVED = 0x80; // UCSRA: RXC
const SENT = 0x40; // TXC, which a program clears by writing 1
const READ_ONLY = 0xbc; // RXC, UDRE, FE, DOR, UPE
const RECEIVER_ON = 0x10; // UCSRB: RXEN
const BITS_A_BYTE = 10;
const BEHIND_FIRST = 2; // a second byte in the buffer, and a third in the shift register
const BRIDGE_BYTES = 64; // what is kept for a receiver that is off

export class AvrUsart {
  readonly #cpu: CPU;
  readonly #usart: AVRUSART;
  readonly #chip: AvrChip;
  readonly #byteCycles: number; // on the line, at the board's speed
  readonly #waiting: number[] = []; // bytes on their way to the chip
  readonly #buffered: number[] = []; // received, behind the one that the program would read now
  #next = 0; // index of the first of #waiting
  #due = 0; // cycles at which that has arrived

  constructor(cpu: CPU, chip: AvrChip, options: { clockHz: number; baud: number; onByte(byte: number): void }) {
    this.#cpu = cpu;
    this.#chip = chip;
    this.#usart = new AVRUSART(cpu, chip.usart, options.clockHz);
    this.#usart.onByteTransmit = options.onByte;
    this.#byteCycles = (BITS_A_BYTE * options.clockHz) / options.baud;
    keepFlags(cpu, chip.usart);
    this.#bufferReceived(chip.usart);
  }

  feed(bytes: Uint8Array): void {
    if (this.#next === this.#waiting.length) {
      this.#waiting.length = this.#next = 0;
      this.#due = Math.max(this.#due, this.#cpu.cycles + this.#byteCycles);
    }
    for (const byte of bytes) this.#waiting.push(byte);
  }

  /** When the next byte will have arrived; infinite while none is on its way. */
  get nextCycles(): number {
    return this.#next < this.#waiting.length ? this.#due : Number.POSITIVE_INFINITY;
  }

  /**
   * To be called several times a byte. A program that reads too late loses bytes as on the chip. But a few wait until the
   * receiver is on: behind a reset they may come early, since nothing keeps the times of a busy computer.
   */
  tick(): void {
    if (this.#cpu.cycles < this.nextCycles) return;
    if (!this.#usart.rxEnable) {
      this.#next = Math.max(this.#next, this.#waiting.length - BRIDGE_BYTES);
      this.#due = this.#cpu.cycles + this.#byteCycles;
      return;
    }
    const byte = this.#waiting[this.#next++]!;
    this.#due += this.#byteCycles;
    if (!(this.#cpu.data[this.#chip.usart.UCSRA]! & RECEIVED)) this.#usart.writeByte(byte, true);
    else if (this.#buffered.length < BEHIND_FIRST) this.#buffered.push(byte);
  }

  /** avr8js keeps one byte, and overwrites it with the next. */
  #bufferReceived({ UDR }: AvrChip['usart']): void {
    const read = this.#cpu.readHooks[UDR]!;
    this.#cpu.readHooks[UDR] = (address) => {
      const byte = read(address);
      const next = this.#buffered.shift();
      if (next !== undefined) this.#usart.writeByte(next, true);
      return byte;
    };
  }
}

/** avr8js clears flags that a program can only read, and forgets a received byte when UCSRB is written. */
function keepFlags(cpu: CPU, { UCSRA, UCSRB }: AvrChip['usart']): void {
  const writeA = cpu.writeHooks[UCSRA]!;
  cpu.writeHooks[UCSRA] = (value, old, address, mask) => {
    writeA(value, old, address, mask);
    cpu.data[UCSRA]! |= old & (value & SENT ? READ_ONLY : READ_ONLY | SENT);
    return true;
  };
  const writeB = cpu.writeHooks[UCSRB]!;
  cpu.writeHooks[UCSRB] = (value, old, address, mask) => {
    const received = cpu.data[UCSRA]! & RECEIVED;
    writeB(value, old, address, mask);
    if (received && value & RECEIVER_ON && !(cpu.data[UCSRA]! & RECEIVED)) {
      cpu.data[UCSRA]! |= RECEIVED;
      writeB(value, old & ~RECEIVER_ON, address, mask); // once more, so that it interrupts if it may
    }
    return true;
  };
}
