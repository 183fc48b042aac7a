import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { crc32Mpeg2, isBoot2, sealBoot2 } from '../../../src/core/boot2.js';
import { projectFolder } from '../../shared-folder.js';

describe('the second boot stage', () => {
  it('has the CRC of the catalogues: CRC-32/MPEG-2 of "123456789"', () => {
    expect(crc32Mpeg2(new TextEncoder().encode('123456789'))).toBe(0x0376e6e7);
  });

  it('is 256 bytes, sealed', () => {
    const sealed = sealBoot2(Uint8Array.of(1, 2, 3));
    expect(sealed.length).toBe(256);
    expect(isBoot2(sealed)).toBe(true);
    for (const at of [0, 100, 251, 252, 255]) {
      const damaged = sealed.slice();
      damaged[at]! ^= 1;
      expect(isBoot2(damaged), `byte ${at}`).toBe(false);
    }
    expect(isBoot2(new Uint8Array(256).fill(0xff))).toBe(false); // erased flash
    expect(() => sealBoot2(new Uint8Array(253))).toThrow(TypeError);
  });

  it('sets quad reads up without a call outside itself', () => {
    const text = readFileSync(join(projectFolder, 'firmware-templates/baremetal-arm/rp2040/boot2.S'), 'utf8');
    const called = [...text.matchAll(/^\s+bl (\w+)/gm)].map((match) => match[1]!);
    expect(called.length).toBeGreaterThan(0);
    for (const name of called) expect(text).toMatch(new RegExp(`^${name}:`, 'm'));
  });
});
