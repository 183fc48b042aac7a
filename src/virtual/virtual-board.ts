/** A board that is not there: it runs the same image, behind the same Port, as the real one. */
import type { BoardSpec } from '../core/board-spec.js';
import type { Port } from '../core/port.js';
import type { PortIdentity } from '../core/reading.js';
import type { OnEvent } from '../core/stage-event.js';

export interface VirtualBoard {
  readonly spec: BoardSpec;
  readonly port: Port;
  readonly identity: PortIdentity; // the port's
  /** Programs put here are flashed: a UF2 for the Pico, else the executable that the build made. */
  readonly driveFolder: string;
  /** Flashes and starts an image, the UF2 or the executable. Rejects with E_FLASH_FAILED and keeps what ran before. */
  load(path: string): Promise<void>;
  close(): Promise<void>; // idempotent; also closes the port
}

export interface VirtualBoardOptions {
  readonly image?: string; // to start with; without it the board waits for one in its drive
  readonly driveFolder?: string; // made if absent; default: a temporary one that goes with the board
  readonly onEvent?: OnEvent;
  readonly onStart?: () => void; // a program begins, for whatever reason
}

/** A board whose first image is bad must not stay behind half open. */
export async function closingOnFailure(board: VirtualBoard, image: string | undefined): Promise<void> {
  if (image === undefined) return;
  try {
    await board.load(image);
  } catch (error) {
    await board.close();
    throw error;
  }
}
