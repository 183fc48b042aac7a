/** The command line as a person meets it: the whole way with a tiny model, and every way to go wrong. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createProgram } from '../../src/cli/main.js';
import { verbs } from '../../src/cli/verbs/index.js';
import { onPath } from '../../src/virtual/child-process.js';
import { runCli, startCli } from './run-cli.js';
import { brightnessGraph, writeModel, writeSamples } from './sample-model.js';

const folder = mkdtempSync(join(tmpdir(), 'thimble-cli-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const names = createProgram(new AbortController().signal).commands.map((command) => command.name());

let model: string;
let samples: string;
let int8: string;
beforeAll(async () => {
  model = writeModel(folder);
  samples = writeSamples(folder);
  int8 = join(folder, 'small', 'model.tflite');
  const { code, stderr } = await runCli(['compress', model, '--data', samples, '-o', join(folder, 'small')]);
  expect(stderr + code).toMatch(/0$/);
});

/** One JSON document and nothing else, without colours. */
const jsonOf = (stdout: string) => {
  expect(stdout).not.toContain('\u001b[');
  return JSON.parse(stdout);
};

describe('the command line', () => {
  it('has an example in the help of every verb', () => {
    expect(names).toHaveLength(verbs.length);
    for (const command of createProgram(new AbortController().signal).commands) {
      let help = '';
      command.configureOutput({ writeOut: (text) => (help += text) });
      command.outputHelp();
      expect(help, command.name()).toMatch(/Examples?:\n {2}thimble /);
    }
  });

  it('compresses: the model, a report with every figure, the same bytes for the same seed', async () => {
    const report = JSON.parse(readFileSync(join(folder, 'small', 'report.json'), 'utf8'));
    expect(report).toMatchObject({ seed: 1, recipe: { name: 'a8w8' }, data: { calibrationSamples: 40 } });
    expect(
      report.stages.map(({ stage, accuracy }: { stage: string; accuracy: { value: number } }) => [
        stage,
        accuracy.value,
      ]),
    ).toEqual([
      ['float32', 1],
      ['int8', 1],
    ]);
    const again = await runCli(['--json', 'compress', model, '--data', samples, '-o', join(folder, 'again')]);
    expect(jsonOf(again.stdout).result.sha256).toBe(report.result.sha256);
  });

  it('prunes channels out of the model and fine-tunes', async () => {
    const { stdout, code } = await runCli([
      '--json',
      'compress',
      model,
      '--data',
      samples,
      '--prune',
      'channels=0.5',
      '--epochs',
      '1',
      '--scale',
      '0.01',
      '-o',
      join(folder, 'pruned'),
    ]);
    expect(code).toBe(0);
    const { stages, recipe } = jsonOf(stdout);
    expect(recipe.name).toBe('prune50-a8w8');
    expect(stages.map(({ stage }: { stage: string }) => stage)).toEqual(['float32', 'pruned', 'int8']);
    expect(stages[2].parameters).toBe(2 * 9 + 2 + 2 * 2 + 2); // two of four channels left
  });

  it('reconciles the engines: reference and C to the byte, the TFLite runtime by class', async () => {
    const { stdout } = await runCli([
      '--json',
      'compare',
      model,
      int8,
      '--data',
      samples,
      '--engine',
      'reference,c,tflite,device',
      '--board',
      'host',
      '--port',
      'virtual',
    ]);
    const { rows } = jsonOf(stdout);
    const of = (kind: string, engine: string) =>
      rows.find((row: { kind: string; engine: string }) => row.kind === kind && row.engine === engine);
    expect(rows).toHaveLength(6);
    expect([of('int8', 'c'), of('int8', 'device')].map((row) => [row.largestDifference, row.n])).toEqual([
      [0, 40],
      [0, 40],
    ]);
    for (const row of rows) expect(row.sameClass.value).toBe(1);
    expect(of('float32', 'tflite').largestDifference).toBeLessThan(1e-4);
  });

  it('compares: every figure of a classifier, fake quantization between float and int8, too few samples said so', async () => {
    const args = ['compare', model, int8, '--data', samples, '--engine', 'reference,fake-quant', '--classes'];
    const { rows, data } = jsonOf((await runCli(['--json', ...args])).stdout);
    expect(data.labels).toEqual(['bright', 'dark']);
    expect(rows.map(({ kind, engine }: { kind: string; engine: string }) => `${kind} ${engine}`)).toEqual([
      'float32 reference',
      'int8 reference',
      'int8 fake-quant',
    ]);
    for (const { quality } of rows) expect(quality).toMatchObject({ macroF1: 1, auc: 1 });
    expect(rows[0].versusFirst).toBeNull();
    expect(rows[1].versusFirst).toMatchObject({ onlyFirst: 0, onlySecond: 0, p: 1, verdict: 'too few samples' });
    expect(rows[2].largestDifference).toBeLessThanOrEqual(1); // int8 steps
    const { stdout } = await runCli(args);
    for (const part of ['macro F1', 'n = 40 is too small to tell', 'McNemar', 'precision', 'taken for'])
      expect(stdout).toContain(part);
  });

  it('explains: what int8 does to each layer, in three views', async () => {
    const args = ['explain', model, '--data', samples, '--samples', '8', '--calibration', '16'];
    const { layers, ...rest } = jsonOf((await runCli(['--json', ...args])).stdout);
    expect(rest).toMatchObject({ seed: 1, recipe: { name: 'a8w8' }, calibrationSamples: 16, samples: 8 });
    expect(layers.map(({ op }: { op: string }) => op)).toEqual(['conv_2d', 'mean', 'fully_connected', 'softmax']);
    expect((await runCli(args)).stdout).toContain('Most sensitive when quantized alone');
    const refused = await runCli(['explain', int8, '--data', samples]);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('int8 already')]);
  });

  it('works a layer out by hand, down to the byte', async () => {
    const args = ['explain', model, '--data', samples, '--samples', '8', '--calibration', '16', '--math', 'conv'];
    const { math, granularity } = jsonOf((await runCli(['--json', ...args, '--at', '0,0,1'])).stdout);
    expect(math.example).toMatchObject({ at: [0, 0, 1], channel: 1, taps: { length: 9 } });
    expect(math.example.requantize.integer).toBe(math.example.reference);
    expect(granularity.map((loss: { granularity: string }) => loss.granularity)).toEqual(['per-tensor', 'per-channel']);
    const { stdout } = await runCli(args);
    for (const part of ['scale = (max − min) / 255', 'accumulator', 'the very integer of the reference'])
      expect(stdout).toContain(part);
    const unknown = await runCli([...args, '--math', 'con']);
    expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining('Did you mean conv?')]);
  });

  it('inspects: layers, the arena as a picture, the fit', async () => {
    const { stdout, code } = await runCli(['inspect', int8, '--memory', '--board', 'pico']);
    expect(code).toBe(0);
    for (const part of ['conv_2d', 'lower bound', 'one column per node', 'Raspberry Pi Pico'])
      expect(stdout).toContain(part);
    expect(jsonOf((await runCli(['--json', 'inspect', int8])).stdout).layers).toHaveLength(4);
  });

  it('counts what an inference takes on an emulated core', async () => {
    const { stdout, code } = await runCli(['bench', int8, '--core', 'cortex-m4', '--optimize', 'speed']);
    expect(code).toBe(0);
    for (const part of ['per MAC', 'bit-exact: every layer', 'they are no time', 'arena'])
      expect(stdout).toContain(part);
    const json = jsonOf(
      (await runCli(['--json', 'bench', int8, '--core', 'cortex-m0plus', '--max-ram', '64KiB'])).stdout,
    );
    expect(json).toMatchObject({ core: 'cortex-m0plus', origin: 'virtual-instructions', bitExact: true });
    expect(json.instructions).toBeGreaterThan(0);
    expect((await runCli(['bench', int8])).code).toBe(2);
  });

  it('emits the same bytes twice and leaves foreign files alone', async () => {
    const output = join(folder, 'c');
    mkdirSync(output);
    writeFileSync(join(output, 'main.c'), 'int main(void) { return 0; }\n');
    const emit = () => runCli(['emit', int8, '--target', 'cortex-m4', '--name', 'bright', '-o', output]);
    expect((await emit()).code).toBe(0);
    const read = () =>
      Object.fromEntries(
        readdirSync(output)
          .sort()
          .map((file) => [file, readFileSync(join(output, file), 'utf8')]),
      );
    const first = read();
    expect((await emit()).code).toBe(0);
    expect(read()).toEqual(first);
    expect(first['main.c']).toContain('return 0');
    expect(first['bright.h']).toContain('#define BRIGHT_INPUT_BYTES 16');
    expect(readFileSync(join(output, 'bright.c'), 'utf8')).toContain('"dark"');
  });

  it('deploys onto this computer, and says that the figures are of this computer', async () => {
    const output = join(folder, 'deployed');
    const { code, stdout, stderr } = await runCli([
      'deploy',
      model,
      '--data',
      samples,
      '--board',
      'host',
      '--port',
      'virtual',
      '--count',
      '3',
      '-o',
      output,
    ]);
    expect(stderr + code).toMatch(/0$/);
    expect(stdout).toMatch(/40 of 40 samples/);
    expect(stdout).toMatch(/measured on this computer, not on a board/);
    for (const file of [
      'model.tflite',
      'report.json',
      'c-model/brightness.h',
      'tflm/model_data.c',
      'firmware/build.sh',
    ])
      expect(existsSync(join(output, file)), file).toBe(true);
  });
});

const missing = ['arm-none-eabi-gcc', 'cc'].filter((tool) => !onPath(tool));
describe.skipIf(missing.length > 0)(
  `a virtual board served to other programs${missing.length ? ` (needs ${missing})` : ''}`,
  () => {
    it('is flashed, verified and monitored through its serial port; unplugged, it is missed', async () => {
      const [pty, drive, project] = [join(folder, 'pico'), join(folder, 'RPI-RP2'), join(folder, 'project')];
      expect((await runCli(['build', int8, '--board', 'pico', '-o', project])).stdout).toMatch(/firmware\.uf2/);
      const dry = await runCli(['flash', project, '--board', 'pico', '--drive', drive, '--dry-run']);
      expect(dry.code).not.toBe(0); // no drive yet
      const server = startCli(['virtual', 'pico', '--pty', pty, '--drive', drive]);
      await server.said('Ctrl-C ends it');
      expect((await runCli(['flash', project, '--board', 'pico', '--drive', drive])).code).toBe(0);

      const verified = await runCli([
        '--json',
        'verify',
        int8,
        '--data',
        samples,
        '--limit',
        '6',
        '--board',
        'pico',
        '--port',
        pty,
      ]);
      expect(jsonOf(verified.stdout)).toMatchObject({
        origin: 'virtual-cycles',
        n: 6,
        bitExact: 6,
        latency: { unit: 'us' },
      });

      const watched = await runCli(['monitor', int8, '--board', 'pico', '--port', pty, '--count', '3']);
      expect([watched.code, watched.stdout.match(/#\d/g)?.length]).toEqual([0, 3]);
      expect(watched.stdout).toMatch(/a lower bound of the real board/);

      const other = writeModel(folder, 'other.tflite', brightnessGraph(0.5));
      await runCli(['compress', other, '--data', samples, '-o', join(folder, 'other')]);
      const wrong = await runCli([
        '--json',
        'verify',
        join(folder, 'other', 'model.tflite'),
        '--data',
        samples,
        '--board',
        'pico',
        '--port',
        pty,
      ]);
      expect([wrong.code, jsonOf(wrong.stdout).error.code]).toEqual([6, 'E_WRONG_FIRMWARE']);

      const watcher = startCli(['monitor', '--board', 'pico', '--port', pty]);
      await watcher.said('#0');
      watcher.child.kill('SIGINT'); // the normal end of a monitor
      expect(await watcher.result).toMatchObject({ code: 0, stdout: expect.stringMatching(/readings: median/) });

      const bereft = startCli(['monitor', '--board', 'pico', '--port', pty]);
      await bereft.said('#0');
      server.child.kill('SIGKILL');
      await bereft.said('went away; waiting for it to come back');
      bereft.child.kill('SIGINT'); // a board that stays away ends nothing by itself
      expect(await bereft.result).toMatchObject({ code: 0, stdout: expect.stringMatching(/readings: median/) });
    });

    it.skipIf(!onPath('qemu-system-arm'))(
      'shows instructions of an emulator as instructions, never as time',
      async () => {
        const { stdout, code } = await runCli([
          'verify',
          int8,
          '--data',
          samples,
          '--limit',
          '4',
          '--board',
          'mps2-an386',
          '--port',
          'virtual',
        ]);
        expect(code).toBe(0);
        expect(stdout).toMatch(/median [\d,]+ instructions.*instructions, not a time/);
        expect(stdout).not.toMatch(/\d (ms|µs|s)\b/);
      },
    );
  },
);

describe('what goes wrong', () => {
  const cases: readonly [string, () => string[], number, string][] = [
    ['an unknown verb', () => ['deploi'], 2, 'Did you mean deploy'],
    ['an unknown flag', () => ['inspect', model, '--memry'], 2, '--memory'],
    ['a missing file', () => ['inspect', 'no-such.tflite'], 2, 'E_FILE'],
    ['an unknown board', () => ['build', int8, '--board', 'picoo'], 2, 'pico'],
    ['a float model where INT8 is needed', () => ['emit', model, '-o', join(folder, 'no')], 2, 'thimble compress'],
    [
      'an odd --prune',
      () => ['compress', model, '--data', samples, '--prune', '2', '-o', join(folder, 'no')],
      2,
      'channels=',
    ],
    [
      'an unknown recipe',
      () => ['compress', model, '--data', samples, '--recipe', 'a4w4', '-o', join(folder, 'no')],
      2,
      'a8w8',
    ],
    [
      'an empty data set',
      () => ['compress', model, '--data', file('empty.csv', ''), '-o', join(folder, 'no')],
      2,
      'E_DATA',
    ],
    [
      'samples of another size',
      () => ['compress', model, '--data', file('wide.csv', 'a,b,label\n1,2,x\n'), '-o', join(folder, 'no')],
      2,
      'E_DATA_SHAPE',
    ],
    [
      'NaN weights',
      () => ['inspect', writeModel(folder, 'nan.tflite', brightnessGraph(Number.NaN))],
      2,
      'E_NOT_FINITE',
    ],
    [
      'a board that is too small',
      () => ['build', int8, '--board', tinyBoard(), '-o', join(folder, 'no')],
      3,
      'E_DOES_NOT_FIT',
    ],
    ['no port', () => ['monitor', '--board', 'pico', '--port', '/dev/no-such-port'], 4, 'E_NO_PORT'],
    [
      'a drive that is none',
      () => ['flash', file('x.uf2', 'no'), '--board', 'pico', '--drive', folder],
      5,
      'E_FLASH_FAILED',
    ],
    [
      'an output folder that is a file',
      () => ['compress', model, '--data', samples, '-o', file('taken', 'x')],
      2,
      'E_FILE',
    ],
  ];
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const tinyBoard = (): string => {
    const pico = JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'boards', 'rpi-pico.json'), 'utf8'));
    const small = {
      ...pico,
      id: 'small',
      aliases: [],
      ramBytes: 512,
      reserved: { flashBytes: 0, ramBytes: 256, stackBytes: 200 },
    };
    return file('small.json', JSON.stringify(small));
  };

  it.each(cases)('%s', async (_, args, exit, says) => {
    const { code, stdout, stderr } = await runCli(args());
    expect([code, stderr]).toEqual([exit, expect.stringContaining(says)]);
    expect(stderr).not.toMatch(/^\s+at .*:\d+:\d+/m); // a message, no stack
    expect(stdout).toBe('');
    expect(existsSync(join(folder, 'no'))).toBe(false);
  });

  it('errors are JSON too, where that was asked for', async () => {
    const { code, stdout } = await runCli(['--json', 'build', int8, '--board', 'picoo']);
    expect([code, jsonOf(stdout).error.code]).toEqual([2, 'E_BOARD_UNKNOWN']);
  });

  it('a missing compiler is named with the line that installs it', async () => {
    const { code, stderr } = await runCli(['build', int8, '--board', 'pico', '-o', join(folder, 'nocc')], {
      env: { PATH: folder },
    });
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/E_TOOL_MISSING[\s\S]*apt-get install gcc-arm-none-eabi/),
    ]);
  });

  it('Ctrl-C in the middle leaves nothing half-written and ends with 130', async () => {
    const big = writeSamples(folder, 'big.csv', 4000);
    const running = startCli([
      'compress',
      model,
      '--data',
      big,
      '--prune',
      'channels=0.5',
      '--epochs',
      '500',
      '-o',
      join(folder, 'stopped'),
    ]);
    await running.said('epoch 1 of 500');
    running.child.kill('SIGINT');
    const { code, stderr } = await running.result;
    expect([code, stderr]).toEqual([130, expect.stringContaining('E_INTERRUPTED')]);
    // The training's own checkpoints, from which it goes on, are whole files too; there are none before the first epoch.
    const left = existsSync(join(folder, 'stopped')) ? readdirSync(join(folder, 'stopped'), { recursive: true }) : [];
    expect(
      left.map(String).filter((path) => !/^training(\/[^/]+(\/(best\.tflite|state\.json))?)?$/.test(path)),
    ).toEqual([]);
  });

  it.skipIf(!onPath('socat'))('a board that never answers is given up', async () => {
    const silent = join(folder, 'silent');
    const { spawn } = await import('node:child_process');
    const socat = spawn('socat', [`pty,raw,echo=0,link=${silent}`, 'pty,raw,echo=0'], { stdio: 'ignore' });
    try {
      for (let i = 0; i < 100 && !existsSync(silent); i++) await new Promise((resolve) => setTimeout(resolve, 50));
      const { code, stderr } = await runCli(['monitor', '--board', 'pico', '--port', silent]);
      expect([code, stderr]).toEqual([42, expect.stringContaining('E_NO_ANSWER')]);
    } finally {
      socat.kill();
    }
  });
});
