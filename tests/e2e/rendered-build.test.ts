/** thimble build for boards whose toolchain is not here, as a person meets it. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { projectFolder } from '../shared-folder.js';
import { runCli } from './run-cli.js';

const folder = mkdtempSync(join(tmpdir(), 'thimble-rendered-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const model = join(folder, 'small', 'model.tflite');
beforeAll(async () => {
  const sine = join(projectFolder, 'examples', 'sine');
  const args = ['compress', join(sine, 'model.json'), '--data', join(sine, 'sine.npz'), '-o', join(folder, 'small')];
  expect((await runCli(args)).stderr).not.toContain('error[');
});
/** Without any toolchain, wherever these tests run. */
const env = { PATH: '/usr/bin:/bin', PICO_SDK_PATH: '', IDF_PATH: '' };

it('renders, says the next lines, and flash says them too', async () => {
  const project = join(folder, 'xiao');
  const built = await runCli(
    ['build', model, '--board', 'xiao-esp32s3', '--template', 'esp-idf', '-o', project, '--json'],
    { env },
  );
  expect(built.code).toBe(0);
  const document = JSON.parse(built.stdout) as { image: unknown; template: string; next: string[]; files: string[] };
  expect(document).toMatchObject({ image: null, template: 'esp-idf' });
  expect(document.next).toEqual(expect.arrayContaining([`cd ${project}`, 'idf.py set-target esp32s3', 'idf.py build']));
  for (const file of document.files) expect(existsSync(join(project, file)), file).toBe(true);
  const flashed = await runCli(['flash', project, '--board', 'xiao-esp32s3'], { env });
  expect(flashed.code).toBe(2);
  expect(flashed.stderr).toContain('was rendered, but never built');
  const wrong = await runCli(['flash', project, '--board', 'pico'], { env });
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toContain('is a project for "xiao-esp32s3-sense"');
});

it('refuses a template that does not fit the board, and one that does not exist', async () => {
  const refused = await runCli(['build', model, '--board', 'teensy-40', '--template', 'esp-idf'], { env, cwd: folder });
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain('ESP-IDF builds for chips of Espressif');
  const unknown = await runCli(['build', model, '--board', 'teensy-40', '--template', 'make'], { env, cwd: folder });
  expect(unknown.stderr).toMatch(/platformio.*tflm.*zephyr/);
  expect(existsSync(join(folder, '.thimble'))).toBe(false);
});
