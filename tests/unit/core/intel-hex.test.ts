import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { decodeIntelHex } from '../../../src/core/intel-hex.js';
import { onPath } from '../../../src/virtual/child-process.js';

const folder = mkdtempSync(join(tmpdir(), 'thimble-hex-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('Intel HEX', () => {
  it.skipIf(!onPath('objcopy'))('reads what objcopy writes, across 64 KiB (needs objcopy)', () => {
    const bytes = Uint8Array.from({ length: 70_001 }, (_, i) => (i * 31) >> 3);
    const [bin, hex] = [join(folder, 'a.bin'), join(folder, 'a.hex')];
    writeFileSync(bin, bytes);
    execFileSync('objcopy', ['-I', 'binary', '-O', 'ihex', '--change-addresses', '0x8004000', bin, hex]);
    const runs = decodeIntelHex(readFileSync(hex, 'latin1'));
    expect(runs).toHaveLength(1);
    expect(runs[0]!.address).toBe(0x8004000);
    expect(Buffer.from(runs[0]!.bytes).equals(Buffer.from(bytes))).toBe(true);
  });

  it.each([
    ['a changed digit', ':0300300002337A1F\n:00000001FF', 'checksum of line 1'],
    ['a cut line', ':0300300002337A\n:00000001FF', 'line 1 is not as long'],
    ['a missing end', ':0300300002337A1E', 'end record is missing'],
    ['other text', 'ELF', 'line 1 is no record'],
    ['nothing', '', 'end record is missing'],
    ['more behind the end', ':00000001FF\n:0300300002337A1E', 'line 2 stands behind'],
  ])('refuses %s', (_, text, words) => {
    expect(() => decodeIntelHex(text)).toThrow(words);
    expect(() => decodeIntelHex(':0300300002337A1E\r\n:00000001FF\r\n')).not.toThrow();
  });
});
