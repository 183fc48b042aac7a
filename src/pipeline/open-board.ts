/** From '--board pico --port virtual' to a board that answers. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadBoard } from '../boards/load-board.js';
import type { BoardSpec } from '../core/board-spec.js';
import { ThimbleError } from '../core/errors.js';
import type { FirmwareImage } from '../core/firmware-image.js';
import type { Port } from '../core/port.js';
import { greet } from '../device/greet.js';
import { virtualDrive } from '../device/port-identity.js';
import { connect, type DeviceLink } from '../device/protocol.js';
import { openSerialPort } from '../device/serial-port.js';
import { flashMethodFor, flashMethodOf } from '../flash/index.js';
import { isFlashOnly, openVirtualBoard, type VirtualBoard } from '../virtual/index.js';
import { build, requireImage } from './build.js';
import type { KernelOptions } from './emit-model.js';
import {
  AUTO,
  BOOT_MS,
  baudsFor,
  type PortSearch,
  portForFlashing,
  rememberBoard,
  resolvePort,
  thisComputer,
  VIRTUAL,
} from './find-port.js';
import type { LoadedModel } from './load-model.js';

/** From the last byte of a program to the port of its USB: the system sets up its device in this time. */
const RESTART_MS = 6000;
const RETRY_MS = 300;

export interface ConnectRequest extends PortSearch {
  readonly board: BoardSpec;
  readonly port: string; // a path, VIRTUAL or AUTO
  readonly image?: FirmwareImage | undefined; // flashed first; VIRTUAL needs one
  readonly baud?: number | undefined; // instead of the board's own, and no other is tried
  readonly drive?: string | undefined; // folder of the board's USB drive, where it is not found by itself
  readonly timeoutMs?: number | undefined; // of one inference
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

/** Open, at a line speed at which somebody answers where there is one: what does not answer is left to the handshake. */
async function openRealPort(request: ConnectRequest): Promise<Port> {
  const { board, onEvent, signal, world } = request;
  const path = await (request.image ? portOfRestarted(request) : resolvePort(board, request.port, request));
  const bauds = request.baud === undefined ? baudsFor(board, world) : [request.baud];
  const port = await openSerialPort(path, {
    baud: bauds[0]!,
    onWarning: (message) => onEvent?.({ stage: 'connect', message }),
  });
  try {
    const restarts = ['serial', 'pty'].includes(port.identity.kind) && board.serial.resetOnOpen;
    const greeting = await greet(port, bauds, { signal, ...(restarts && { bootMs: BOOT_MS }) });
    const nominal = request.baud ?? board.serial.baud;
    if (!greeting) await port.setBaud?.(nominal);
    else if (greeting.baud !== nominal)
      onEvent?.({
        stage: 'connect',
        message: `${path} answers at ${greeting.baud} baud, not at the ${board.name}’s ${nominal}`,
      });
    if (greeting?.handshake) await rememberBoard(board, path, greeting.baud, world);
    return port;
  } catch (error) {
    await port.close();
    throw error;
  }
}

/** A board with a USB of its own takes a moment to come back with the program that was just flashed. */
async function portOfRestarted(request: ConnectRequest): Promise<string> {
  for (const start = Date.now(); ; await sleep(RETRY_MS)) {
    try {
      return await resolvePort(request.board, request.port, request);
    } catch (error) {
      const { list } = request.world ?? thisComputer;
      const none = (await list([]).catch(() => [])).length === 0;
      if (!none || Date.now() - start > RESTART_MS || request.signal?.aborted) throw error;
    }
  }
}

/** The one that was named, else that of the virtual board at the port; not where the board's own tool flashes through the port. */
export function driveFor(board: BoardSpec, port: string, named: string | undefined): string | undefined {
  if (named !== undefined || port === AUTO || port === VIRTUAL) return named;
  return flashMethodOf(board).drive ? virtualDrive(port) : undefined;
}

/**
 * By the method of the board's file; a virtual board takes its image from the folder that stands for its drive.
 * @returns the port at which the board is now, where the method needed one
 */
async function flash(
  image: FirmwareImage,
  request: ConnectRequest,
  twin: VirtualBoard | undefined,
): Promise<string | undefined> {
  const { board, port, onEvent, signal } = request;
  const drive = twin?.driveFolder ?? driveFor(board, port, request.drive);
  const method = flashMethodFor(board, drive);
  let path = port === VIRTUAL ? undefined : await portForFlashing(method, board, port, request);
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
