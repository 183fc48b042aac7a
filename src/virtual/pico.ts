/** The virtual Raspberry Pi Pico: rp2040js behind a Port, with its RPI-RP2 drive. Runs in slices of a few milliseconds. */
import { readFileSync } from 'node:fs';
import type { BoardSpec } from '../core/board-spec.js';
import type { PortIdentity } from '../core/reading.js';
import { decodeUf2, RP2040_FAMILY } from '../core/uf2.js';
import { openDrive } from './drive-folder.js';
import { Rp2040Machine } from './rp2040-machine.js';
import { closingOnFailure, type VirtualBoard, type VirtualBoardOptions } from './virtual-board.js';
import { VirtualPort } from './virtual-port.js';

const SLICE_INSTRUCTIONS = 200_000; // about 4 ms: timers and sockets of this process stay prompt

/** What the RP2040's ROM writes on its drive; flashing tools look for the Board-ID. */
const driveFiles = {
  'INFO_UF2.TXT': 'UF2 Bootloader v3.0\nModel: Raspberry Pi RP2\nBoard-ID: RPI-RP2\n',
};

export async function openVirtualPico(spec: BoardSpec, options: VirtualBoardOptions): Promise<VirtualBoard> {
  const { onEvent } = options;
  const identity: PortIdentity = { path: 'virtual', kind: 'virtual', origin: 'virtual-cycles', board: spec.id };
  const machine = new Rp2040Machine(spec.flashBytes, (bytes) => port.deliver(bytes));
  let scheduled: NodeJS.Immediate | undefined;
  const slice = (): void => {
    scheduled = undefined;
    try {
      if (machine.run(SLICE_INSTRUCTIONS)) wake();
    } catch (error) {
      port.ended(error as Error);
    }
  };
  const wake = (): void => {
    scheduled ??= setImmediate(slice);
  };
  const start = (): void => {
    machine.reset();
    wake();
  };
  const flash = (uf2: Uint8Array): void => {
    const family = Number(spec.flash.options?.['familyId'] ?? RP2040_FAMILY);
    machine.load(decodeUf2(uf2, family));
    start();
  };
  const port = new VirtualPort(identity, {
    write: (bytes) => {
      machine.feed(bytes);
      wake();
    },
    reset: async () => start(),
    close: async () => {
      if (scheduled) clearImmediate(scheduled);
      scheduled = undefined;
      drive.close();
    },
  });
  const drive = openDrive({
    ...(options.driveFolder !== undefined && { folder: options.driveFolder }),
    name: String(spec.flash.options?.['volume'] ?? 'RPI-RP2'),
    files: driveFiles,
    accepts: (name) => name.toLowerCase().endsWith('.uf2'),
    onFile: (_, bytes) => {
      flash(bytes);
      onEvent?.({ stage: 'virtual', message: `${spec.name} took ${bytes.length} bytes of UF2 and restarted` });
    },
    onRejected: (name, error) =>
      onEvent?.({ stage: 'virtual', message: `${spec.name} rejected ${name}: ${(error as Error).message}` }),
  });
  const board: VirtualBoard = {
    spec,
    port,
    identity,
    driveFolder: drive.folder,
    load: async (path) => flash(readFileSync(path)),
    close: () => port.close(),
  };
  await closingOnFailure(board, options.image);
  return board;
}
