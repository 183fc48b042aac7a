/**
 * A virtual STM32 whose ROM can be talked to as well: what a flash tool writes there is what runs afterwards. A pty has
 * no reset line and no jumper for BOOT0, so a lone 7F after silence, with which every tool begins, stands for both.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BoardSpec } from '../core/board-spec.js';
import { writeFileWhole } from '../files/write-file.js';
import { EspFlash } from './esp-flash.js';
import { openQemuBoard } from './external-board.js';
import { Stm32Rom } from './stm32-rom.js';
import type { VirtualBoard, VirtualBoardOptions } from './virtual-board.js';
import { VirtualPort } from './virtual-port.js';

const SYNC = 0x7f;
const SILENCE_MS = 100;
const KIB = 1024;

/** STM32F405: RM0090 3.4 (sectors), AN2606 (product id). */
const chip = {
  productId: 0x413,
  flashAddress: 0x08000000,
  sectorBytes: [...Array<number>(4).fill(16 * KIB), 64 * KIB, ...Array<number>(7).fill(128 * KIB)],
} as const;

export async function openVirtualStm32(spec: BoardSpec, options: VirtualBoardOptions): Promise<VirtualBoard> {
  let inRom = true; // an empty chip has nothing else to run
  const inner = await openQemuBoard(spec, {
    ...options,
    onStart: () => {
      inRom = false;
    },
  });
  const folder = mkdtempSync(join(tmpdir(), 'thimble-stm32-'));
  const flash = new EspFlash(spec.flashBytes);
  let lastWrite = 0;

  const start = async (): Promise<void> => {
    const image = join(folder, 'flash.bin');
    writeFileWhole(image, flash.bytes.subarray(0, flash.writtenBytes));
    try {
      await inner.load(image);
      options.onEvent?.({ stage: 'virtual', message: `${spec.name} was flashed through its ROM and restarted` });
    } catch (error) {
      options.onEvent?.({ stage: 'virtual', message: `${spec.name} does not start: ${(error as Error).message}` });
    }
  };
  const rom = new Stm32Rom({
    ...chip,
    flash,
    onBytes: (bytes) => port.deliver(bytes),
    onGo: () => void start(),
  });
  rom.reset();

  const port = new VirtualPort(inner.identity, {
    write: (bytes) => {
      const now = performance.now();
      const silent = now - lastWrite > SILENCE_MS;
      lastWrite = now;
      if (silent && bytes.length === 1 && bytes[0] === SYNC) {
        inRom = true;
        rom.reset();
      }
      if (inRom) rom.feed(bytes);
      else return inner.port.write(bytes);
    },
    reset: async () => {
      await inner.port.reset?.();
    },
    close: async () => {
      await inner.close();
      rmSync(folder, { recursive: true, force: true });
    },
  });
  // The program stands still while the ROM runs.
  inner.port.onBytes((bytes) => {
    if (!inRom) port.deliver(bytes);
  });
  inner.port.onClose((error) => port.ended(error));
  return {
    spec,
    port,
    identity: inner.identity,
    driveFolder: inner.driveFolder,
    load: (path) => inner.load(path),
    close: () => port.close(),
  };
}
