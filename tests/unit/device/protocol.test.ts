import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { ThimbleError } from '../../../src/core/errors.js';
import { crc32OfText } from '../../../src/device/crc32.js';
import { firstDivergingLayer } from '../../../src/device/first-diverging-layer.js';
import { latencyOf, ticksBetween } from '../../../src/device/latency.js';
import { LineReader } from '../../../src/device/line-reader.js';
import { connect, type DeviceLink } from '../../../src/device/protocol.js';
import { FakeBoard, type FakeOptions, fakeSha256, layerOutputs } from './fake-board.js';

const timeouts = { answerMs: 150, inferenceMs: 300, bootMs: 150 }; // a loaded computer answers late, too
const open: DeviceLink[] = [];
const link = async (options: FakeOptions = {}, signal?: AbortSignal) => {
  const board = new FakeBoard(options);
  const device = await connect(board, { timeouts, signal });
  open.push(device);
  return { board, device };
};
afterEach(async () => {
  for (const device of open.splice(0)) await device.close();
});
const failure = async (work: Promise<unknown>): Promise<ThimbleError> => {
  const error = await work.then(
    () => new Error('nothing was thrown'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof ThimbleError) return error;
  throw error;
};
const sample = Uint8Array.from({ length: 40 }, (_, i) => (i * 37) & 0xff);
const text = (value: string) => new TextEncoder().encode(value);
const replace = (bytes: Uint8Array, from: string, to: string) =>
  text(new TextDecoder().decode(bytes).replace(from, to));

describe('figures of the protocol', () => {
  it('has the CRC of zip', () => expect(crc32OfText('123456789')).toBe(0xcbf43926));

  it('turns ticks into time, and into instructions where those were counted', () => {
    const port = { path: 'p', kind: 'pty' } as const;
    expect(latencyOf(250, 125e6, { ...port, origin: 'virtual-cycles' })).toEqual({ value: 2, unit: 'us' });
    const counting = { ...port, origin: 'virtual-instructions', nanosecondsPerInstruction: 8 } as const;
    expect(latencyOf(1000, 25e6, counting)).toEqual({ value: 5000, unit: 'instructions' });
    expect(() => latencyOf(1, 1, { ...port, origin: 'virtual-instructions' })).toThrow(TypeError);
    expect(ticksBetween(0xfffffff0, 0x10)).toBe(0x20);
  });

  it('reads lines with noise, and says which are damaged', () => {
    const reader = new LineReader();
    const lines = reader.push(Uint8Array.of(0, 0xff, ...text('m-a\r\nm-'), 0x80, ...text('b\n')));
    expect(lines).toEqual([
      { text: 'm-a', damaged: false },
      { text: 'm-b', damaged: true },
    ]);
    expect(reader.push(new Uint8Array(200_000).fill(65))).toEqual([]);
    const [long] = reader.push(text('\n'));
    expect(long).toMatchObject({ damaged: true });
    expect(long!.text.length).toBe(65_536);
  });
});

describe.each([1, 7, 0])('a board that answers in chunks of %i (0 = all)', (chunk) => {
  it.each([true, false])('does every command, sums: %s', async (sums) => {
    const { board, device } = await link({ chunk, sums });
    expect(device.handshake).toMatchObject({
      model: 'm',
      sha256: fakeSha256,
      inputBytes: 40,
      recipeCrc: 0xabcd,
      hasSums: sums,
    });
    await device.loadInput(sample);
    expect(board.input).toEqual(sample);
    expect(board.commands.filter((command) => command.startsWith('db ')).map(({ length }) => length)).toEqual([
      10, 65, 21,
    ]);
    expect(await device.run(2, 1)).toEqual(
      [0, 1].map((sequence) => ({
        kind: 'inference',
        origin: 'device',
        sequence,
        latency: { value: 2500 + sequence / 2, unit: 'us' },
        classIndex: sequence,
        score: 0.996094,
      })),
    );
    expect(await device.output()).toEqual(board.outputs());
    const layers = await device.layers();
    expect(layers.map(({ latency }) => latency.value)).toEqual([50, 100, 150]);
    expect(
      firstDivergingLayer(
        layers,
        layerOutputs.map((bytes) => Int8Array.from(bytes)),
      ),
    ).toBeUndefined();
    expect(await device.layer(1)).toEqual(layerOutputs[1]);
    expect(await device.memory()).toMatchObject({ kind: 'memory', origin: 'device', stackHighWaterBytes: 512 });
    expect(await device.inferMlperf(10, 2)).toEqual({
      count: 10,
      latency: { value: 100, unit: 'us' }, // across the wrap of 2^32
      results: [0, 0.996, -1.25],
    });
    expect(await device.results()).toEqual([0, 0.996, -1.25]);
  });
});

describe('where outputs differ', () => {
  const device = [
    { layer: 0, bytes: 2, crc: crc32OfText('ab') },
    { layer: 1, bytes: 1, crc: crc32OfText('c') },
  ];
  const values = (word: string) => Int8Array.from(text(word));
  it('names the first operator and why', () => {
    expect(firstDivergingLayer(device, [values('ab'), values('c')])).toBeUndefined();
    expect(firstDivergingLayer(device, [values('ab'), values('d')])).toEqual({ layer: 1, reason: 'bytes' });
    expect(firstDivergingLayer(device, [values('abc'), values('d')])).toEqual({ layer: 0, reason: 'size' });
    expect(firstDivergingLayer(device, [values('ab'), values('c'), values('')])).toEqual({
      layer: 2,
      reason: 'missing',
    });
  });
});

describe('reaching a board', () => {
  it.each(['streaming', 'banner'] as const)('works while it is %s', async (state) => {
    const { device } = await link({ [state]: true });
    expect((await device.run(1)).length).toBe(1);
  });

  it('waits for the banner of a board that opening the port restarts', async () => {
    const board = new FakeBoard({ banner: true });
    const device = await connect(board, { timeouts, resetsOnOpen: true });
    open.push(device);
    expect(board.commands[0]).not.toMatch(/[a-z]/); // ends whatever was begun
    expect(device.handshake.board).toBe('fake');
  });

  it('survives a handshake that comes damaged once', async () => {
    let left = 1;
    const damage = (bytes: Uint8Array, _: number, command: string) =>
      command === 'thimble' && left-- > 0 ? replace(bytes, 'inputs=40', 'inputs=4') : bytes;
    expect((await link({ damage })).device.handshake.inputBytes).toBe(40);
  });

  it('gives up on a board that never answers, and closes the port', async () => {
    const board = new FakeBoard({ silent: true });
    const error = await failure(connect(board, { timeouts }));
    expect(error.code).toBe('E_NO_ANSWER');
    expect(error.hints.join(' ')).toContain('reset');
    expect(board.closed).toBe(true);
  });

  it('says that the baud rate is wrong where bytes are no text', async () => {
    const error = await failure(link({ damage: (bytes) => bytes.map((byte) => byte | 0x80) }));
    expect(error.message).toContain('no text');
    expect(error.hints[0]).toContain('baud');
  });

  it('tells another firmware from a broken one', async () => {
    const damage = (_: Uint8Array, __: number, command: string) =>
      text(`e-[Unknown command: ${command}]\r\nm-ready\r\n`);
    expect((await failure(link({ damage }))).code).toBe('E_WRONG_FIRMWARE');
  });

  it('does not wait for ever for a board that talks without end', async () => {
    const board = new FakeBoard({ silent: true });
    let listener: (bytes: Uint8Array) => void = () => {};
    const chatter = setInterval(() => listener(text('m-reading-[x]\r\n')), 2);
    board.onBytes = (wanted) => {
      listener = wanted;
      return () => {};
    };
    expect((await failure(connect(board, { timeouts }))).code).toBe('E_NO_ANSWER');
    clearInterval(chatter);
  });
});

describe('damage on the way', () => {
  const once = (wanted: string, change: (bytes: Uint8Array) => Uint8Array, times = 1) => {
    let left = times;
    return (bytes: Uint8Array, _: number, command: string) =>
      command.startsWith(wanted) && left-- > 0 ? change(bytes) : bytes;
  };

  it.each([
    [
      'a doubled line',
      (bytes: Uint8Array) => text(new TextDecoder().decode(bytes).replace(/(m-reading.*?\r\n)/, '$1$1')),
    ],
    ['a lost line', (bytes: Uint8Array) => text(new TextDecoder().decode(bytes).replace(/m-reading.*?\r\n/, ''))],
    ['one line in place of the next', (bytes: Uint8Array) => replace(bytes, 'seq=1 ticks=5001', 'seq=0 ticks=5000')],
    ['a cut line', (bytes: Uint8Array) => replace(bytes, ' score=0.996094]', '')],
    ['a short number', (bytes: Uint8Array) => replace(bytes, '0.996094', '0.99609')],
    ['a doubled key', (bytes: Uint8Array) => replace(bytes, 'ticks=5000', 'ticks=5000 ticks=5000')],
    ['a number beyond 32 bits', (bytes: Uint8Array) => replace(bytes, '5000', '5000000000')],
    ['a restart', () => text('m-timestamp-mode-performance\r\nm-init-done\r\nm-ready\r\n')],
    ['a refusal', () => text('e-[No]\r\nm-ready\r\n')],
  ])('%s gives no reading, and the board answers again', async (_, change) => {
    const { device } = await link({ damage: once('run', change) });
    expect((await failure(device.run(2))).code).toBe('E_PROTOCOL');
    expect((await device.run(2)).length).toBe(2);
  });

  it('with sums, a changed digit is noticed', async () => {
    const damage = once('run', (bytes) => replace(bytes, 'ticks=5000', 'ticks=5001'));
    const { device } = await link({ sums: true, damage });
    expect((await failure(device.run(1))).code).toBe('E_PROTOCOL');
    const missing = await link({
      sums: true,
      damage: once('run', (b) => text(new TextDecoder().decode(b).replace(/ sum=.{8}/, ''))),
    });
    expect((await failure(missing.device.run(1))).code).toBe('E_PROTOCOL');
  });

  it.each([
    ['a wrong digit', (bytes: Uint8Array) => replace(bytes, 'm-output-[0', 'm-output-[1')],
    ['a corrupt digit', (bytes: Uint8Array) => replace(bytes, 'm-output-[', 'm-output-[x')],
    ['a wrong checksum', (bytes: Uint8Array) => replace(bytes, 'crc=', 'crc=0')],
  ])('asks again for outputs with %s, three times at most', async (_, change) => {
    const { board, device } = await link({ damage: once('output', change, 2) });
    await device.run(1);
    expect(await device.output()).toEqual(board.outputs());
    const hopeless = await link({ damage: once('output', change, 99) });
    await hopeless.device.run(1);
    expect((await failure(hopeless.device.output())).code).toBe('E_PROTOCOL');
    expect(hopeless.board.commands.filter((command) => command === 'output').length).toBe(3);
  });

  it('loads a sample again whose checksum is wrong', async () => {
    const { board, device } = await link({ damage: once('check', (bytes) => replace(bytes, 'crc=', 'crc=f')) });
    await device.loadInput(sample);
    expect(board.input).toEqual(sample);
    expect(board.commands.filter((command) => command.startsWith('db load')).length).toBe(2);
  });

  it('refuses input of another size before it sends a byte', async () => {
    const { device } = await link();
    expect((await failure(device.loadInput(new Uint8Array(39)))).code).toBe('E_DATA_SHAPE');
  });

  it('times out where the answer stays away, and says so', async () => {
    const { device } = await link({ damage: once('memory', () => new Uint8Array()) });
    expect((await failure(device.memory())).code).toBe('E_TIMEOUT');
    expect((await device.memory()).arenaBytes).toBe(1000);
  });

  it('says at once that the port is gone, in the middle of a line', async () => {
    const { device } = await link({ unplugAfterBytes: 1200 });
    const started = Date.now();
    const error = await failure(device.run(50));
    expect(error.code).toBe('E_PORT_LOST');
    expect(Date.now() - started).toBeLessThan(timeouts.inferenceMs);
    expect((await failure(device.memory())).code).toBe('E_PORT_LOST');
  });

  it.each([
    [true, 150],
    [false, 100],
  ])('random changes never become another reading; sums: %s', { timeout: 60_000 }, async (sums, numRuns) => {
    const honest = await link({ sums });
    await honest.device.loadInput(sample);
    const wanted = JSON.stringify([
      await honest.device.run(2),
      [...(await honest.device.output())],
      await honest.device.memory(),
    ]);
    let [damaged, refused] = [0, 0];
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 1800 }), fc.integer({ min: 0, max: 255 }), fc.nat(2)), {
          minLength: 1,
          maxLength: 3,
        }),
        async (changes) => {
          let at = 0;
          const damage = (bytes: Uint8Array) => {
            const result: number[] = [];
            for (const byte of bytes) {
              const change = changes.find(([position]) => position === at++);
              if (change) damaged++;
              // Without sums a changed digit cannot be noticed, nobody could: there, bytes turn into what is no text.
              const other = change && (sums ? change[1] : change[1] | 0x80);
              if (!change || change[2] === 1) result.push(byte);
              if (other !== undefined && change?.[2] !== 2) result.push(other);
              if (!sums && change?.[2] === 2) result.push(0x80); // a byte lost to a framing error
            }
            return Uint8Array.from(result);
          };
          let device: DeviceLink | undefined;
          try {
            device = await connect(new FakeBoard({ sums, damage, chunk: 13 }), {
              timeouts: { answerMs: 12, inferenceMs: 12 },
            });
            await device.loadInput(sample);
            const got = [await device.run(2), [...(await device.output())], await device.memory()];
            expect(JSON.stringify(got)).toBe(wanted);
          } catch (error) {
            if (!(error instanceof ThimbleError)) throw error;
            refused++;
          } finally {
            await device?.close();
          }
        },
      ),
      { numRuns, seed: 7 },
    );
    expect(damaged).toBeGreaterThan(20);
    expect(refused).toBeGreaterThan(5);
  });
});

describe('streams and Ctrl-C', () => {
  it('ends by count', async () => {
    const { device } = await link();
    const seen: number[] = [];
    const report = await device.stream((reading) => reading.kind === 'inference' && seen.push(reading.sequence), {
      count: 4,
    });
    expect(report).toEqual({ readings: 4, damagedLines: 0, missing: 0 });
    expect(seen).toEqual([0, 1, 2, 3]);
  });

  it('ends by a signal, and the board answers the next command', async () => {
    const { board, device } = await link();
    const stop = new AbortController();
    const report = await device.stream(
      (reading) => reading.kind === 'inference' && reading.sequence === 3 && stop.abort(),
      { stop: stop.signal },
    );
    expect(report.readings).toBeGreaterThanOrEqual(4);
    expect(board.isStreaming).toBe(false);
    expect((await device.run(1)).length).toBe(1);
  });

  it('leaves damaged lines out and counts them', async () => {
    const { device } = await link({
      damage: (bytes, _, command) => (command === 'stream' ? replace(bytes, 'seq=2 ticks', 'seq=2 tocks') : bytes),
    });
    const seen: number[] = [];
    const report = await device.stream((reading) => reading.kind === 'inference' && seen.push(reading.sequence), {
      count: 5,
    });
    expect(report).toEqual({ readings: 4, damagedLines: 1, missing: 1 });
    expect(seen).toEqual([0, 1, 3, 4]);
  });

  it('goes on behind readings that were lost whole, and says where they are missing', async () => {
    for (const sums of [true, false]) {
      const { device } = await link({
        sums,
        damage: (bytes, _, command) =>
          command === 'stream' && /seq=[234] /.test(new TextDecoder().decode(bytes)) ? new Uint8Array(0) : bytes,
      });
      const seen: number[] = [];
      const gaps: number[][] = [];
      const report = await device.stream((reading) => reading.kind === 'inference' && seen.push(reading.sequence), {
        count: 8,
        onGap: (missing, before) => gaps.push([missing, before]),
      });
      // A number that leaps cannot be told from a damaged one where it has no checksum.
      expect(seen).toEqual(sums ? [0, 1, 5, 6, 7] : [0, 1]);
      expect(gaps).toEqual(sums ? [[3, 5]] : []);
      expect(report.missing).toBe(sums ? 3 : 6);
    }
  });

  it('Ctrl-C stops the stream on the board before it says so', async () => {
    const interrupt = new AbortController();
    const { board, device } = await link({}, interrupt.signal);
    const error = await failure(
      device.stream((reading) => reading.kind === 'inference' && reading.sequence === 2 && interrupt.abort()),
    );
    expect(error.code).toBe('E_INTERRUPTED');
    expect(board.isStreaming).toBe(false);
    expect((await failure(device.run(1))).code).toBe('E_INTERRUPTED');
  });

  it('Ctrl-C ends a wait at once', async () => {
    const interrupt = new AbortController();
    const { device } = await link(
      { damage: (bytes, _, command) => (command.startsWith('run') ? new Uint8Array() : bytes) },
      interrupt.signal,
    );
    setTimeout(() => interrupt.abort(), 5);
    expect((await failure(device.run(1))).code).toBe('E_INTERRUPTED');
  });

  it('runs commands that are asked at once one after another', async () => {
    const { device } = await link({ chunk: 1 });
    const [memory, readings, layer] = await Promise.all([device.memory(), device.run(3), device.layer(2)]);
    expect([memory.arenaBytes, readings.length, [...layer]]).toEqual([1000, 3, [9]]);
  });
});
