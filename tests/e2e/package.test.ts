/** What npm would publish, unpacked elsewhere: the command must find its boards, templates and kernels there. */
import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { onPath } from '../../src/virtual/child-process.js';
import { projectFolder } from '../shared-folder.js';
import { writeModel, writeSamples } from './sample-model.js';

const folder = mkdtempSync(join(tmpdir(), 'thimble-pack-test-'));
const home = join(folder, 'elsewhere');
const bin = join(home, 'node_modules', '.bin', 'thimble');
const thimble = (...args: string[]) => execFileSync(bin, args, { cwd: home, encoding: 'utf8' });
afterAll(() => rmSync(folder, { recursive: true, force: true }));

beforeAll(() => {
  const npm = (cwd: string, ...args: string[]) =>
    execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  npm(projectFolder, 'pack', '--pack-destination', folder); // builds first: prepack
  const tarball = readdirSync(folder).find((file) => file.endsWith('.tgz'))!;
  const installed = join(home, 'node_modules', 'thimble');
  mkdirSync(join(home, 'node_modules', '.bin'), { recursive: true });
  execFileSync('tar', ['-xzf', join(folder, tarball), '-C', join(home, 'node_modules')]);
  execFileSync('mv', [join(home, 'node_modules', 'package'), installed]);
  symlinkSync(join(projectFolder, 'node_modules'), join(installed, 'node_modules')); // its dependencies, without fetching them
  symlinkSync(join('..', 'thimble', 'dist', 'cli.js'), bin);
}, 180_000);

describe('the package', () => {
  it('has an executable command and everything that it needs beside it', () => {
    const installed = join(home, 'node_modules', 'thimble');
    accessSync(join(installed, 'dist', 'cli.js'), constants.X_OK);
    for (const file of [
      'LICENSE',
      'README.md',
      'CHANGELOG.md',
      'boards/rpi-pico.json',
      'firmware-templates/runtime/thimble_base.h',
      'firmware-templates/baremetal-arm',
      'dist/ops/conv_2d/thimble_conv_2d_s8.h',
      'examples/digits/model.json',
      'dist/index.d.ts',
    ])
      expect(existsSync(join(installed, file)), file).toBe(true);
    expect(existsSync(join(installed, 'src'))).toBe(false);
  });

  it('works: boards, compress, emit', () => {
    expect(JSON.parse(thimble('boards', '--json')).map(({ id }: { id: string }) => id)).toContain('rpi-pico');
    thimble('compress', writeModel(home), '--data', writeSamples(home), '-o', 'small', '--quiet');
    thimble('emit', 'small/model.tflite', '--name', 'small', '-o', 'c');
    expect(existsSync(join(home, 'c', 'small.h'))).toBe(true);
  });

  it.skipIf(!onPath('arm-none-eabi-gcc'))('builds a firmware from its own templates', () => {
    thimble('build', 'small/model.tflite', '--board', 'pico', '-o', 'firmware', '--quiet');
    expect(existsSync(join(home, 'firmware', 'build', 'firmware.uf2'))).toBe(true);
  });

  it('is a library too', () => {
    const script =
      "import { listBoards, ThimbleError } from 'thimble'; console.log(listBoards().length > 2 && new ThimbleError('E_USAGE', 'x', 'y').code)";
    expect(
      execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd: home, encoding: 'utf8' }).trim(),
    ).toBe('E_USAGE');
  });
});
