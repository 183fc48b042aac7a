/** A virtual ESP32-S3 that can be flashed and does nothing else: there is no emulator of its cores to run the program. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { BoardSpec } from '../core/board-spec.js';
import { ThimbleError } from '../core/errors.js';
import type { PortIdentity } from '../core/reading.js';
import { writeFileWhole } from '../files/write-file.js';
import { EspRom, type EspRomOptions } from './esp-rom.js';
import { closingOnFailure, type VirtualBoard, type VirtualBoardOptions } from './virtual-board.js';
import { VirtualPort } from './virtual-port.js';

/** What is in flash, from its first byte to the last that was written: in the board's drive folder. */
export const FLASH_FILE = 'flash.bin';

export async function openVirtualEsp(
  spec: BoardSpec,
  options: VirtualBoardOptions,
  line: Pick<EspRomOptions, 'fastestBaud' | 'blocksUntilSilence' | 'brokenCell'> = {},
): Promise<VirtualBoard> {
  const parent = options.driveFolder === undefined ? mkdtempSync(join(tmpdir(), 'thimble-drive-')) : undefined;
  const driveFolder = resolve(options.driveFolder ?? join(parent!, spec.id));
  mkdirSync(driveFolder, { recursive: true });
  const identity: PortIdentity = { path: 'virtual', kind: 'virtual', origin: 'host', board: spec.id };
  const rom = new EspRom({
    ...line,
    flashBytes: spec.flashBytes,
    onBytes: (bytes) => port.deliver(bytes),
    onFlashed: (flash) => {
      writeFileWhole(join(driveFolder, FLASH_FILE), flash.bytes.subarray(0, flash.writtenBytes));
      const message = `${spec.name} holds ${flash.writtenBytes} bytes in flash; it runs none of them`;
      options.onEvent?.({ stage: 'virtual', message });
    },
  });
  const port = new VirtualPort(identity, {
    write: (bytes) => rom.feed(bytes),
    reset: async () => rom.reset(),
    close: async () => {
      if (parent !== undefined) rmSync(parent, { recursive: true, force: true });
    },
  });
  const board: VirtualBoard = {
    spec,
    port,
    identity,
    driveFolder,
    /** An image of the whole flash, as FLASH_FILE is one. */
    load: async (path) => {
      const image = new Uint8Array(readFileSync(path));
      rom.flash.erase(0, rom.flash.bytes.length);
      if (!rom.flash.write(0, image))
        throw new ThimbleError(
          'E_FLASH_FAILED',
          `${path} is larger than the flash of ${spec.name}`,
          'Give a smaller image.',
        );
    },
    close: () => port.close(),
  };
  await closingOnFailure(board, options.image);
  return board;
}
