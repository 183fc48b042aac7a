/**
 * Rendered projects. Their toolchains are not here, so each is compiled with the plain C and C++ compiler against small
 * stand-ins for its framework's headers, with the definitions that its own build files give, and then talked to: the
 * whole program runs, on standard input and output in the serial line's place.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { listBoards, loadBoard } from '../../../src/boards/load-board.js';
import type { BoardSpec } from '../../../src/core/board-spec.js';
import type { Port } from '../../../src/core/port.js';
import { connect } from '../../../src/device/protocol.js';
import { emitCArray } from '../../../src/emit/c-array.js';
import { buildProject, builtProject } from '../../../src/firmware/build-project.js';
import { projectTemplateNamed, projectTemplates } from '../../../src/firmware/projects/index.js';
import type { ProjectParts } from '../../../src/firmware/projects/project.js';
import { build } from '../../../src/pipeline/build.js';
import { loadModel } from '../../../src/pipeline/load-model.js';
import { findProgram } from '../../../src/tools/find-program.js';
import { goldenModel } from '../../conformance/golden-files.js';
import { projectFolder, sharedPath, withoutShared } from '../../shared-folder.js';
import { checkEveryCommand } from './every-command.js';
import { terminalOf } from './talk.js';
import { tinyFiles, tinyGraph, tinyOutput, tinySha256 } from './tiny-model.js';

const folder = mkdtempSync(join(tmpdir(), 'thimble-projects-'));
const children: ChildProcess[] = [];
afterAll(() => {
  for (const child of children) child.kill();
  rmSync(folder, { recursive: true, force: true });
});

/** The tiny model has labels; the emitter declares them, and the value quantizer that the sketch's comment names. */
const modelFiles = tinyFiles().map((file) =>
  file.path === 'tiny.h'
    ? { ...file, content: `${file.content}extern const char *const tiny_labels[4];\n` }
    : { ...file, content: `${file.content}const char *const tiny_labels[4] = {"a", "b", "c", "d"};\n` },
);
/** A model that the stand-in of TensorFlow Lite Micro does not look into: it computes the tiny model whatever it is. */
const arrayFiles = emitCArray(
  Uint8Array.from({ length: 64 }, (_, i) => i),
  tinyGraph,
  'tiny',
);
const partsFor = (board: BoardSpec): ProjectParts => ({
  board,
  modelFiles,
  modelName: 'tiny',
  graph: tinyGraph,
  modelSha256: tinySha256,
  arrayFiles,
  hooks: true,
});
const render = (template: string, board: string, name = `${template}-${board}`) =>
  buildProject(projectTemplateNamed(template)!, partsFor(loadBoard(board)), join(folder, name));

const standIns = join(projectFolder, 'tests/unit/firmware/stand-ins');
const frameworks: Readonly<Record<string, string>> = {
  arduino: 'arduino',
  platformio: 'arduino',
  'pico-sdk': 'pico-sdk',
  'esp-idf': 'esp-idf',
  zephyr: 'zephyr',
  tflm: 'arduino',
};

/** What the project's own build files define. */
function definitionsOf(home: string, files: readonly string[]): string[] {
  const texts = files
    .filter((file) => /CMakeLists\.txt$|\.ini$/.test(file))
    .map((file) => readFileSync(join(home, file), 'utf8'));
  return texts
    .flatMap((text) => [
      ...[...text.matchAll(/target_compile_definitions\(\S+ PRIVATE ([^)]*)\)/g)].flatMap((match) =>
        match[1]!.split(/\s+/),
      ),
      ...[...text.matchAll(/^\s+-D(\S+)$/gm)].map((match) => match[1]!),
    ])
    .filter((definition) => definition !== '');
}

/** Compiles every source of the project strictly and links it with its stand-in. */
function compile(home: string, files: readonly string[], template: string): string {
  const standIn = join(standIns, frameworks[template]!);
  const sources = [
    ...files
      .filter((file) => /\.(c|cpp|ino)$/.test(file) && !file.includes('/examples/'))
      .map((file) => join(home, file)),
    ...readdirSync(standIn)
      .filter((file) => /\.(c|cpp)$/.test(file))
      .map((file) => join(standIn, file)),
  ];
  const includes = [...new Set(files.filter((file) => file.endsWith('.h')).map((file) => join(home, file, '..')))];
  const flags = [
    ...['-Wall', '-Wextra', '-Werror', '-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'],
    ...[...includes, standIn, join(standIns, 'tflm'), join(standIns, 'host')].map((path) => `-I${path}`),
    ...['-D_DEFAULT_SOURCE', ...definitionsOf(home, files).map((definition) => `-D${definition}`)],
  ];
  const objects = sources.map((source, i) => {
    const object = join(home, `stand-in-${i}.o`);
    const [compiler, standard] = /\.(cpp|ino)$/.test(source) ? ['g++', '-std=c++11'] : ['gcc', '-std=c99'];
    execFileSync(
      compiler!,
      [standard!, ...flags, ...(source.endsWith('.ino') ? ['-x', 'c++'] : []), '-c', source, '-o', object],
      { stdio: 'pipe' },
    );
    return object;
  });
  const program = join(home, 'stand-in-firmware');
  execFileSync('g++', ['-pthread', '-fsanitize=address,undefined', ...objects, '-o', program], { stdio: 'pipe' });
  return program;
}

/** The program as something to talk to, and what its LED did. */
function start(program: string) {
  const child = spawn(program, [], { stdio: 'pipe' });
  children.push(child);
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  const port: Port = {
    identity: { path: 'process', kind: 'process', origin: 'host' },
    onBytes: (listener) => {
      child.stdout.on('data', listener);
      return () => child.stdout.off('data', listener);
    },
    onClose: () => () => {},
    write: async (bytes) => {
      child.stdin.write(bytes);
    },
    close: async () => {
      child.kill();
    },
  };
  return { child, port, terminal: terminalOf(port), led: () => said };
}

const withoutCompiler = !findProgram('gcc') || !findProgram('g++');

describe.skipIf(withoutCompiler)('a rendered project, compiled with stand-ins (needs gcc and g++)', () => {
  it.each([
    ['arduino', 'xiao-esp32s3-sense', 'low'],
    ['platformio', 'xiao-esp32s3-sense', 'low'],
    ['platformio', 'teensy-40', 'high'],
    ['pico-sdk', 'rpi-pico', 'high'],
    ['pico-sdk', 'rpi-pico2', 'high'],
    ['esp-idf', 'xiao-esp32s3-sense', 'low'],
    ['esp-idf', 'esp32-devkit', 'none'],
    ['zephyr', 'rpi-pico', 'high'],
    ['zephyr', 'nucleo-f767zi', 'high'],
  ] as const)('%s for %s answers every command and acts on results', async (template, id, lit) => {
    const project = await render(template, id);
    expect(project.image).toBeNull();
    const { child, terminal, led } = start(compile(project.folder, project.files, template));
    await terminal.next();
    await checkEveryCommand(terminal, id);
    if (template === 'pico-sdk' || template === 'zephyr') {
      // They show the stack, and it was used, but not all of it.
      const [, size, used] = / stack=(\d+) stack-high=(\d+) /.exec((await terminal.send('memory%'))[0]!)!.map(Number);
      expect(used).toBeGreaterThan(100);
      expect(used).toBeLessThan(size! / 2);
      if (template === 'pico-sdk') expect((await terminal.send('memory%'))[0]).toContain(' millidegrees=20');
    }
    // 1 0 0 0 … is class 0 for ever after; then two in a row of class 2 at 3.5 light the LED, one alone does not.
    const [on, off] = lit === 'low' ? ['low', 'high'] : ['high', 'low'];
    const changes = () =>
      led()
        .trim()
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => line.replace('led ', ''));
    if (lit === 'none') expect(changes()).toEqual([]);
    else {
      // Start: off. The commands above ran class 2 again and again: on.
      await expect.poll(changes).toEqual([off, on]);
      await terminal.send('db load 8%');
      await terminal.send('db 7f7f000000000000%');
      await terminal.send('run 1%');
      expect(changes()).toEqual([off, on]);
      await terminal.send('run 1%');
      await expect.poll(changes).toEqual([off, on, off]); // its other pipe may be a little behind
    }
    child.kill();
  });

  it.skipIf(withoutShared)(
    'a keyword model in an ESP-IDF project gives TFLite Micro’s bytes (needs ../shared)',
    async () => {
      const board = loadBoard('esp32-s3-devkitc');
      const built = await build(await loadModel(sharedPath('models/kws_ref_model.tflite')), {
        board,
        template: 'esp-idf',
        folder: join(folder, 'kws'),
      });
      expect(built.image).toBeNull();
      const { child, port } = start(compile(join(folder, 'kws'), built.files, 'esp-idf'));
      const link = await connect(port);
      for (const { inputs, outputs } of goldenModel('kws_ref_model').runs.slice(0, 3)) {
        await link.loadInput(inputs[0]!);
        await link.run(1);
        expect(Buffer.from(await link.output()).equals(Buffer.from(outputs[0]!))).toBe(true);
      }
      child.kill();
    },
    60_000,
  );

  it('tflm answers every command that an interpreter can, with the bytes of the emitted C', async () => {
    const project = await render('tflm', 'nano33ble-sense');
    expect(project.next).toEqual([
      expect.stringContaining('arduino-cli'),
      'arduino-cli lib install Chirale_TensorFLowLite',
      `cd ${project.folder}`,
      'arduino-cli compile --fqbn arduino:mbed_nano:nano33ble --output-dir build tiny',
      `thimble flash ${project.folder} --board nano33ble-sense`,
    ]);
    const { child, terminal, led } = start(compile(project.folder, project.files, 'tflm'));
    await terminal.next();
    await terminal.send('db load 8%');
    await terminal.send('db 0102030405060780%');
    const input = Int8Array.of(1, 2, 3, 4, 5, 6, 7, -128);
    await terminal.send('run 2%');
    expect((await terminal.send('output%'))[0]).toBe(
      `m-output-[${Buffer.from(tinyOutput(input).buffer).toString('hex')}]`,
    );
    const hello = (await terminal.send('thimble%'))[0]!;
    expect(hello).toContain(`board=nano33ble-sense model=tiny sha256=${tinySha256} `);
    expect(hello).toContain(' inputs=8 outputs=4 layers=2 hooks=0 ');
    expect((await terminal.send('layers%'))[0]).toMatch(/^e-\[/);
    await expect.poll(led).toBe('led low\nled high\n');
    child.kill();
  });

  it('runs the model on its own where the sketch has samples, and shows labels', async () => {
    const project = await render('pico-sdk', 'rpi-pico', 'own');
    writeFileSync(
      join(project.folder, 'sketch.c'),
      `#include <stdio.h>
#include "thimble_sketch.h"
const struct thimble_decision_rules thimble_rules = {0.5f, 3u};
static int calls;
uint8_t fill_input(int8_t *input)
{
    for (int i = 0; i < 8; i++)
        input[i] = (int8_t)(calls >= 2 && i == 6 ? 100 : -1);
    return calls < 6;
}
void on_result(const struct thimble_decision *decision)
{
    calls++;
    fprintf(stderr, "%s %d %d\\n", thimble_label(decision->class_index), decision->changed, (int)decision->score);
}
`,
    );
    const { child, led, terminal } = start(compile(project.folder, project.files, 'pico-sdk'));
    await terminal.next();
    while (!led().includes('d 0 ')) await new Promise((resolve) => setTimeout(resolve, 20));
    child.kill();
    // Two of nothing sure, then class d: it counts with the third in a row, and changes once.
    const lines = led()
      .split('\n')
      .filter((line) => !line.startsWith('led') && line !== '');
    expect(lines).toEqual(['nothing 0 0', 'nothing 0 0', 'nothing 0 25', 'nothing 0 25', 'd 1 25', 'd 0 25']);
  });
});

const withoutCmake = withoutCompiler || !findProgram('cmake');

describe.skipIf(withoutCmake)('a rendered project, built by its own build files (needs cmake, gcc)', () => {
  const saved = { ...process.env };
  afterEach(() => {
    process.env = { ...saved };
  });

  it.each([
    ['pico-sdk', 'rpi-pico', 'firmware.elf'],
    ['esp-idf', 'xiao-esp32s3-sense', 'firmware.elf'],
    ['esp-idf', 'esp32-devkit', 'firmware.elf'],
    ['zephyr', 'rpi-pico2', 'zephyr.elf'],
  ] as const)(
    '%s for %s',
    async (template, id, elf) => {
      process.env['PICO_SDK_PATH'] = join(standIns, 'pico-sdk');
      process.env['IDF_PATH'] = join(standIns, 'esp-idf');
      process.env['PATH'] = `${join(standIns, 'bin')}:${saved['PATH']}`;
      const { image, next } = await render(template, id, `cmake-${template}-${id}`);
      expect(next).toEqual([]);
      expect(image!.executable.endsWith(elf)).toBe(true);
      if (template === 'pico-sdk') expect(existsSync(image!.uf2!)).toBe(true);
      expect(builtProject(loadBoard(id), join(folder, `cmake-${template}-${id}`))).toEqual(image);
      const { child, terminal } = start(image!.executable);
      await terminal.next();
      await checkEveryCommand(terminal, id);
      child.kill();
    },
    60_000,
  );
});

describe('rendering', () => {
  it('has every template in the list', () => {
    const files = readdirSync(join(projectFolder, 'src/firmware/projects'));
    const named = files
      .map((file) => file.replace('.ts', ''))
      .filter((name) => existsSync(join(projectFolder, 'firmware-templates', name)));
    expect(projectTemplates.map(({ name }) => name).sort()).toEqual(named.filter((name) => name !== 'sketch').sort());
  });

  it.each(projectTemplates.map((template) => [template.name, template] as const))(
    '%s fills every name for every board that it takes, and says why not for the others',
    (_, template) => {
      const [taken, refused] = [[] as string[], [] as string[]];
      for (const board of listBoards()) {
        const why = template.refusal(board);
        if (why !== undefined) {
          refused.push(board.id);
          expect(why).toContain(board.name.includes(' ') || why.includes(board.mcu) ? '' : board.name);
          continue;
        }
        taken.push(board.id);
        const files = template.render(partsFor(board));
        expect(new Set(files.map(({ path }) => path)).size).toBe(files.length);
        for (const { path, content } of files)
          if (typeof content === 'string') expect(content, path).not.toMatch(/@[A-Z0-9_]+@/);
        expect(files.filter(({ yours }) => yours)).toHaveLength(1);
        expect(template.commands({ board, modelName: 'tiny' })[0]!.length).toBeGreaterThan(0);
        expect(template.before?.(board) ?? 'nothing').not.toBe('');
      }
      expect(taken.length).toBeGreaterThan(1);
      expect(refused).toContain('host');
    },
  );

  it('keeps a person’s sketch, and takes away what it no longer writes', async () => {
    const first = await render('platformio', 'esp32-devkit', 'twice');
    const sketch = join(first.folder, 'src/sketch.cpp');
    writeFileSync(sketch, '// mine\n');
    writeFileSync(join(first.folder, 'notes.txt'), 'mine too\n');
    const board = loadBoard('esp32-devkit');
    const fewer = { ...partsFor(board), modelFiles: modelFiles.filter(({ path }) => path === 'tiny.h') };
    const second = await buildProject(projectTemplateNamed('platformio')!, fewer, first.folder);
    expect(second.kept).toEqual(['src/sketch.cpp']);
    expect(readFileSync(sketch, 'utf8')).toBe('// mine\n');
    expect(existsSync(join(first.folder, 'notes.txt'))).toBe(true);
    expect(existsSync(join(first.folder, 'lib/thimble/src/tiny.c'))).toBe(false);
  });

  it('finds what PlatformIO and arduino-cli leave for an ESP32, and starts the first program whatever was updated before', async () => {
    for (const [template, build, name] of [
      ['platformio', '.pio/build/xiao-esp32s3-sense', 'firmware'],
      ['tflm', 'build', 'tiny.ino'],
    ] as const) {
      const board = loadBoard('xiao-esp32s3');
      const { folder: home } = await render(template, board.id, `parts-${template}`);
      expect(builtProject(board, home)).toBeUndefined();
      mkdirSync(join(home, build), { recursive: true });
      const prefix = template === 'tflm' ? `${name}.` : '';
      for (const file of [`${name}.elf`, `${name}.bin`, `${prefix}bootloader.bin`, `${prefix}partitions.bin`])
        writeFileSync(join(home, build, file), file);
      expect(
        builtProject(board, home)?.parts?.map(({ address, path }) => [address, path.slice(home.length + 1)]),
      ).toEqual([
        [0, `${build}/${prefix}bootloader.bin`],
        [0x8000, `${build}/${prefix}partitions.bin`],
        [0xe000, 'ota_data_initial.bin'],
        [0x10000, `${build}/${name}.bin`],
      ]);
      expect(readFileSync(join(home, 'ota_data_initial.bin')).every((byte) => byte === 0xff)).toBe(true);
    }
  });

  it('says the exact next lines where the toolchain is missing', async () => {
    const { next, folder: home } = await render('esp-idf', 'esp32-s3-devkitc', 'next');
    expect(next.slice(1)).toEqual([
      'run the export.sh of ESP-IDF in this terminal',
      `cd ${home}`,
      'idf.py set-target esp32s3',
      'idf.py build',
      `thimble flash ${home} --board esp32-s3-devkitc`,
    ]);
    expect(next[0]).toContain('ESP-IDF');
  });

  it('builds with the toolchain where it is there, and finds its image', async () => {
    const bin = mkdtempSync(join(folder, 'bin-'));
    const fake = join(bin, 'idf.py');
    writeFileSync(
      fake,
      `#!/bin/sh
[ "$1" = build ] || exit 0
mkdir -p build/bootloader && echo elf > build/firmware.elf && echo app > build/firmware.bin && echo boot > build/bootloader/bootloader.bin
echo '{"flash_files": {"0x10000": "firmware.bin", "0x0": "bootloader/bootloader.bin"}}' > build/flasher_args.json
`,
      { mode: 0o755 },
    );
    const path = process.env['PATH'];
    process.env['PATH'] = `${bin}:${path}`;
    try {
      const board = loadBoard('esp32-s3-devkitc');
      const { image, next } = await render('esp-idf', board.id, 'built');
      expect(next).toEqual([]);
      const home = join(folder, 'built');
      expect(image?.parts).toEqual([
        { address: 0, path: join(home, 'build/bootloader/bootloader.bin') },
        { address: 0x10000, path: join(home, 'build/firmware.bin') },
      ]);
      expect(builtProject(board, home)).toEqual(image);
      expect(builtProject(loadBoard('esp32-devkit'), home)).toBeUndefined();
      writeFileSync(
        fake,
        `#!/bin/sh\ncat >&2 <<'END'\nld: region \`dram0_0_seg' overflowed by 4096 bytes\nEND\nexit 2\n`,
      );
      await expect(render('esp-idf', board.id, 'too-large')).rejects.toMatchObject({
        code: 'E_DOES_NOT_FIT',
        message: expect.stringContaining('4096 bytes more RAM'),
      });
      writeFileSync(fake, '#!/bin/sh\necho "fatal: nonsense" >&2\nexit 2\n');
      await expect(render('esp-idf', board.id, 'failed')).rejects.toMatchObject({ code: 'E_BUILD_FAILED' });
    } finally {
      process.env['PATH'] = path;
    }
  });
});
