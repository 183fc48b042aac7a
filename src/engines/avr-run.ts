/**
 * A program of the emulated-core harness on avr8js: an ATmega2560 with 64 KB of data space. Requests and answers pass through
 * the chip's general purpose I/O registers, as firmware-templates/emulated-core/io_avr.c has them. Its ticks are cycles.
 */
import { avrInstruction, CPU } from 'avr8js';
import { ThimbleError } from '../core/errors.js';

const FLASH_BYTES = 262_144;
const DATA_BYTES = 65_536;
const REGISTER_BYTES = 256; // which avr8js adds to the RAM it is asked for
const [DATA, STATE, TICKS] = [0x3e, 0x4a, 0x4b]; // GPIOR0 to GPIOR2
const STOPPED_OK = 1;
/** Some minutes. A program that fails does not come to its end, since nothing on an AVR traps. */
const MOST_INSTRUCTIONS = 8e9;

/**
 * @param flash the program from address 0 on
 * @returns what it answered
 * @throws ThimbleError E_BUILD_FAILED where it stops with a fault, runs out of its code, or does not end
 */
export function runOnAvr(flash: Uint8Array, requests: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(FLASH_BYTES).fill(0xff);
  bytes.set(flash);
  const cpu = new CPU(new Uint16Array(bytes.buffer), DATA_BYTES - REGISTER_BYTES);
  const answers = new ByteList();
  const end = flash.length / 2;
  let [instructions, read, state, latched] = [0, 0, 0, 0];
  cpu.readHooks[DATA] = () => requests[read++]!;
  cpu.writeHooks[DATA] = (value) => answers.push(value);
  cpu.readHooks[STATE] = () => (read < requests.length ? 1 : 0);
  cpu.writeHooks[STATE] = (value) => {
    state = value;
  };
  cpu.writeHooks[TICKS] = () => {
    latched = cpu.cycles;
  };
  cpu.readHooks[TICKS] = () => {
    const byte = latched & 0xff;
    latched = Math.floor(latched / 256);
    return byte;
  };
  for (; state === 0 && cpu.pc < end && instructions < MOST_INSTRUCTIONS; instructions++) avrInstruction(cpu);
  if (state === STOPPED_OK) return answers.bytes();
  throw new ThimbleError(
    'E_BUILD_FAILED',
    `the program on the emulated AVR did not come to its end: after ${instructions} instructions it is at 0x${(2 * cpu.pc).toString(16)}`,
    'If the model is one that Thimble made, this is a fault of Thimble: report it with the model.',
  );
}

class ByteList {
  #bytes = new Uint8Array(1024);
  #count = 0;

  push(byte: number): void {
    if (this.#count === this.#bytes.length) {
      const longer = new Uint8Array(2 * this.#count);
      longer.set(this.#bytes);
      this.#bytes = longer;
    }
    this.#bytes[this.#count++] = byte;
  }

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#count);
  }
}
