/**
 * SPM, the instruction by which a boot loader writes the flash it lies in: avr8js decodes it and does nothing. Data sheet
 * DS40002061, chapter 27 (self-programming): a page buffer that is filled word by word, pages that are erased and
 * written, and a section that cannot be read until that is over.
 */
import type { CPU } from 'avr8js';
import type { AvrChip } from './avr-chips.js';

export const SPM = 0x95e8;

const SPMCSR = 0x57;
const RAMPZ = 0x5b;
const Z = 30;
const ENABLE = 0x01;
const ERASE = 0x02;
const WRITE = 0x04;
const READ_AGAIN = 0x10; // RWWSRE
const BUSY_SECTION = 0x40; // RWWSB
const ARMED_CYCLES = 6; // four behind the store, which takes up to two itself
const PAGE_MICROSECONDS = 4000; // data sheet: 3.7 to 4.5 ms to erase or write a page

export class SelfProgramming {
  readonly #cpu: CPU;
  readonly #chip: AvrChip;
  readonly #pageCycles: number;
  readonly #buffer: Uint8Array;
  #command = 0; // what SPMCSR was told last
  #until = 0; // cycles at which that lapses, or is done
  #sectionBusy = false;
  /** Pages written since reset. */
  pages = 0;

  constructor(cpu: CPU, chip: AvrChip, clockHz: number) {
    this.#cpu = cpu;
    this.#chip = chip;
    this.#pageCycles = (PAGE_MICROSECONDS * clockHz) / 1e6;
    this.#buffer = new Uint8Array(chip.pageBytes).fill(0xff);
    cpu.writeHooks[SPMCSR] = (value) => {
      if (!this.#isPending()) {
        this.#command = value & ~BUSY_SECTION;
        this.#until = cpu.cycles + ARMED_CYCLES;
      }
      return true;
    };
    cpu.readHooks[SPMCSR] = () => (this.#isPending() ? this.#command : 0) | (this.#sectionBusy ? BUSY_SECTION : 0);
  }

  #isPending(): boolean {
    return (this.#command & ENABLE) !== 0 && this.#cpu.cycles < this.#until;
  }

  /** Executes SPM, but for advancing the program counter: only the boot section may, and only right after SPMCSR. */
  execute(): void {
    if (!this.#isPending()) return;
    const cpu = this.#cpu;
    const operation = this.#command & (ERASE | WRITE | READ_AGAIN);
    const address = ((cpu.data[RAMPZ]! << 16) | cpu.dataView.getUint16(Z, true)) % this.#chip.flashBytes;
    const { pageBytes } = this.#chip;
    const page = address - (address % pageBytes);
    if (operation === 0) this.#fill((address % pageBytes) & ~1);
    else if (operation === READ_AGAIN) this.#sectionBusy = false;
    else if (operation === ERASE) cpu.progBytes.fill(0xff, page, page + pageBytes);
    else if (operation === WRITE) {
      // Writing only clears bits: a page that nobody erased keeps the zeros that it had.
      for (let i = 0; i < pageBytes; i++) cpu.progBytes[page + i]! &= this.#buffer[i]!;
      this.#buffer.fill(0xff);
      this.pages++;
    }
    if (operation === ERASE || operation === WRITE) this.#takeTime(page);
    else this.#command = 0;
  }

  #fill(offset: number): void {
    this.#buffer[offset] = this.#cpu.data[0]!;
    this.#buffer[offset + 1] = this.#cpu.data[1]!;
  }

  /** The processor goes on while a page below the boot section is busy, and stands still for one of its own. */
  #takeTime(page: number): void {
    if (page >= this.#chip.nrwwStart) {
      this.#cpu.cycles += this.#pageCycles;
      this.#command = 0;
      return;
    }
    this.#sectionBusy = true;
    this.#until = this.#cpu.cycles + this.#pageCycles;
  }
}
