/** The Arduino project, compiled with Debian's core by the recipes of its platform.txt, on the virtual Uno and Mega. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadBoard } from '../../src/boards/load-board.js';
import { buildProject, builtProject } from '../../src/firmware/build-project.js';
import { projectTemplateNamed } from '../../src/firmware/projects/index.js';
import { onPath } from '../../src/virtual/child-process.js';
import { openVirtualBoard } from '../../src/virtual/index.js';
import { projectFolder } from '../shared-folder.js';
import { checkEveryCommand } from '../unit/firmware/every-command.js';
import { terminalOf } from '../unit/firmware/talk.js';
import { tinyFiles, tinyGraph, tinySha256 } from '../unit/firmware/tiny-model.js';

const folder = mkdtempSync(join(tmpdir(), 'thimble-arduino-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = process.env['PATH'];
beforeEach(() => {
  process.env['PATH'] = `${join(projectFolder, 'tests/unit/firmware/stand-ins/debian-arduino')}:${path}`;
});
afterEach(() => {
  process.env['PATH'] = path;
});
const missing = [
  ...['avr-g++'].filter((tool) => !onPath(tool)),
  ...(existsSync('/usr/share/arduino/hardware/arduino/avr') ? [] : ['arduino-core-avr']),
];

/** The tiny model has labels, which the emitter would declare. */
const modelFiles = tinyFiles().map(({ path: file, content }) => ({
  path: file,
  content: `${content}${file === 'tiny.h' ? 'extern const char *const tiny_labels[4];\n' : 'const char *const tiny_labels[4] = {"a", "b", "c", "d"};\n'}`,
}));
const render = (id: string, home: string) =>
  buildProject(
    projectTemplateNamed('arduino')!,
    {
      ...{ board: loadBoard(id), modelFiles, modelName: 'tiny', graph: tinyGraph },
      ...{ modelSha256: tinySha256, arrayFiles: [], hooks: true },
    },
    home,
  );

describe.skipIf(missing.length > 0)(`an Arduino sketch${missing.length ? ` (needs ${missing})` : ''}`, () => {
  it.each([
    ['arduino-uno', 2048],
    ['arduino-mega2560', 8192],
  ] as const)('%s: answers every command, and shows its memory', { timeout: 120_000 }, async (id, ramBytes) => {
    const home = join(folder, id);
    const { image, next } = await render(id, home);
    expect(next).toEqual([]);
    expect(builtProject(loadBoard(id), home)).toEqual(image);
    expect(image!.size!.stackBytes).toBe(loadBoard(id).reserved.stackBytes);
    const board = await openVirtualBoard(loadBoard(id));
    try {
      const terminal = terminalOf(board.port);
      const boot = terminal.next();
      await board.load(image!.hex!);
      await boot;
      await checkEveryCommand(terminal, id, false);
      const [memory] = await terminal.send('memory%');
      const { stack, high } = / stack=(?<stack>\d+) stack-high=(?<high>\d+) /.exec(memory!)!.groups!;
      expect(Number(stack)).toBe(ramBytes - image!.size!.ramBytes);
      expect(Number(high)).toBeGreaterThan(50);
      expect(Number(high)).toBeLessThan(loadBoard(id).reserved.stackBytes);
    } finally {
      await board.close();
    }
  });

  it('gives samples and results to the sketch, with labels, threshold and debounce', { timeout: 120_000 }, async () => {
    const home = join(folder, 'own');
    await render('arduino-uno', home);
    const sketch = join(home, 'tiny', 'tiny.ino');
    const text = readFileSync(sketch, 'utf8');
    expect(text).toContain('0.5f, /* the least score that counts */');
    // Two inferences below the threshold, then class d four times in a row; a debounce of three.
    const own = text
      .replace('2u, /* inferences', '3u, /* inferences')
      .replace(
        /\{\n {4}\(void\)input;\n {4}return 0u;\n\}/,
        () => `{
    for (int i = 0; i < 8; i++)
        input[i] = (int8_t)(calls >= 2 && i == 6 ? 100 : -1);
    return calls < 6;
}`,
      )
      .replace(
        '    if (decision->changed)',
        () => `    calls++;
    Serial.print(thimble_label(decision->class_index));
    Serial.print(' ');
    Serial.println(decision->changed);
    if (decision->changed)`,
      )
      .replace('/*\n * Return 1', 'static int calls;\n\n/*\n * Return 1');
    writeFileSync(sketch, own);
    const { image, kept } = await render('arduino-uno', home);
    expect(kept).toEqual(['tiny/tiny.ino']);
    const board = await openVirtualBoard(loadBoard('arduino-uno'));
    try {
      let said = '';
      board.port.onBytes((bytes) => {
        said += Buffer.from(bytes).toString('latin1');
      });
      await board.load(image!.hex!);
      await expect
        .poll(() => said.split('m-ready\r\n')[1], { timeout: 20_000 })
        .toBe('nothing 0\r\nnothing 0\r\nnothing 0\r\nnothing 0\r\nd 1\r\nd 0\r\n');
    } finally {
      await board.close();
    }
  });
});

describe('the Arduino library', () => {
  it('is the same as a folder and as a .zip, and brings the sketch as an example', async () => {
    process.env['PATH'] = '/usr/bin:/bin';
    const home = join(folder, 'rendered');
    const { files } = await render('nano33ble-sense', home);
    const zip = unzipSync(readFileSync(join(home, 'thimble_tiny.zip')));
    const unpacked = files.filter((file) => file.startsWith('libraries/'));
    expect(Object.keys(zip).sort()).toEqual(unpacked.map((file) => file.replace('libraries/', '')).sort());
    for (const file of unpacked)
      expect(Buffer.from(zip[file.replace('libraries/', '')]!), file).toEqual(readFileSync(join(home, file)));
    expect(Buffer.from(zip['thimble_tiny/examples/tiny/tiny.ino']!)).toEqual(readFileSync(join(home, 'tiny/tiny.ino')));
    const again = join(folder, 'again');
    await render('nano33ble-sense', again);
    expect(readFileSync(join(again, 'thimble_tiny.zip')).equals(readFileSync(join(home, 'thimble_tiny.zip')))).toBe(
      true,
    );
    if (onPath('unzip')) execFileSync('unzip', ['-tq', join(home, 'thimble_tiny.zip')]); // somebody else's opinion
  });
});
