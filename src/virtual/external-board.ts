/** Virtual boards that run in a process of their own: QEMU machines, and the firmware as a program of this computer. */
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { BoardSpec } from '../core/board-spec.js';
import { decodeIntelHex } from '../core/intel-hex.js';
import type { PortIdentity } from '../core/reading.js';
import { openDrive } from './drive-folder.js';
import { startProcess } from './process-machine.js';
import {
  type MachineRun,
  NANOSECONDS_PER_INSTRUCTION,
  type QemuMachine,
  type RunListeners,
  startQemu,
} from './qemu-machine.js';
import { closingOnFailure, type VirtualBoard, type VirtualBoardOptions } from './virtual-board.js';
import { VirtualPort } from './virtual-port.js';

type Start = (image: string, listeners: RunListeners) => Promise<MachineRun>;

export const openQemuBoard = (spec: BoardSpec, options: VirtualBoardOptions): Promise<VirtualBoard> =>
  openExternal(spec, options, (image, listeners) => startQemu(machineOf(spec), image, listeners), {
    path: 'virtual',
    kind: 'virtual',
    origin: 'virtual-instructions',
    board: spec.id,
    nanosecondsPerInstruction: NANOSECONDS_PER_INSTRUCTION,
  });

/** A board whose interface chip shows a drive that takes .hex files. */
const isDapLink = ({ flash }: BoardSpec): boolean => flash.method === 'hex-drive';
const dapLinkDetails = ({ name }: BoardSpec): string => `# ${name}, virtual\r\nDaplink Mode: Interface\r\n`;

const machineOf = ({ id, core, virtual }: BoardSpec): QemuMachine => ({
  program: core === 'rv32imc' ? 'qemu-system-riscv32' : 'qemu-system-arm',
  name: virtual?.machine ?? id,
  ...(virtual?.serialLine !== undefined && { serialLine: virtual.serialLine }),
});

export const openProcessBoard = (spec: BoardSpec, options: VirtualBoardOptions): Promise<VirtualBoard> =>
  openExternal(spec, options, startProcess, { path: 'process', kind: 'process', origin: 'host', board: spec.id });

async function openExternal(
  spec: BoardSpec,
  options: VirtualBoardOptions,
  start: Start,
  identity: PortIdentity,
): Promise<VirtualBoard> {
  const flash = mkdtempSync(join(tmpdir(), 'thimble-flash-')); // the board's own copy of what it runs
  let image: string | undefined;
  let loads = 0;
  let run: MachineRun | undefined;
  const boot = async (candidate: string): Promise<void> => {
    const previous = run;
    run = undefined;
    await previous?.end();
    options.onStart?.();
    run = await start(candidate, {
      onBytes: (bytes) => port.deliver(bytes),
      onEnd: (error) => port.ended(error),
    });
  };
  const load = async (path: string): Promise<void> => {
    const copy = join(flash, `${loads++}-${basename(path)}`);
    if (/\.hex$/i.test(path)) decodeIntelHex(readFileSync(path, 'latin1')); // half a file is no program
    copyFileSync(path, copy);
    chmodSync(copy, 0o755);
    const previous = image;
    try {
      await boot(copy);
      image = copy;
    } catch (error) {
      if (previous !== undefined) await boot(previous);
      throw error;
    }
  };
  const port = new VirtualPort(identity, {
    write: async (bytes) => run?.write(bytes), // no program, nobody listens: as on a wire
    reset: async () => {
      if (image !== undefined) await boot(image);
    },
    close: async () => {
      drive.close();
      await run?.end();
      rmSync(flash, { recursive: true, force: true });
    },
  });
  const drive = openDrive({
    ...(options.driveFolder !== undefined && { folder: options.driveFolder }),
    name: spec.id,
    ...(isDapLink(spec) && { files: { 'DETAILS.TXT': dapLinkDetails(spec) } }),
    accepts: (name) => (isDapLink(spec) ? /\.hex$/i : /^firmware(\.elf)?$/).test(name),
    onFile: async (path) => {
      await load(path);
      options.onEvent?.({ stage: 'virtual', message: `${spec.name} took ${basename(path)} and restarted` });
    },
    onRejected: (name, error) =>
      options.onEvent?.({
        stage: 'virtual',
        message: `${spec.name} rejected ${name}: ${(error as Error).message}`,
      }),
  });
  const board: VirtualBoard = {
    spec,
    port,
    identity,
    driveFolder: drive.folder,
    load,
    close: () => port.close(),
  };
  await closingOnFailure(board, options.image);
  return board;
}
