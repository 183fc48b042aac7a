/**
 * An Arduino's AVR on avr8js: flash with a boot loader in it that can write it, reset causes, timers, watchdog and USART0.
 * Everything happens in simulated cycles; who runs it decides how fast those pass.
 */
import { AVRADC, AVRClock, AVRTimer, AVRWatchdog, avrInstruction, CPU } from 'avr8js';
import { ThimbleError } from '../core/errors.js';
import type { HexPart } from '../core/intel-hex.js';
import type { AvrChip } from './avr-chips.js';
import { SelfProgramming, SPM } from './avr-self-programming.js';
import { AvrUsart } from './avr-usart.js';

const SLEEP = 0x9588;
const SMCR = 0x53;
const SLEEP_ENABLED = 0x01;
const MCUSR = 0x54;
const BURST_INSTRUCTIONS = 256; // between looks at line and watchdog: less than a fifth of a byte at 115,200 baud
const UNINITIALISED = 0x5a; // RAM after power-on holds anything; zeros would hide a program that counts on them

/** Bits of MCUSR: why the chip starts. */
export const resetCauses = { power: 0x01, pin: 0x02, watchdog: 0x08 } as const;

export interface AvrOptions {
  readonly clockHz: number;
  readonly baud: number; // at which bytes arrive
  onBytes(bytes: Uint8Array): void;
}

interface Running {
  readonly cpu: CPU;
  readonly usart: AvrUsart;
  readonly selfProgramming: SelfProgramming;
}

/** avr8js hides when it has something to do next. */
const nextEventOf = (cpu: CPU): number =>
  (cpu as unknown as { nextClockEvent: { cycles: number } | null }).nextClockEvent?.cycles ?? Number.POSITIVE_INFINITY;

export class AvrMachine {
  readonly #chip: AvrChip;
  readonly #options: AvrOptions;
  readonly #flash: Uint8Array;
  #bootStart: number; // the flash's end: no boot loader
  #running: Running;
  #asleep = false;
  #watchdogFired = false;
  #sent: number[] = [];

  constructor(chip: AvrChip, options: AvrOptions, bootLoader: readonly HexPart[] = []) {
    this.#chip = chip;
    this.#options = options;
    this.#flash = new Uint8Array(chip.flashBytes).fill(0xff);
    for (const { address, bytes } of bootLoader) this.#flash.set(bytes, address);
    this.#bootStart = Math.min(chip.flashBytes, ...bootLoader.map(({ address }) => address));
    this.#running = this.#start(resetCauses.power);
  }

  /** Since reset. */
  get cycles(): number {
    return this.#running.cpu.cycles;
  }

  get hasBootLoader(): boolean {
    return this.#bootStart < this.#chip.flashBytes;
  }

  /** Whether the boot loader runs, rather than the program. */
  get isBooting(): boolean {
    return 2 * this.#running.cpu.pc >= this.#bootStart;
  }

  /** Pages that were written by the boot loader since it was started. */
  get pagesWritten(): number {
    return this.#running.selfProgramming.pages;
  }

  /** A byte of flash, or of the data space (registers and RAM). */
  readFlash = (address: number): number => this.#flash[address]!;
  readData = (address: number): number => this.#running.cpu.data[address]!;

  /**
   * Writes a program as a programmer at the chip's pins does, the rest of its section erased; the boot loader stays.
   * @throws ThimbleError E_FLASH_FAILED where it would lie in the boot loader, or outside of the flash
   */
  load(parts: readonly HexPart[]): void {
    for (const { address, bytes } of parts)
      if (address + bytes.length > this.#bootStart)
        throw new ThimbleError(
          'E_FLASH_FAILED',
          `the program ends at 0x${(address + bytes.length).toString(16)}; it may take up to 0x${this.#bootStart.toString(16)}`,
          'Build it for this board: thimble build',
        );
    this.#flash.fill(0xff, 0, this.#bootStart);
    for (const { address, bytes } of parts) this.#flash.set(bytes, address);
  }

  /** What was on its way in either direction is lost. */
  reset(cause: number): void {
    this.#running = this.#start(cause);
  }

  /** Bytes for USART0. */
  feed(bytes: Uint8Array): void {
    this.#running.usart.feed(bytes);
  }

  /** Runs for a number of cycles of the processor's clock, and hands over what the program has sent. */
  run(cycles: number): void {
    const { cpu } = this.#running;
    const end = cpu.cycles + cycles;
    while (cpu.cycles < end && this.#running.cpu === cpu) {
      this.#burst(end);
      if (this.#watchdogFired) this.reset(resetCauses.watchdog);
    }
    this.#flushSent();
  }

  #burst(end: number): void {
    const { cpu, usart, selfProgramming } = this.#running;
    const { progMem } = cpu;
    const bootStart = this.#bootStart / 2;
    usart.tick();
    for (let i = 0; i < BURST_INSTRUCTIONS && cpu.cycles < end; i++) {
      if (this.#asleep) {
        this.#sleep(cpu, end);
        return;
      }
      const opcode = progMem[cpu.pc];
      if (opcode === SPM && cpu.pc >= bootStart) selfProgramming.execute();
      avrInstruction(cpu);
      if (opcode === SLEEP && cpu.data[SMCR]! & SLEEP_ENABLED) this.#asleep = true;
      this.#tick(cpu);
      if (cpu.pc >= progMem.length) cpu.pc = 0; // the counter has no more bits
    }
  }

  /** Clock events and interrupts; one of these ends sleep. */
  #tick(cpu: CPU): void {
    const { pc } = cpu;
    cpu.tick();
    if (cpu.pc !== pc) this.#asleep = false;
  }

  /** Passes the time until something is due: an interrupt wakes, and so may a byte on the line. */
  #sleep(cpu: CPU, end: number): void {
    this.#tick(cpu);
    if (!this.#asleep) return;
    const until = Math.min(nextEventOf(cpu), this.#running.usart.nextCycles, end);
    cpu.cycles = Math.max(cpu.cycles + 1, Math.ceil(until));
  }

  #start(cause: number): Running {
    const { clockHz, baud } = this.#options;
    const { usart: _, timers, watchdog, adc, ramStart, ramBytes } = this.#chip;
    const cpu = new CPU(new Uint16Array(this.#flash.buffer), ramStart + ramBytes - 0x100); // it adds 0x100 for registers
    cpu.data.fill(UNINITIALISED, ramStart);
    cpu.data[MCUSR] = cause;
    cpu.pc = this.hasBootLoader ? this.#bootStart / 2 : 0; // fuse BOOTRST
    cpu.reset = () => {
      this.#watchdogFired = true; // its only caller
    };
    for (const timer of timers) new AVRTimer(cpu, timer);
    new AVRWatchdog(cpu, watchdog, new AVRClock(cpu, clockHz));
    new AVRADC(cpu, adc);
    this.#asleep = this.#watchdogFired = false;
    this.#sent = [];
    const onByte = (byte: number) => {
      this.#sent.push(byte);
    };
    return {
      cpu,
      usart: new AvrUsart(cpu, this.#chip, { clockHz, baud, onByte }),
      selfProgramming: new SelfProgramming(cpu, this.#chip, clockHz),
    };
  }

  #flushSent(): void {
    if (this.#sent.length === 0) return;
    const bytes = Uint8Array.from(this.#sent);
    this.#sent = [];
    this.#options.onBytes(bytes);
  }
}
