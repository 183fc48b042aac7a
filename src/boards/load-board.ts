/** Boards by name from the package's boards/ folder, or a person's own board file by path. */
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { BoardSpec } from '../core/board-spec.js';
import { ThimbleError } from '../core/errors.js';
import { packageFolder } from '../files/package-folder.js';
import { readFileOf } from '../files/read-file.js';
import { boardFaults, toBoardSpec } from './board-schema.js';
import { nearestNames } from './nearest-names.js';

/** A board file is a page of text; more is a mistake. */
const MAX_FILE_BYTES = 256 * 1024;

export const boardsFolder = join(packageFolder, 'boards');

/**
 * Every shipped board, by id.
 * @throws ThimbleError E_BOARD_FILE
 */
export function listBoards(folder = boardsFolder): readonly BoardSpec[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json') && file !== 'board.schema.json')
    .sort()
    .map((file) => readBoardFile(join(folder, file), basename(file, '.json')));
}

/**
 * @param name an id, an alias, or the path of a board file (ends in .json)
 * @throws ThimbleError E_BOARD_UNKNOWN with the nearest names, E_BOARD_FILE with every fault, E_FILE
 */
export function loadBoard(name: string, folder = boardsFolder): BoardSpec {
  if (name.endsWith('.json')) return readBoardFile(name);
  const boards = listBoards(folder);
  const wanted = name.toLowerCase();
  const board = boards.find(({ id, aliases }) => id === wanted || aliases.includes(wanted));
  if (board) return board;
  const near = nearestNames(
    wanted,
    boards.flatMap(({ id, aliases }) => [id, ...aliases]),
  );
  throw new ThimbleError('E_BOARD_UNKNOWN', `no board is called "${name}"`, [
    ...(near.length > 0 ? [`Did you mean ${near.join(' or ')}?`] : []),
    'thimble boards lists them all.',
    'For a board of your own: --board ./my-board.json, in the format of boards/board.schema.json.',
  ]);
}

/**
 * @param expectedId what $.id must say: for the shipped files, their own name
 * @throws ThimbleError E_BOARD_FILE, E_FILE
 */
export function readBoardFile(path: string, expectedId?: string): BoardSpec {
  const content = readFileOf('the board file', path);
  if (content.length > MAX_FILE_BYTES) throw boardFileError(path, [`$: ${content.length} bytes are no board file`]);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(content));
  } catch (cause) {
    throw boardFileError(path, [`$: not JSON (${cause instanceof Error ? cause.message : 'unreadable'})`], cause);
  }
  const faults = boardFaults(value);
  if (faults.length > 0) throw boardFileError(path, faults);
  const board = toBoardSpec(value);
  if (expectedId !== undefined && board.id !== expectedId)
    throw boardFileError(path, [`$.id: says "${board.id}", but the file is called ${expectedId}.json`]);
  return board;
}

const boardFileError = (path: string, faults: readonly string[], cause?: unknown): ThimbleError =>
  new ThimbleError(
    'E_BOARD_FILE',
    `the board file has ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}: ${faults.join('; ')}`,
    ['Compare it with boards/rpi-pico.json; boards/board.schema.json lets an editor check it while you type.'],
    { where: `in ${path}`, ...(cause === undefined ? {} : { cause }) },
  );
