import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sha256, writeEmitted } from '../../../src/pipeline/write-emitted.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'thimble-emitted-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const read = (path: string): string => readFileSync(join(folder, path), 'utf8');
const refused = expect.objectContaining({ code: 'E_FILE' });
const manifestOf = (files: unknown): void => writeFileSync(join(folder, 'thimble.json'), JSON.stringify({ files }));

describe('writeEmitted', () => {
  it('lists what it wrote, with hashes', () => {
    writeEmitted(
      folder,
      [
        { path: 'kws.h', content: 'h' },
        { path: 'sub/kws.c', content: new Uint8Array([65]) },
      ],
      { thimble: '1' },
    );
    expect(JSON.parse(read('thimble.json'))).toEqual({
      thimble: '1',
      files: [
        { path: 'kws.h', sha256: sha256('h') },
        { path: 'sub/kws.c', sha256: sha256('A') },
      ],
    });
    expect(read('sub/kws.c')).toBe('A');
  });

  it('replaces what an earlier call wrote, removes what is gone, and leaves the rest alone', () => {
    writeEmitted(
      folder,
      [
        { path: 'kws.h', content: 'old' },
        { path: 'kws.c', content: 'old' },
      ],
      {},
    );
    writeFileSync(join(folder, 'main.c'), 'mine');
    writeEmitted(folder, [{ path: 'kws.h', content: 'new' }], {});
    expect([read('kws.h'), read('main.c'), existsSync(join(folder, 'kws.c'))]).toEqual(['new', 'mine', false]);
    expect(readdirSync(folder).sort()).toEqual(['kws.h', 'main.c', 'thimble.json']);
  });

  it("refuses to write over a person's file and then changes nothing", () => {
    writeEmitted(folder, [{ path: 'kws.c', content: 'old' }], {});
    writeFileSync(join(folder, 'kws.h'), 'mine');
    const files = [
      { path: 'kws.c', content: 'new' },
      { path: 'kws.h', content: 'new' },
    ];
    expect(() => writeEmitted(folder, files, {})).toThrow(refused);
    expect([read('kws.c'), read('kws.h')]).toEqual(['old', 'mine']);
  });

  it.each(['../out.c', '/etc/passwd', 'a/../../b', '', 'a\\b', 'C:x', 'a//b', './a'])(
    'does not follow a listed path %j',
    (path) => {
      manifestOf([{ path, sha256: '' }]);
      expect(() => writeEmitted(folder, [], {})).toThrow(refused);
    },
  );

  it('does not follow links, neither as a file nor on the way', () => {
    const outside = mkdtempSync(join(tmpdir(), 'thimble-outside-'));
    writeFileSync(join(outside, 'kws.c'), 'mine');
    symlinkSync(outside, join(folder, 'sub'));
    symlinkSync(join(outside, 'kws.c'), join(folder, 'kws.c'));
    for (const path of ['sub/kws.c', 'kws.c']) {
      manifestOf([{ path }]);
      expect(() => writeEmitted(folder, [{ path, content: 'new' }], {})).toThrow(refused);
      expect(() => writeEmitted(folder, [], {})).toThrow(refused);
    }
    expect(readFileSync(join(outside, 'kws.c'), 'utf8')).toBe('mine');
    rmSync(outside, { recursive: true });
  });

  it.each(['not json', '{}', '{"files":[3]}', '[]', 'null'])('refuses a thimble.json that says %j', (text) => {
    writeFileSync(join(folder, 'thimble.json'), text);
    expect(() => writeEmitted(folder, [{ path: 'a', content: '' }], {})).toThrow(refused);
    expect(read('thimble.json')).toBe(text);
  });

  it('refuses a folder where a file belongs', () => {
    mkdirSync(join(folder, 'kws.c'));
    expect(() => writeEmitted(folder, [{ path: 'kws.c', content: '' }], {})).toThrow(refused);
  });
});
