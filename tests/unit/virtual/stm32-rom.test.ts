/** The stand-in for an STM32's ROM refuses what AN3155 refuses, and keeps its flash then. */
import { expect, it } from 'vitest';
import { EspFlash } from '../../../src/virtual/esp-flash.js';
import { Stm32Rom } from '../../../src/virtual/stm32-rom.js';

const [ACK, NACK] = [0x79, 0x1f];
const address = [0x08, 0x00, 0x00, 0x10, 0x18];

function rom() {
  const flash = new EspFlash(64 * 1024);
  const said: number[] = [];
  let started = 0;
  const board = new Stm32Rom({
    ...{ productId: 0x413, flashAddress: 0x08000000, flash, sectorBytes: [16384, 16384, 16384, 16384] },
    onBytes: (bytes) => said.push(...bytes),
    onGo: () => started++,
  });
  board.reset();
  const ask = (...bytes: number[]): number[] => {
    for (const byte of bytes) board.feed(Uint8Array.of(byte)); // as slowly as a line can be
    return said.splice(0);
  };
  return { ask, flash, started: () => started };
}

it('waits for 7F, says its commands and id, and no to anything else', () => {
  const { ask } = rom();
  expect(ask(0x00, 0xff, 0x41)).toEqual([]);
  expect(ask(0x7f)).toEqual([ACK]);
  expect(ask(0x00, 0xff)).toEqual([ACK, 7, 0x31, 0x00, 0x01, 0x02, 0x11, 0x21, 0x31, 0x44, ACK]);
  expect(ask(0x02, 0xfd)).toEqual([ACK, 1, 0x04, 0x13, ACK]);
  expect(ask(0x02, 0xfc)).toEqual([NACK]);
  expect(ask(0x63, 0x9c)).toEqual([NACK]); // write protection, which this chip does not do
});

it('writes what is whole, reads it back, erases by sectors and starts the program once', () => {
  const { ask, flash, started } = rom();
  ask(0x7f);
  const data = [3, 0xde, 0xad, 0xbe, 0xef];
  const checksum = data.reduce((all, byte) => all ^ byte, 0);
  const write = [0x31, 0xce, ...address];
  expect(ask(...write, ...data, checksum ^ 1)).toEqual([ACK, ACK, NACK]);
  expect(flash.bytes[16]).toBe(0xff);
  expect(ask(...write, ...data, checksum)).toEqual([ACK, ACK, ACK]);
  expect(ask(0x11, 0xee, ...address, 3, 0xfc)).toEqual([ACK, ACK, ACK, 0xde, 0xad, 0xbe, 0xef]);
  expect(ask(0x11, 0xee, 0x20, 0, 0, 0, 0x20)).toEqual([ACK, NACK]); // RAM is not shown
  expect(ask(0x44, 0xbb, 0, 0, 0, 9, 9)).toEqual([ACK, NACK]); // there is no sector 9
  expect(ask(0x44, 0xbb, 0, 0, 0, 1, 1)).toEqual([ACK, ACK]);
  expect(flash.bytes[16]).toBe(0xde);
  expect(ask(0x44, 0xbb, 0xff, 0xff, 0)).toEqual([ACK, ACK]);
  expect(flash.bytes[16]).toBe(0xff);
  expect(ask(0x21, 0xde, 0x08, 0, 0, 0, 0x08)).toEqual([ACK, ACK]);
  expect(ask(0x00, 0xff)).toEqual([]); // the program has the line now
  expect(started()).toBe(1);
});
