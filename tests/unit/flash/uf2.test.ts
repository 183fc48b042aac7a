import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ThimbleError } from '../../../src/core/errors.js';
import { decodeUf2, encodeUf2, RP2040_FAMILY } from '../../../src/core/uf2.js';

const image = Uint8Array.from({ length: 300 }, (_, i) => i & 0xff);
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

describe('encodeUf2', () => {
  it('writes the blocks of the published format, byte for byte', () => {
    const file = encodeUf2(image, 0x10000000, RP2040_FAMILY);
    expect(file.length).toBe(1024);
    // 'UF2\n', second magic, family flag, address, 256 bytes, block 0 of 2, family: little-endian words.
    expect(hex(file.subarray(0, 32))).toBe('5546320a57515d9e00200000000000100001000000000000' + '0200000056ff8be4');
    expect(hex(file.subarray(512, 544))).toBe('5546320a57515d9e00200000000100100001000001000000' + '0200000056ff8be4');
    expect(file.subarray(32, 288)).toEqual(image.subarray(0, 256));
    expect(file.subarray(544, 588)).toEqual(image.subarray(256));
    expect(file.subarray(588, 1020).every((byte) => byte === 0)).toBe(true); // padding
    expect(hex(file.subarray(508, 512))).toBe('306fb10a');
    expect(hex(file.subarray(1020))).toBe('306fb10a');
  });

  it('takes addresses on a page only', () => {
    expect(() => encodeUf2(image, 0x10000010, RP2040_FAMILY)).toThrow(TypeError);
  });
});

describe('decodeUf2', () => {
  const file = encodeUf2(image, 0x10000000, RP2040_FAMILY);
  const refuses = (change: (copy: Uint8Array) => Uint8Array) => {
    const thrown = (() => {
      try {
        return decodeUf2(change(file.slice()), RP2040_FAMILY);
      } catch (error) {
        return error;
      }
    })();
    expect(thrown).toBeInstanceOf(ThimbleError);
    expect((thrown as ThimbleError).code).toBe('E_FLASH_FAILED');
    return (thrown as ThimbleError).message;
  };

  it('gives back what was encoded', () => {
    const parts = decodeUf2(file, RP2040_FAMILY);
    expect(parts.map(({ address }) => address)).toEqual([0x10000000, 0x10000100]);
    expect(parts[0]!.bytes).toEqual(image.slice(0, 256));
  });

  it('says what is wrong with a damaged file', () => {
    expect(refuses((copy) => copy.subarray(0, 700))).toContain('512-byte blocks');
    expect(refuses((copy) => copy.subarray(0, 0))).toContain('0 bytes');
    expect(refuses((copy) => copy.subarray(0, 512))).toContain('1 of 2 blocks are missing');
    expect(refuses((copy) => copy.fill(0, 0, 4))).toContain('magic');
    expect(refuses((copy) => copy.fill(0, 508, 512))).toContain('magic');
    expect(refuses((copy) => copy.fill(0, 532, 533))).toContain('number 0 of 2'); // block 0 twice
    expect(refuses((copy) => copy.fill(0xff, 16, 20))).toContain('476 fit');
  });

  it('refuses a program for another chip', () => {
    expect(() => decodeUf2(encodeUf2(image, 0x10000000, 0xe48bff59), RP2040_FAMILY)).toThrow('0xe48bff56');
  });

  it('never throws anything else', () => {
    fc.assert(
      fc.property(fc.nat(1023), fc.nat(255), (at, value) => {
        const copy = file.slice();
        copy[at] = value;
        try {
          decodeUf2(copy, RP2040_FAMILY);
        } catch (error) {
          expect(error).toBeInstanceOf(ThimbleError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
