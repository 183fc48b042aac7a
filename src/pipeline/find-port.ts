/** --port auto: the one port that is the board's, by its USB id, by what was used last, by its handshake, or by asking. */
import { listBoards } from '../boards/load-board.js';
import type { BoardSpec } from '../core/board-spec.js';
import { ThimbleError } from '../core/errors.js';
import type { OnEvent } from '../core/stage-event.js';
import { greet, usualBauds } from '../device/greet.js';
import { type ListedPort, listPorts } from '../device/list-ports.js';
import { portHolders } from '../device/port-holders.js';
import { recallPort, rememberedAmong, rememberPort } from '../device/remembered-ports.js';
import { openSerialPort } from '../device/serial-port.js';
import type { FlashMethod } from '../flash/index.js';
import { isFlashOnly } from '../virtual/index.js';
import { type UsbFacts, usbFacts, whyNoPort } from './missing-port.js';

/** --port virtual: the board's twin in this process. */
export const VIRTUAL = 'virtual';
/** --port auto: the one port that can be this board's. */
export const AUTO = 'auto';

/** More ports than this are not all spoken to: they are somebody's machines. */
const MAX_GREETED = 4;

/** All are asked at once, so that one that says nothing costs no more than this. */
const ASK_MS = 2000;

/** Asks the person which of several ports it is. */
export type ChoosePort = (board: BoardSpec, ports: readonly ListedPort[]) => Promise<ListedPort>;

/** This computer, or what a test makes of it. */
export interface PortWorld {
  list(boards: readonly BoardSpec[]): Promise<readonly ListedPort[]>;
  usb(): UsbFacts;
  readonly memory?: string; // the file of remembered ports, where it is not the user's own
}
export const thisComputer: PortWorld = { list: listPorts, usb: usbFacts };

export interface PortSearch {
  readonly choosePort?: ChoosePort | undefined;
  readonly onEvent?: OnEvent | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly world?: PortWorld | undefined;
}

/**
 * The port that a flash method is given.
 * @throws ThimbleError E_NO_PORT where it needs one and AUTO finds none, or several
 */
export async function portForFlashing(
  method: FlashMethod,
  board: BoardSpec,
  port: string,
  search: PortSearch = {},
): Promise<string | undefined> {
  // What a board in need of a program answers says nothing of which one it is: it is not asked.
  if (method.needsPort) return resolvePort(board, port, search, false);
  if (method.wantsPort === undefined) return undefined;
  if (port !== AUTO) return port;
  if (method.wantsPort === 'if-named') return undefined;
  // Another board's port must not be touched: only one with the USB id of this board will do.
  const { list } = search.world ?? thisComputer;
  const own = (await list(listBoards())).filter(({ boards }) => boards.includes(board.id));
  return own.length === 1 ? own[0]!.path : undefined;
}

/** @throws ThimbleError E_NO_PORT where AUTO finds none, or several */
export const resolvePort = async (
  board: BoardSpec,
  port: string,
  search: PortSearch = {},
  mayGreet = true,
): Promise<string> => (port === AUTO ? findPort(board, search, mayGreet) : port);

async function findPort(board: BoardSpec, search: PortSearch, mayGreet: boolean): Promise<string> {
  const { choosePort, onEvent, world = thisComputer } = search;
  const boards = listBoards();
  const ports = await world.list(boards);
  const matching = ports.filter((port) => port.boards.includes(board.id));
  const candidates = matching.length > 0 ? matching : ports;
  if (candidates.length === 0) throw noPort(board, boards, world);
  if (candidates.length === 1) return candidates[0]!.path;

  const found = (port: ListedPort, why: string): string => {
    onEvent?.({ stage: 'connect', message: `${port.path}: ${why}` });
    return port.path;
  };
  const last = rememberedAmong(candidates, recallPort(board.id, world.memory));
  if (last) return found(last, `the ${board.name} of last time (USB serial number ${last.serialNumber})`);
  const answering = mayGreet ? await whoAnswers(board, candidates, search) : [];
  if (answering.length === 1) return found(answering[0]!, `the only one that answers as "${board.id}"`);
  const left = answering.length > 1 ? answering : candidates;
  if (!choosePort) throw several(board, left);
  const { path } = await choosePort(board, left);
  rememberPath(board, path, candidates, world.memory);
  return path;
}

/** Those whose firmware says that it was made for this board. A port that somebody holds is left alone. */
async function whoAnswers(
  board: BoardSpec,
  candidates: readonly ListedPort[],
  { onEvent, signal }: PortSearch,
): Promise<readonly ListedPort[]> {
  // A pty is always held: by the program at its other end.
  const free = candidates.filter(({ path, kind }) => kind === 'pty' || portHolders(path).length === 0);
  if (free.length > MAX_GREETED) return [];
  onEvent?.({ stage: 'connect', message: `asking ${free.map(({ path }) => path).join(' and ')} who they are` });
  const answers = await Promise.all(free.map(({ path }) => boardAt(path, board, signal)));
  return free.filter((_, i) => answers[i] === board.id);
}

async function boardAt(path: string, board: BoardSpec, signal: AbortSignal | undefined): Promise<string | undefined> {
  const { baud, resetOnOpen } = board.serial;
  try {
    const port = await openSerialPort(path, { baud });
    try {
      const said = await greet(port, [baud], { signal, answerMs: ASK_MS, ...(resetOnOpen && { bootMs: BOOT_MS }) });
      return said?.handshake?.board;
    } finally {
      await port.close();
    }
  } catch {
    return undefined; // it does not open, or went: not the one
  }
}

/** A boot loader included. */
export const BOOT_MS = 3000;

/** The board's own speed last time, its own, then what people use. */
export function baudsFor(board: BoardSpec, world: PortWorld = thisComputer): readonly number[] {
  const last = recallPort(board.id, world.memory)?.baud;
  return [...new Set([...(last === undefined ? [] : [last]), board.serial.baud, ...usualBauds])];
}

/** What the system lists alone: a pty is another one the next time. */
export async function rememberBoard(
  board: BoardSpec,
  path: string,
  baud: number | undefined,
  world: PortWorld = thisComputer,
): Promise<void> {
  rememberPath(board, path, await world.list([]).catch(() => []), world.memory, baud);
}

function rememberPath(
  board: BoardSpec,
  path: string,
  ports: readonly ListedPort[],
  file: string | undefined,
  baud?: number,
): void {
  const port = ports.find((each) => each.path === path);
  if (!port) return;
  const { usbId, serialNumber, location } = port;
  const remembered = {
    path,
    ...(usbId !== undefined && { usbId }),
    ...(serialNumber !== undefined && { serialNumber }),
    ...(location !== undefined && { location }),
    ...(baud !== undefined && baud !== board.serial.baud && { baud }),
  };
  rememberPort(board.id, remembered, file);
}

const withoutBoard = (board: BoardSpec): readonly string[] =>
  board.virtual && !isFlashOnly(board) ? [`Without a board at hand: --port ${VIRTUAL}`] : [];

function noPort(board: BoardSpec, boards: readonly BoardSpec[], world: PortWorld): ThimbleError {
  const { what, hints } = whyNoPort(board, boards, world.usb());
  return new ThimbleError('E_NO_PORT', `no serial port for the ${board.name}: ${what}`, [
    ...hints.slice(0, withoutBoard(board).length > 0 ? 2 : 3),
    ...withoutBoard(board),
  ]);
}

function several(board: BoardSpec, ports: readonly ListedPort[]): ThimbleError {
  const each = ports.map((port) => `${port.path} (${portText(port)})`);
  return new ThimbleError('E_NO_PORT', `${ports.length} ports could be the ${board.name}: ${each.join(', ')}`, [
    `Say which: --port ${ports[0]!.path}; the next time it is known by its USB serial number.`,
    'Or unplug the others.',
    ...withoutBoard(board),
  ]);
}

/** What a person can tell ports apart by. */
export function portText({ product, manufacturer, usbId, serialNumber, location }: ListedPort): string {
  const name = product ?? manufacturer ?? (usbId === undefined ? 'no USB device' : `USB ${usbId}`);
  return [
    name,
    ...(serialNumber === undefined ? [] : [`serial number ${serialNumber}`]),
    ...(location === undefined ? [] : [`socket ${location}`]),
  ].join(', ');
}
