/** The AVR machine on programs assembled by hand: self-programming, sleep, the line, resets. */
import { describe, expect, it } from 'vitest';
import { avrChip } from '../../../src/virtual/avr-chips.js';
import { AvrMachine, resetCauses } from '../../../src/virtual/avr-machine.js';

const chip = avrChip('ATmega328P');
const BOOT = 0x7e00;
const [UCSR0A, UCSR0B, UBRR0L, UDR0] = [0xc0, 0xc1, 0xc4, 0xc6];
const [SPMCSR, SMCR, MCUSR] = [0x37, 0x33, 0x34]; // I/O addresses
const [RESULT, RESULT2] = [0x200, 0x201]; // of the program, in RAM

/** The instruction set manual's encodings, as far as the programs below need them. */
const ldi = (register: number, value: number) =>
  0xe000 | ((value & 0xf0) << 4) | ((register - 16) << 4) | (value & 0xf);
const out = (address: number, register: number) => 0xb800 | ((address & 0x30) << 5) | (register << 4) | (address & 0xf);
const into = (register: number, address: number) =>
  0xb000 | ((address & 0x30) << 5) | (register << 4) | (address & 0xf);
const mov = (to: number, from: number) => 0x2c00 | ((from & 0x10) << 5) | (to << 4) | (from & 0xf);
const sts = (address: number, register: number) => [0x9200 | (register << 4), address];
const lds = (register: number, address: number) => [0x9000 | (register << 4), address];
const lpm = (register: number) => 0x9004 | (register << 4);
const [spm, sleep, sei, reti, wdr] = [0x95e8, 0x9588, 0x9478, 0x9518, 0x95a8];
const rjmp = (words: number) => 0xc000 | (words & 0xfff);
const here = rjmp(-1);

const code = (address: number, ...words: (number | number[])[]) => ({
  address,
  bytes: new Uint8Array(Uint16Array.from(words.flat()).buffer),
});
const machineWith = (bootLoader: (number | number[])[], onBytes: (bytes: Uint8Array) => void = () => {}) =>
  new AvrMachine(chip, { clockHz: 16_000_000, baud: 115_200, onBytes }, [code(BOOT, ...bootLoader)]);

/** Z = address; then one of SPM's operations right after SPMCSR was told. */
const pointTo = (address: number) => [ldi(30, address & 0xff), ldi(31, address >> 8)];
const operation = (bits: number) => [ldi(16, bits), out(SPMCSR, 16), spm];
const waitUntilDone = [into(17, SPMCSR), 0xfd10 /* sbrc r17, 0 */, rjmp(-3)];
const fillWord = (low: number, high: number) => [
  ...[ldi(18, low), mov(0, 18), ldi(18, high), mov(1, 18)],
  ...operation(0x01),
];
const ERASE = 0x03;
const WRITE = 0x05;
const READ_AGAIN = 0x11;

describe('self-programming', () => {
  const writePage = (address: number, low: number, high: number, erase = true) => [
    ...pointTo(address),
    ...(erase ? [...operation(ERASE), ...waitUntilDone] : []),
    ...fillWord(low, high),
    ...operation(WRITE),
    ...waitUntilDone,
    ...operation(READ_AGAIN),
  ];

  it('erases and writes the page that Z points into, and takes the time of the cells', () => {
    const machine = machineWith([...writePage(0x102, 0x12, 0x34), here]);
    machine.load([code(0x80, 0x1111, 0x2222), code(0x100, 0, 0, 0), code(0x180, 0x3333)]);
    machine.reset(resetCauses.pin);
    machine.run(100_000); // two pages of 4 ms are 128,000 cycles
    expect(machine.pagesWritten).toBe(1); // the cells are at it
    const before = machine.cycles;
    machine.run(100_000);
    expect(machine.cycles).toBeGreaterThan(before);
    const flash = Array.from({ length: 6 }, (_, i) => machine.readFlash(0x100 + i));
    expect(flash).toEqual([0xff, 0xff, 0x12, 0x34, 0xff, 0xff]); // what lay beside the word is erased
    expect([0x80, 0x81, 0x180].map(machine.readFlash)).toEqual([0x11, 0x11, 0x33]); // neighbours are whole
  });

  it('only clears bits of a page that was not erased', () => {
    const machine = machineWith([...writePage(0x100, 0x0f, 0xff, false), here]);
    machine.load([code(0x100, 0x3355)]);
    machine.reset(resetCauses.pin);
    machine.run(200_000);
    expect([0x100, 0x101].map(machine.readFlash)).toEqual([0x05, 0x33]);
  });

  it('does nothing when SPM comes too late behind SPMCSR', () => {
    const late = [ldi(16, ERASE), out(SPMCSR, 16), 0, 0, 0, 0, 0, 0, spm]; // nops
    const machine = machineWith([...pointTo(0x100), ...late, here]);
    machine.load([code(0x100, 0x3355)]);
    machine.reset(resetCauses.pin);
    machine.run(200_000);
    expect(machine.readFlash(0x100)).toBe(0x55);
  });

  it('does nothing for a program outside of the boot section', () => {
    const machine = machineWith([rjmp(-(BOOT / 2) - 1)]);
    machine.load([code(0, ...pointTo(0x100), ...operation(ERASE), here), code(0x100, 0x3355)]);
    machine.reset(resetCauses.pin);
    machine.run(200_000);
    expect(machine.readFlash(0x100)).toBe(0x55);
  });

  it('says by SPMCSR that the section is busy until it is enabled again', () => {
    const erase = [...pointTo(0x100), ...operation(ERASE)];
    const look = (address: number) => [into(17, SPMCSR), ...sts(address, 17)];
    const machine = machineWith([
      ...erase,
      ...look(RESULT),
      ...waitUntilDone,
      ...look(RESULT2),
      ...operation(READ_AGAIN),
      ...look(RESULT2 + 1),
      here,
    ]);
    machine.reset(resetCauses.pin);
    machine.run(200_000);
    expect([RESULT, RESULT2, RESULT2 + 1].map(machine.readData)).toEqual([0x40 | ERASE, 0x40, 0]);
  });

  it('refuses a program that would lie in the boot loader, and erases what was there before', () => {
    const machine = machineWith([here]);
    machine.load([code(0x200, 0x1234)]);
    expect(() => machine.load([code(BOOT - 2, 1, 2)])).toThrow(/ends at 0x7e02; it may take up to 0x7e00/);
    expect(machine.readFlash(0x200)).toBe(0x34);
    machine.load([code(0, 0x5678)]);
    expect([0, 0x200].map(machine.readFlash)).toEqual([0x78, 0xff]);
  });
});

describe('resets', () => {
  it('start the boot loader, which finds out why', () => {
    const machine = machineWith([into(16, MCUSR), ...sts(RESULT, 16), here]);
    for (const cause of Object.values(resetCauses)) {
      machine.reset(cause);
      machine.run(100);
      expect(machine.readData(RESULT)).toBe(cause);
      expect(machine.isBooting).toBe(true);
    }
  });

  it('come from a watchdog that nobody feeds', () => {
    const WDTCSR = 0x60;
    const arm = [ldi(16, 0x18), ...sts(WDTCSR, 16), ldi(16, 0x08), ...sts(WDTCSR, 16)]; // 16 ms
    const machine = machineWith([into(17, MCUSR), ...sts(RESULT, 17), ...arm, wdr, here]);
    machine.reset(resetCauses.pin);
    machine.run(255_000); // 16 ms are 256,000 cycles
    expect(machine.readData(RESULT)).toBe(resetCauses.pin);
    machine.run(20_000);
    machine.run(1000);
    expect(machine.readData(RESULT)).toBe(resetCauses.watchdog);
  });

  it('leave no zeros in RAM to count on', () => {
    const machine = machineWith([here]);
    expect(machine.readData(RESULT)).not.toBe(0);
  });
});

describe('the line', () => {
  const U2X_115200 = [ldi(16, 0x02), ...sts(UCSR0A, 16), ldi(16, 16), ...sts(UBRR0L, 16)];
  const receiverOn = [ldi(16, 0x18), ...sts(UCSR0B, 16)];
  const untilReceived = [...lds(17, UCSR0A), 0xff17 /* sbrs r17, 7 */, rjmp(-4)];
  const pause = [ldi(17, 40), ldi(16, 0xff), 0x950a, 0xf7f1, 0x951a, 0xf7d9]; // dec r16, brne -1, dec r17, brne -4
  const PAUSE_CYCLES = 40 * 255 * 3;
  const echo = [...untilReceived, ...lds(18, UDR0), ...sts(UDR0, 18), rjmp(-9)];

  it('brings bytes at its own speed, and keeps a few for a receiver that is not on yet', () => {
    const got: number[] = [];
    const machine = machineWith([...pause, ...U2X_115200, ...receiverOn, ...echo], (bytes) => got.push(...bytes));
    machine.feed(Uint8Array.of(100)); // a reset loses it
    machine.reset(resetCauses.pin);
    machine.feed(Uint8Array.from({ length: 100 }, (_, i) => i)); // while the program pauses
    machine.run(PAUSE_CYCLES + 16_000); // 1 ms behind the pause holds 11.5 bytes
    expect(got.length).toBeGreaterThanOrEqual(9);
    expect(got.length).toBeLessThanOrEqual(12);
    machine.run(100_000);
    expect(got).toEqual(Array.from({ length: 64 }, (_, i) => 36 + i));
  });

  it('keeps a received byte when the program writes UCSR0A and UCSR0B', () => {
    const machine = machineWith([
      ...[...U2X_115200, ...receiverOn],
      ...untilReceived,
      ...[ldi(16, 0x42), ...sts(UCSR0A, 16), ldi(16, 0x18), ...sts(UCSR0B, 16)], // clears TXC; the same bits again
      ...[...lds(17, UCSR0A), ...sts(RESULT, 17), ...lds(17, UDR0), ...sts(RESULT2, 17), here],
    ]);
    machine.reset(resetCauses.pin);
    machine.run(1000);
    machine.feed(Uint8Array.of(0x77));
    machine.run(4000);
    expect(machine.readData(RESULT) & 0xa0).toBe(0xa0); // RXC and UDRE
    expect(machine.readData(RESULT2)).toBe(0x77);
  });

  it('buffers three bytes for a program that is busy, and loses the fourth', () => {
    const got: number[] = [];
    const machine = machineWith([...U2X_115200, ...receiverOn, ...pause, ...echo], (bytes) => got.push(...bytes));
    machine.reset(resetCauses.pin);
    machine.run(200);
    machine.feed(Uint8Array.of(1, 2, 3, 4)); // in a fifth of the pause
    machine.run(100_000);
    expect(got).toEqual([1, 2, 3]);
  });

  it('wakes a sleeping program, which then runs its interrupt', () => {
    const USART_RX = 0x24; // vector, as a word address
    const machine = machineWith([rjmp(-(BOOT / 2) - 1)]);
    const main = [...U2X_115200, ldi(16, 0x98), ...sts(UCSR0B, 16), ldi(16, 1), out(SMCR, 16), sei, sleep];
    machine.load([
      code(0, rjmp(0x80 - 1)),
      code(2 * USART_RX, ...lds(17, UDR0), ...sts(RESULT, 17), reti),
      code(0x100, ...main, ldi(18, 0xaa), ...sts(RESULT2, 18), here),
    ]);
    machine.reset(resetCauses.pin);
    machine.run(1_600_000);
    const asleep = [RESULT, RESULT2].map(machine.readData);
    expect(asleep).not.toContain(0xaa);
    machine.feed(Uint8Array.of(0x33));
    machine.run(4000);
    expect([RESULT, RESULT2].map(machine.readData)).toEqual([0x33, 0xaa]);
  });
});

describe('reading program memory', () => {
  it('sees what was written', () => {
    const machine = machineWith([...pointTo(0x100), lpm(16), ...sts(RESULT, 16), here]);
    machine.load([code(0x100, 0x42)]);
    machine.reset(resetCauses.pin);
    machine.run(100);
    expect(machine.readData(RESULT)).toBe(0x42);
  });
});
