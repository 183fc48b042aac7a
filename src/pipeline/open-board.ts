/** From '--board pico --port virtual' to a board that answers. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listBoards, loadBoard } from '../boards/load-board.js';
import type { BoardSpec } from '../core/board-spec.js';
import { ThimbleError } from '../core/errors.js';
import type { FirmwareImage } from '../core/firmware-image.js';
import type { Port } from '../core/port.js';
import type { OnEvent } from '../core/stage-event.js';
import { listPorts } from '../device/list-ports.js';
import { connect, type DeviceLink } from '../device/protocol.js';
import { openSerialPort } from '../device/serial-port.js';
import { type FlashMethod, flashMethodFor } from '../flash/index.js';
import { isFlashOnly, openVirtualBoard, type VirtualBoard } from '../virtual/index.js';
import { build, requireImage } from './build.js';
import type { KernelOptions } from './emit-model.js';
import type { LoadedModel } from './load-model.js';

/** --port virtual: the board's twin in this process. */
export const VIRTUAL = 'virtual';
/** --port auto: the one port that can be this board's. */
export const AUTO = 'auto';

export interface ConnectRequest {
  readonly board: BoardSpec;
  readonly port: string; // a path, VIRTUAL or AUTO
  readonly image?: FirmwareImage | undefined; // flashed first; VIRTUAL needs one
  readonly drive?: string | undefined; // folder of the board's USB drive, where it is not found by itself
  readonly timeoutMs?: number | undefined; // of one inference
  readonly onEvent?: OnEvent | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface BoardSession {
  readonly link: DeviceLink;
  readonly board: BoardSpec;
  close(): Promise<void>; // the port, and a virtual board with it
}

/** @throws ThimbleError of flashing, of the port (E_NO_PORT, E_PORT_BUSY) and of the handshake (E_NO_ANSWER …) */
export async function connectBoard(request: ConnectRequest): Promise<BoardSession> {
  const { board, image, onEvent, signal } = request;
  let twin: VirtualBoard | undefined;
  try {
    if (request.port === VIRTUAL) {
      if (!image)
        throw new ThimbleError('E_USAGE', 'a virtual board in this process has no firmware yet', [
          'Name the model, so that its firmware is built.',
          `Or serve one: thimble virtual ${board.id} --pty /tmp/board`,
        ]);
      if (isFlashOnly(board))
        throw new ThimbleError(
          'E_USAGE',
          `the virtual ${board.name} can be flashed, but runs nothing: nobody emulates its cores`,
          [
            `Run the same model on another virtual board: thimble boards lists them.`,
            `To try flashing: thimble virtual ${board.id} --pty /tmp/board`,
          ],
        );
      twin = await openVirtualBoard(board, onEvent ? { onEvent } : {});
    }
    const flashed = image && (await flash(image, request, twin));
    const port = twin?.port ?? (await openRealPort({ ...request, port: flashed ?? request.port }));
    const link = await connect(port, {
      signal,
      resetsOnOpen: ['serial', 'pty'].includes(port.identity.kind) && board.serial.resetOnOpen,
      ...(request.timeoutMs !== undefined && { timeouts: { inferenceMs: request.timeoutMs } }),
    });
    return {
      link,
      board,
      close: async () => {
        await link.close();
        await twin?.close();
      },
    };
  } catch (error) {
    await twin?.close();
    throw error;
  }
}

/**
 * By the method of the board's file; a virtual board takes its image from the folder that stands for its drive.
 * @returns the port at which the board is now, where the method needed one
 */
async function flash(
  image: FirmwareImage,
  { board, port, drive: named, onEvent, signal }: ConnectRequest,
  twin: VirtualBoard | undefined,
): Promise<string | undefined> {
  const drive = twin?.driveFolder ?? named;
  const method = flashMethodFor(board, drive);
  let path = port === VIRTUAL ? undefined : await portForFlashing(method, board, port);
  await method.flash({
    board,
    image,
    ...(drive !== undefined && { drive }),
    ...(path !== undefined && { port: path }),
    onPort: (now) => {
      path = now;
    },
    ...(onEvent && { onEvent }),
    ...(signal && { signal }),
  });
  return path;
}

/** A model on a board, to be asked: behind VIRTUAL its firmware is built and started, elsewhere it must run already. */
export async function openModelOnBoard(
  model: LoadedModel,
  request: Omit<ConnectRequest, 'board' | 'image'> & {
    readonly board: string;
    readonly kernels?: KernelOptions; // of what is built for VIRTUAL
  },
): Promise<BoardSession> {
  const board = loadBoard(request.board);
  if (request.port !== VIRTUAL) return connectBoard({ ...request, board });
  const folder = mkdtempSync(join(tmpdir(), 'thimble-build-'));
  try {
    const built = await build(model, {
      ...{ board, folder, onEvent: request.onEvent, signal: request.signal },
      ...request.kernels,
    });
    const image = requireImage(built, folder);
    const session = await connectBoard({ ...request, board, image });
    return {
      ...session,
      close: async () => {
        await session.close();
        rmSync(folder, { recursive: true, force: true }); // the program of the board "host" runs from there
      },
    };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

async function openRealPort({ board, port, onEvent }: ConnectRequest): Promise<Port> {
  const path = await resolvePort(board, port);
  return openSerialPort(path, {
    baud: board.serial.baud,
    onWarning: (message) => onEvent?.({ stage: 'connect', message }),
  });
}

/**
 * The port that a flash method is given.
 * @throws ThimbleError E_NO_PORT where it needs one and AUTO finds none, or several
 */
export async function portForFlashing(
  method: FlashMethod,
  board: BoardSpec,
  port: string,
): Promise<string | undefined> {
  if (method.needsPort) return resolvePort(board, port);
  if (method.wantsPort === undefined) return undefined;
  if (port !== AUTO) return port;
  if (method.wantsPort === 'if-named') return undefined;
  // Another board's port must not be touched: only one with the USB id of this board will do.
  const own = (await listPorts(listBoards())).filter(({ boards }) => boards.includes(board.id));
  return own.length === 1 ? own[0]!.path : undefined;
}

/** @throws ThimbleError E_NO_PORT where AUTO finds none, or several */
export const resolvePort = async (board: BoardSpec, port: string): Promise<string> =>
  port === AUTO ? findPort(board) : port;

/** The only port with one of the board's USB ids, else the only port there is; never a guess between two. */
async function findPort(board: BoardSpec): Promise<string> {
  const ports = (await listPorts(listBoards())).filter(({ kind }) => kind === 'serial');
  const matching = ports.filter(({ boards }) => boards.includes(board.id));
  const candidates = matching.length > 0 ? matching : ports;
  const [only] = candidates;
  if (only && candidates.length === 1) return only.path;
  const withoutBoard = board.virtual && !isFlashOnly(board) ? [`Without a board at hand: --port ${VIRTUAL}`] : [];
  if (!only)
    throw new ThimbleError('E_NO_PORT', `no serial port that could be the ${board.name}`, [
      'Plug the board in, with a cable that carries data.',
      ...withoutBoard,
      'thimble doctor looks for what may be wrong.',
    ]);
  throw new ThimbleError(
    'E_NO_PORT',
    `${candidates.length} ports could be the ${board.name}: ${candidates.map(({ path }) => path).join(', ')}`,
    [`Say which: --port ${only.path}`, ...withoutBoard],
  );
}
