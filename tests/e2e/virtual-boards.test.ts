/** Firmware on the virtual boards, from the build to the answers, through the ports and drives that a person uses. */
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadBoard } from '../../src/boards/load-board.js';
import type { FirmwareImage } from '../../src/core/firmware-image.js';
import { connect } from '../../src/device/protocol.js';
import { emitCModel } from '../../src/emit/c-model.js';
import { buildFirmware } from '../../src/firmware/build-firmware.js';
import { flashMethodFor } from '../../src/flash/index.js';
import { importTflite } from '../../src/importers/tflite/tflite.js';
import { kernelText } from '../../src/pipeline/kernel-files.js';
import { onPath } from '../../src/virtual/child-process.js';
import { openVirtualBoard, type VirtualBoard } from '../../src/virtual/index.js';
import { sharedBytes, withoutShared } from '../shared-folder.js';
import { checkEveryCommand } from '../unit/firmware/every-command.js';
import { terminalOf } from '../unit/firmware/talk.js';
import { tinyFiles, tinyGraph } from '../unit/firmware/tiny-model.js';

const folder = mkdtempSync(join(tmpdir(), 'thimble-virtual-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const boards = [
  { id: 'rpi-pico', tools: ['arm-none-eabi-gcc'], origin: 'virtual-cycles' },
  { id: 'mps2-an386', tools: ['arm-none-eabi-gcc', 'qemu-system-arm'], origin: 'virtual-instructions' },
  { id: 'mps2-an385', tools: ['arm-none-eabi-gcc', 'qemu-system-arm'], origin: 'virtual-instructions' },
  { id: 'olimex-stm32-h405', tools: ['arm-none-eabi-gcc', 'qemu-system-arm'], origin: 'virtual-instructions' },
  { id: 'nucleo-f401re', tools: ['arm-none-eabi-gcc', 'qemu-system-arm'], origin: 'virtual-instructions' },
  { id: 'microbit-v1', tools: ['arm-none-eabi-gcc', 'qemu-system-arm'], origin: 'virtual-instructions' },
  { id: 'virt-m55', tools: ['arm-none-eabi-gcc', 'qemu-system-arm'], origin: 'virtual-instructions' },
  { id: 'virt-rv32', tools: ['riscv64-unknown-elf-gcc', 'qemu-system-riscv32'], origin: 'virtual-instructions' },
  { id: 'host', tools: ['cc'], origin: 'host' },
] as const;

const buildTiny = (id: string): Promise<FirmwareImage> =>
  buildFirmware({
    ...{ board: loadBoard(id), modelFiles: tinyFiles(), modelName: 'tiny', graph: tinyGraph, hooks: true },
    folder: join(folder, `tiny-${id}`),
  });

function buildModel(id: string, model: string): Promise<FirmwareImage> {
  const board = loadBoard(id);
  const bytes = sharedBytes(`models/${model}.tflite`);
  const graph = importTflite(bytes);
  const modelSha256 = createHash('sha256').update(bytes).digest('hex');
  const { files } = emitCModel(graph, {
    name: 'model',
    target: board.core,
    kernelText,
    modelSha256,
    version: '0',
    board,
  });
  const parts = { board, modelFiles: files, modelName: 'model', graph, hooks: true };
  return buildFirmware({ ...parts, folder: join(folder, `${model}-${id}`) });
}

async function withBoard(id: string, image: FirmwareImage, use: (board: VirtualBoard) => Promise<void>): Promise<void> {
  const board = await openVirtualBoard(loadBoard(id), { image: image.uf2 ?? image.executable });
  try {
    await use(board);
  } finally {
    await board.close();
  }
}

for (const { id, tools, origin } of boards) {
  const missing = tools.filter((tool) => !onPath(tool));
  const named = `${id}${missing.length ? ` (needs ${missing.join(', ')})` : ''}`;

  describe.skipIf(missing.length > 0)(named, () => {
    it('answers every command of the protocol', async () => {
      const image = await buildTiny(id);
      const board = await openVirtualBoard(loadBoard(id));
      try {
        expect(board.identity).toMatchObject({ origin, board: id });
        const terminal = terminalOf(board.port);
        for (const start of [() => board.load(image.uf2 ?? image.executable), () => board.port.reset!()]) {
          const boot = terminal.next();
          await start();
          expect((await boot)[0]).toBe('m-timestamp-mode-performance');
        }
        await checkEveryCommand(terminal, id);
        const degrees = /millidegrees=(\d+)/.exec((await terminal.send('memory%'))[0]!)?.[1];
        if (id === 'rpi-pico') expect(Math.round(Number(degrees) / 1000)).toBe(27);
        else expect(degrees).toBeUndefined();
      } finally {
        await board.close();
      }
    });

    it('takes another program through its drive, runs it, and is gone once closed', async () => {
      const spec = loadBoard(id);
      const image = await buildTiny(id);
      const events: string[] = [];
      const board = await openVirtualBoard(spec, { onEvent: ({ message }) => events.push(message ?? '') });
      try {
        const terminal = terminalOf(board.port);
        const boot = terminal.next();
        await flashMethodFor(spec, board.driveFolder).flash({ board: spec, image, drive: board.driveFolder });
        expect((await boot).at(-1)).toBe('m-ready');
        expect(await terminal.send('name%')).toContain('m-name-dut-[thimble]');
        expect(events.at(-1)).toContain('restarted');
        expect(existsSync(join(board.driveFolder, 'firmware.uf2'))).toBe(false);
      } finally {
        await board.close();
      }
      expect(existsSync(board.driveFolder)).toBe(false);
      await expect(board.port.write(Uint8Array.of(37))).rejects.toMatchObject({ code: 'E_PORT_LOST' });
      await board.close(); // a second time is harmless
    });
  });

  describe.skipIf(withoutShared || missing.length > 0)(`${named}: recorded networks (needs ../shared)`, () => {
    for (const model of ['hello_world_int8', 'kws_ref_model'])
      it(`computes ${model} bit for bit, layer by layer`, async () => {
        await withBoard(id, await buildModel(id, model), async (board) => {
          const link = await connect(board.port);
          expect(link.handshake.sha256).toBe(
            createHash('sha256')
              .update(sharedBytes(`models/${model}.tflite`))
              .digest('hex'),
          );
          const recorded = model === 'kws_ref_model' ? [1] : [0, 1, 2];
          for (const index of recorded) {
            const golden = (part: string) => Buffer.from(sharedBytes(`golden/${model}/${part}${index}.bin`));
            await link.loadInput(golden('input'));
            const [reading] = await link.run(1);
            expect(reading).toMatchObject({ kind: 'inference', origin });
            expect(Buffer.from(await link.output())).toEqual(golden('output'));
          }
          const last = recorded.at(-1)!;
          const layers = Buffer.from(sharedBytes(`golden/${model}/layers${last}.bin`));
          let offset = 0;
          for (const { layer, bytes } of await link.layers()) {
            if (layer % 3 === 0 && bytes < 4096)
              expect(Buffer.from(await link.layer(layer)), `layer ${layer}`).toEqual(
                layers.subarray(offset, offset + bytes),
              );
            offset += bytes;
          }
          expect(offset).toBe(layers.length);
          await link.close();
        });
      });
  });
}

describe.skipIf(!onPath('arm-none-eabi-gcc'))('the virtual Pico’s drive (needs arm-none-eabi-gcc)', () => {
  it('rejects what the ROM would not take, keeps what runs, and takes the whole file when it comes', async () => {
    const image = await buildTiny('rpi-pico');
    const events: string[] = [];
    const board = await openVirtualBoard(loadBoard('pico'), {
      image: image.uf2!,
      onEvent: ({ message }) => events.push(message ?? ''),
    });
    try {
      const terminal = terminalOf(board.port);
      await terminal.next();
      writeFileSync(join(board.driveFolder, 'firmware.uf2'), 'half a file');
      while (events.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
      expect(events[0]).toContain('rejected firmware.uf2: not a usable UF2 file');
      expect(await terminal.send('name%')).toContain('m-name-dut-[thimble]');
      const boot = terminal.next();
      copyFileSync(image.uf2!, join(board.driveFolder, 'firmware.uf2'));
      expect(await boot).toContain('m-init-done');
    } finally {
      await board.close();
    }
  });
});

describe.skipIf(!onPath('qemu-system-arm'))('a QEMU board (needs qemu-system-arm)', () => {
  it('says what QEMU said where the image is none', async () => {
    const file = join(folder, 'none.elf');
    writeFileSync(file, 'no ELF');
    const spec = { ...loadBoard('mps2-an386'), virtual: { backend: 'qemu', machine: 'no-such-machine' } } as const;
    await expect(openVirtualBoard(spec, { image: file })).rejects.toMatchObject({
      code: 'E_ENGINE',
      message: expect.stringContaining('unsupported machine type'),
    });
  });
});
