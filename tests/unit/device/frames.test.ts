import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseReadingRecord } from '../../../src/device/answers.js';
import { crc32 } from '../../../src/device/crc32.js';
import { crc16, encodeFrame, FrameReader } from '../../../src/device/frames.js';

const contents = fc.uint8Array({ minLength: 2, maxLength: 252 });
/** Many zeros, and runs around the longest that one code can announce. */
const awkward = fc.oneof(
  contents,
  fc.array(fc.constantFrom(0, 0, 1, 255), { minLength: 2, maxLength: 252 }).map((bytes) => Uint8Array.from(bytes)),
  fc.integer({ min: 2, max: 252 }).map((length) => new Uint8Array(length).fill(7)),
);

describe('frames', () => {
  it('have the CRC-16 of GENIBUS', () => expect(crc16(new TextEncoder().encode('123456789'))).toBe(0xd64e));

  it('come back as they were, in chunks of any size, and hold no zero but their end', () =>
    fc.assert(
      fc.property(fc.array(awkward, { minLength: 1, maxLength: 4 }), fc.integer({ min: 1, max: 300 }), (sent, size) => {
        const wires = sent.map(encodeFrame);
        for (const [k, wire] of wires.entries()) {
          expect(wire.indexOf(0)).toBe(wire.length - 1);
          expect(wire.length).toBe(sent[k]!.length + 4); // CRC, a code, the end: COBS adds one byte, whatever it holds
        }
        const wire = Buffer.concat(wires);
        const reader = new FrameReader();
        const got: Uint8Array[] = [];
        for (let at = 0; at < wire.length; at += size) got.push(...reader.push(wire.subarray(at, at + size)));
        expect(got.map((bytes) => [...bytes])).toEqual(sent.map((bytes) => [...bytes]));
        expect(reader.damagedFrames).toBe(0);
      }),
    ));

  it('are never taken for another frame when one byte is changed, lost or doubled; the next one is whole', () =>
    fc.assert(
      fc.property(awkward, fc.nat(), fc.integer({ min: 1, max: 255 }), (content, where, change) => {
        const wire = [...encodeFrame(content)];
        const at = where % wire.length;
        for (const damaged of [
          wire.with(at, wire[at]! ^ change),
          wire.toSpliced(at, 1),
          wire.toSpliced(at, 0, wire[at]!),
        ]) {
          const reader = new FrameReader();
          const next = Uint8Array.of(1, 2, 3);
          const got = reader.push(Uint8Array.from([...damaged, 0, ...encodeFrame(next)]));
          for (const frame of got) expect([[...content], [...next]]).toContainEqual([...frame]);
          expect([...got.at(-1)!]).toEqual([...next]);
        }
      }),
      { numRuns: 300, seed: 3 }, // one of 65,536 changes passes a CRC-16; none of these does
    ));

  it('longer than any are forgotten, and take no memory', () => {
    const reader = new FrameReader();
    for (let k = 0; k < 100; k++) expect(reader.push(new Uint8Array(10_000).fill(255))).toEqual([]);
    expect(reader.push(Uint8Array.of(0))).toEqual([]);
    expect(reader.damagedFrames).toBe(1);
    expect(reader.push(encodeFrame(Uint8Array.of(9, 9)))).toEqual([Uint8Array.of(9, 9)]);
  });
});

describe('a reading in the binary mode', () => {
  const record = new Uint8Array(26);
  const view = new DataView(record.buffer);
  [7, 0xfffffff0, 0x20, 5].forEach((word, k) => {
    view.setUint32(4 * k, word, true);
  });
  view.setUint16(16, 300, true);
  view.setFloat32(18, -1.5, true);
  view.setUint32(22, crc32(record.subarray(0, 22)), true);

  it('is what its words say', () =>
    // Ticks are those before the inference and those in it, modulo 2^32.
    expect(parseReadingRecord(record)).toEqual({
      ...{ seq: 7, ticks: 0x10, class: 300, score: -1.5, pre: 0xfffffff0, post: 5 },
    }));

  it('is none with any bit changed, or of another length', () => {
    for (let bit = 0; bit < 8 * record.length; bit++)
      expect(parseReadingRecord(record.with(bit >> 3, record[bit >> 3]! ^ (1 << (bit & 7))))).toBeUndefined();
    expect(parseReadingRecord(record.subarray(0, 25))).toBeUndefined();
  });
});
