/** The binary mode between host and the firmware's own C, over a clean line, a slow one and a bad one. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadBoard } from '../../../src/boards/load-board.js';
import { ThimbleError } from '../../../src/core/errors.js';
import type { Port } from '../../../src/core/port.js';
import { seededRandom } from '../../../src/core/seeded-random.js';
import { connect, type DeviceLink } from '../../../src/device/protocol.js';
import { buildFirmware } from '../../../src/firmware/build-firmware.js';
import { openVirtualBoard, type VirtualBoard } from '../../../src/virtual/index.js';
import { terminalOf } from '../firmware/talk.js';
import { wideModel } from '../firmware/wide-model.js';
import { badCable, type Faults, throttled } from './bad-cable.js';

const IMAGE_BYTES = 27_648; // of the visual wake words: the largest input of MLPerf Tiny
const host = loadBoard('host');
const strict = ['-Wconversion', '-Wshadow', '-pedantic', '-Werror'];
const sanitizers = ['-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
const folder = mkdtempSync(join(tmpdir(), 'thimble-framed-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const image = wideModel(IMAGE_BYTES, 10);
const small = wideModel(100, 3); // two frames of a board whose frames take 64 bytes
const build = async (name: string, model: typeof image, extraFlags: readonly string[]): Promise<string> =>
  (
    await buildFirmware({
      board: host,
      modelFiles: model.files,
      modelName: 'wide',
      graph: model.graph,
      hooks: true,
      folder: join(folder, name),
      extraFlags: [...strict, ...extraFlags],
    })
  ).executable;
let [imageProgram, smallProgram] = ['', ''];
beforeAll(async () => {
  [imageProgram, smallProgram] = await Promise.all([
    build('image', image, []),
    build('small', small, [
      ...sanitizers,
      ...['-DTHIMBLE_FRAME_BYTES=64', '-DTHIMBLE_ANSWER_BYTES=32', '-DTHIMBLE_CREDITS=1'],
    ]),
  ]);
});

const timeouts = { answerMs: 4000, inferenceMs: 4000, bootMs: 500, pollMs: 25 };
async function withLink<T extends Port>(
  program: string,
  cable: (port: Port) => T,
  use: (link: DeviceLink, port: T, board: VirtualBoard) => Promise<void>,
): Promise<void> {
  const board = await openVirtualBoard(host, { image: program });
  const port = cable(board.port);
  try {
    const link = await connect(port, { timeouts });
    await use(link, port, board);
    await link.close();
  } finally {
    await board.close();
  }
}
const randomBytes = (count: number, seed: number): Uint8Array => {
  const random = seededRandom(seed);
  return Uint8Array.from({ length: count }, () => Math.floor(random() * 256));
};

describe('the binary mode', () => {
  it('does all that text does, on a board with small frames and a single credit', () =>
    withLink(
      smallProgram,
      (port) => port,
      async (link) => {
        expect(link.statistics).toBeDefined();
        const input = randomBytes(100, 1);
        await link.loadInput(input);
        const readings = await link.run(3, 1);
        expect(readings.map((reading) => reading.kind === 'inference' && reading.sequence)).toEqual([0, 1, 2]);
        for (const reading of readings) expect(reading).toMatchObject({ pre: { unit: 'us' }, post: { unit: 'us' } });
        expect(await link.output()).toEqual(small.output(input));
        expect(await link.layer(0)).toEqual(small.output(input));
        expect((await link.layers()).map(({ layer, bytes }) => [layer, bytes])).toEqual([[0, 3]]);
        expect((await link.memory()).arenaBytes).toBe(103);
        expect((await link.results()).length).toBe(3);
        expect((await link.inferMlperf(3, 1)).count).toBe(3);
        await expect(link.layer(7)).rejects.toMatchObject({ code: 'E_PROTOCOL' });
        const seen: number[] = [];
        const stop = new AbortController();
        const report = await link.stream(
          (reading) => {
            if (reading.kind === 'inference') seen.push(reading.sequence);
            if (seen.length === 200) stop.abort();
          },
          { stop: stop.signal },
        );
        expect(report).toMatchObject({ damagedLines: 0, missing: 0, readings: seen.length });
        expect(seen).toEqual(seen.map((_, k) => k));
        expect((await link.stream(() => {}, { count: 50 })).readings).toBe(50);
        expect(link.statistics).toMatchObject({ credits: 1, damagedFrames: 0, resentBlocks: 0, resentCommands: 0 });
      },
    ));

  it('leaves the board speaking text, also to one who finds it in the middle of a framed stream', async () => {
    const board = await openVirtualBoard(host, { image: smallProgram });
    try {
      const killed = killable(board.port);
      const first = await connect(killed, { timeouts });
      let readings = 0;
      void first.stream(() => readings++).catch(() => undefined);
      while (readings < 3) await new Promise((resolve) => setTimeout(resolve, 5));
      killed.kill(); // nobody ends the stream
      const second = await connect(keptOpen(board.port), { timeouts });
      await second.loadInput(randomBytes(100, 2));
      expect((await second.run(1)).length).toBe(1);
      await second.close();
      expect((await terminalOf(board.port).send('name%')).slice(-2)).toEqual(['m-name-dut-[thimble]', 'm-ready']);
    } finally {
      await board.close();
    }
  });

  it('answers text after two seconds of silence, whoever left it', async () => {
    const board = await openVirtualBoard(host, { image: smallProgram });
    try {
      const { next, send } = terminalOf(board.port);
      await next(); // it boots
      expect(await send('frames 9%')).toContain('m-ready');
      await new Promise((resolve) => setTimeout(resolve, 2100));
      expect(await send('name%')).toEqual([expect.stringContaining('m-name-dut-[thimble]'), 'm-ready']);
    } finally {
      await board.close();
    }
  });

  it('says so where the board restarts between the input and its inference', () =>
    withLink(
      smallProgram,
      (port) => port,
      async (link, _, board) => {
        await link.loadInput(randomBytes(100, 3));
        await board.port.reset!();
        await expect(link.run(1)).rejects.toMatchObject({ code: 'E_PORT_LOST', message: /restarted/ });
        await link.loadInput(randomBytes(100, 4)); // and goes on with a new one
        expect((await link.run(1)).length).toBe(1);
      },
    ));
});

/** As if its program were gone from one moment to the next. */
function killable(port: Port): Port & { kill(): void } {
  let dead = false;
  return {
    ...keptOpen(port),
    write: async (bytes) => {
      if (!dead) await port.write(bytes);
    },
    onBytes: (listener) => port.onBytes((bytes) => !dead && listener(bytes)),
    kill: () => {
      dead = true;
    },
  };
}

const keptOpen = (port: Port): Port => ({
  identity: port.identity,
  write: (bytes) => port.write(bytes),
  onBytes: (listener) => port.onBytes(listener),
  onClose: (listener) => port.onClose(listener),
  close: async () => {},
});

describe('at 921,600 baud', () => {
  it('takes an input of 27,648 bytes across in 0.4 s, nine tenths of all bytes being payload', () =>
    withLink(
      imageProgram,
      (port) => throttled(port, 921_600),
      async (link, port) => {
        const times: number[] = [];
        const input = randomBytes(IMAGE_BYTES, 5);
        const before = link.statistics!;
        const lineBefore = port.lineMs();
        for (let run = 0; run < 4 && !(Math.min(...times) <= 400); run++) {
          const start = performance.now();
          await link.loadInput(input);
          times.push(performance.now() - start);
        }
        const after = link.statistics!;
        const bytes = after.sentBytes + after.receivedBytes - before.sentBytes - before.receivedBytes;
        const share = (IMAGE_BYTES * times.length) / bytes;
        console.log(
          `27,648 bytes in ${times.map((ms) => ms.toFixed(0)).join(', ')} ms, ${(share * 100).toFixed(1)} % payload`,
        );
        expect(Math.min(...times)).toBeGreaterThan(300); // 27,648 bytes take as long: the throttle holds
        // Of both directions together, as if they shared a wire: what a loaded computer cannot make longer.
        expect((port.lineMs() - lineBefore) / times.length).toBeLessThanOrEqual(400);
        expect(share).toBeGreaterThanOrEqual(0.9);
        expect(after.resentBlocks).toBe(0);
        await link.run(1);
        expect(await link.output()).toEqual(image.output(input));
      },
    ));
});

describe('over a bad cable', () => {
  const kinds: Readonly<Record<string, Omit<Faults, 'seed'>>> = {
    'flipped bits': { flip: 4e-4 },
    'lost bytes': { drop: 4e-4 },
    'doubled bytes': { double: 4e-4 },
    'bytes from nowhere': { insert: 3e-4 },
    'false ends': { zero: 3e-4 },
    delays: { delay: 0.05, delayMs: 40 },
    'all of it': { flip: 1e-4, drop: 1e-4, double: 1e-4, insert: 1e-4, zero: 1e-4, delay: 0.01, delayMs: 30 },
  };
  let frames = 0;
  let faults = 0;
  it.each(Object.entries(kinds))('gives right bytes or a named error, and ends: %s', async (name, share) => {
    const seed = name.length;
    await withLink(
      smallProgram,
      (port) => {
        const cable = badCable(port, { seed, ...share });
        cable.enabled = false; // the handshake over text has tests of its own
        return cable;
      },
      async (link, cable) => {
        cable.enabled = true;
        let named = 0;
        for (let sample = 0; sample < 60; sample++) {
          const input = randomBytes(100, 1000 * seed + sample);
          try {
            await link.loadInput(input);
            const readings = await link.run(4, 0);
            expect(readings.map((reading) => reading.kind === 'inference' && reading.sequence)).toEqual([0, 1, 2, 3]);
            const wanted = small.output(input);
            const signed = [...wanted].map((byte) => (byte << 24) >> 24);
            const best = signed.indexOf(Math.max(...signed));
            for (const reading of readings)
              expect(reading).toMatchObject({ classIndex: best, score: 0.5 * signed[best]! });
            expect(await link.output()).toEqual(wanted);
            expect(await link.layer(0)).toEqual(wanted);
          } catch (error) {
            if (!(error instanceof ThimbleError)) throw error;
            named++;
          }
        }
        const seen: number[] = [];
        try {
          const report = await link.stream(
            (reading) => {
              if (reading.kind !== 'inference') return;
              seen.push(reading.sequence);
              expect(reading.pre!.value + reading.post!.value).toBeLessThan(1e6);
            },
            { count: 1000 },
          );
          expect(report.missing).toBe(1000 - new Set(seen).size);
        } catch (error) {
          if (!(error instanceof ThimbleError)) throw error;
          named++;
        }
        cable.enabled = false;
        await link.loadInput(randomBytes(100, 7)); // it answers still
        expect(named).toBeLessThanOrEqual(3);
        const statistics = link.statistics!;
        console.log(
          name,
          JSON.stringify({ named, faults: cable.faults.count, missing: 1000 - seen.length, ...statistics }),
        );
        frames += statistics.sentFrames + statistics.receivedFrames;
        faults += cable.faults.count;
      },
    );
  });
  it('carries large inputs with many blocks on their way at once', () =>
    withLink(
      imageProgram,
      (port) => badCable(port, { seed: 5, flip: 4e-5, drop: 4e-5, double: 4e-5, insert: 4e-5, zero: 4e-5 }),
      async (link, cable) => {
        for (let k = 0; k < 6; k++) {
          const input = randomBytes(IMAGE_BYTES, 90 + k);
          await link.loadInput(input);
          await link.run(1);
          expect(await link.output()).toEqual(image.output(input));
        }
        const statistics = link.statistics!;
        console.log('large inputs', JSON.stringify({ faults: cable.faults.count, ...statistics }));
        expect(statistics.credits).toBe(16);
        expect(statistics.resentBlocks).toBeGreaterThan(5);
        frames += statistics.sentFrames + statistics.receivedFrames;
        faults += cable.faults.count;
      },
    ));

  it('ends, with right bytes or a named error, where hardly a frame comes whole', () =>
    withLink(
      smallProgram,
      (port) => {
        const cable = badCable(port, { seed: 11, flip: 4e-3, drop: 4e-3, double: 4e-3, insert: 4e-3, zero: 4e-3 });
        cable.enabled = false;
        return cable;
      },
      async (link, cable) => {
        cable.enabled = true;
        let [right, named] = [0, 0];
        for (let sample = 0; sample < 3; sample++) {
          const input = randomBytes(100, 500 + sample);
          try {
            await link.loadInput(input);
            await link.run(1);
            expect(await link.output()).toEqual(small.output(input));
            right++;
          } catch (error) {
            if (!(error instanceof ThimbleError)) throw error;
            named++;
          }
        }
        console.log('hardly a frame', JSON.stringify({ right, named, ...link.statistics }));
        expect(right + named).toBe(3);
        expect(link.statistics!.damagedFrames).toBeGreaterThan(10);
      },
    ));

  it('was tried on ten thousand frames', () => {
    expect(frames).toBeGreaterThan(10_000);
    expect(faults).toBeGreaterThan(100);
  });
});
