/** Every board file that ships: valid, unambiguous, and described by the schema beside it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { boardJsonSchema } from '../../src/boards/board-schema.js';
import { boardsFolder, listBoards, loadBoard } from '../../src/boards/load-board.js';
import { projectFolder } from '../shared-folder.js';

describe('the shipped boards', () => {
  const boards = listBoards();

  it('are there and valid', () => {
    expect(boards.map(({ id }) => id)).toEqual(
      expect.arrayContaining(['rpi-pico', 'mps2-an386', 'mps2-an385', 'host']),
    );
  });

  it('have names that mean one board each', () => {
    const names = boards.flatMap(({ id, aliases }) => [id, ...aliases]);
    expect(new Set(names).size).toBe(names.length);
    for (const board of boards) for (const name of [board.id, ...board.aliases]) expect(loadBoard(name)).toEqual(board);
  });

  it.each(boards.map((board) => [board.id, board] as const))('%s uses a template that ships', (_, { template }) => {
    expect(existsSync(join(projectFolder, 'firmware-templates', template))).toBe(true);
  });

  it('are described by board.schema.json as the code checks them', () => {
    expect(readFileSync(join(boardsFolder, 'board.schema.json'), 'utf8')).toBe(boardJsonSchema());
  });
});
