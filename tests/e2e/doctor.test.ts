import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { projectFolder } from '../shared-folder.js';
import { runCli } from './run-cli.js';

const recorded = (name: string) => join(projectFolder, 'tests/unit/tools/recorded', `${name}.txt`);

it('doctor shows a table, a fix for all that is not well, and one JSON document', async () => {
  const result = await runCli(['doctor', '--board', 'teensy-40', '--json']);
  const findings = JSON.parse(result.stdout) as { what: string; state: string; fix: string | null }[];
  expect(findings.map(({ what }) => what)).toEqual(expect.arrayContaining(['Node.js', 'pio', 'teensy_loader_cli']));
  for (const { state, fix } of findings) expect(fix === null).toBe(state === 'ok');
  const table = await runCli(['doctor', '--board', 'teensy-40']);
  expect(table.stdout).toContain('needed for');
  for (const { what, fix } of findings) if (fix !== null) expect(table.stdout).toContain(`${what}: ${fix}`);
});

it('doctor explains what a tool said, from a file and from a pipe', async () => {
  const fromFile = await runCli(['doctor', '--explain', recorded('ld-ram')]);
  expect(fromFile.stdout).toContain('the firmware needs 201696 bytes more RAM than the board has');
  expect(fromFile.code).toBe(0);
  const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  const fromPipe = spawnSync(
    process.execPath,
    ['--import', loader, join(projectFolder, 'src/cli.ts'), 'doctor', '--explain', '-', '--json'],
    { input: readFileSync(recorded('avrdude-silent')), encoding: 'utf8' },
  );
  expect(JSON.parse(fromPipe.stdout)).toMatchObject({ id: 'avrdude-not-in-sync', code: 'E_FLASH_FAILED' });
  const unknown = await runCli(['doctor', '--explain', join(projectFolder, 'package.json')]);
  expect(unknown.code).toBe(2);
  expect(unknown.stderr).toContain('no known failure');
});
