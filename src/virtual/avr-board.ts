/**
 * A virtual Arduino Uno, Nano or Mega: avr8js behind a Port, as fast as the real one or as fast as this computer can, and
 * never ahead of it, since the boot loader's second of listening is counted in its own time.
 */
import { readFileSync } from 'node:fs';
import type { BoardSpec } from '../core/board-spec.js';
import { decodeIntelHex } from '../core/intel-hex.js';
import type { PortIdentity } from '../core/reading.js';
import { findBootLoader } from './avr-boot-loader.js';
import { avrChip } from './avr-chips.js';
import { AvrMachine, resetCauses } from './avr-machine.js';
import { openDrive } from './drive-folder.js';
import { closingOnFailure, type VirtualBoard, type VirtualBoardOptions } from './virtual-board.js';
import { VirtualPort } from './virtual-port.js';

const SLICE_MS = 2; // of simulated time
const MAX_LAG_MS = 500; // behind this computer's clock; so much is caught up with, more is given up

export async function openVirtualAvr(spec: BoardSpec, options: VirtualBoardOptions): Promise<VirtualBoard> {
  const { onEvent } = options;
  const tell = (message: string): void => onEvent?.({ stage: 'virtual', message });
  const identity: PortIdentity = { path: 'virtual', kind: 'virtual', origin: 'virtual-cycles', board: spec.id };
  const chip = avrChip(spec.mcu);
  const bootLoader = await findBootLoader(spec.mcu);
  if (!bootLoader)
    tell(`no Arduino core is installed, so ${spec.name} has no boot loader: avrdude cannot reach it, only its drive`);
  const machine = new AvrMachine(
    chip,
    { clockHz: spec.clockHz, baud: spec.serial.baud, onBytes: (bytes) => port.deliver(bytes) },
    bootLoader,
  );
  const clock = new Pace(SLICE_MS, () => machine.run((SLICE_MS * spec.clockHz) / 1000));
  let written = 0;
  const restart = (cause: number): void => {
    machine.reset(cause);
    clock.start();
  };
  const flash = (hex: Uint8Array | string): void => {
    machine.load(decodeIntelHex(typeof hex === 'string' ? hex : Buffer.from(hex).toString('latin1')));
    written++;
    restart(resetCauses.power);
  };
  const port = new VirtualPort(identity, {
    write: (bytes) => machine.feed(bytes),
    reset: async () => {
      if (written > 0 || machine.hasBootLoader) restart(resetCauses.pin);
    },
    close: async () => {
      clock.stop();
      drive.close();
    },
  });
  const drive = openDrive({
    ...(options.driveFolder !== undefined && { folder: options.driveFolder }),
    name: spec.id,
    accepts: (name) => /\.hex$/i.test(name),
    onFile: (_, bytes) => {
      flash(bytes);
      tell(`${spec.name} took ${bytes.length} bytes of Intel HEX and restarted`);
    },
    onRejected: (name, error) => tell(`${spec.name} rejected ${name}: ${(error as Error).message}`),
  });
  const board: VirtualBoard = {
    spec,
    port,
    identity,
    driveFolder: drive.folder,
    load: async (path) => flash(readFileSync(path, 'latin1')),
    close: () => port.close(),
  };
  await closingOnFailure(board, options.image);
  if (options.image === undefined && machine.hasBootLoader) clock.start();
  return board;
}

/** Runs slices of simulated time, never ahead of this computer's clock. */
class Pace {
  readonly #sliceMs: number;
  readonly #slice: () => void;
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;
  #reached = 0; // simulated, in this computer's milliseconds

  constructor(sliceMs: number, slice: () => void) {
    this.#sliceMs = sliceMs;
    this.#slice = slice;
  }

  start(): void {
    if (this.#timer !== undefined || this.#immediate !== undefined) return;
    this.#reached = performance.now();
    this.#next();
  }

  stop(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
    this.#timer = this.#immediate = undefined;
  }

  #next(): void {
    const ahead = this.#reached - performance.now();
    const run = (): void => {
      this.stop();
      this.#slice();
      this.#reached = Math.max(this.#reached + this.#sliceMs, performance.now() - MAX_LAG_MS);
      this.#next();
    };
    if (ahead > 0) this.#timer = setTimeout(run, ahead);
    else this.#immediate = setImmediate(run);
  }
}
