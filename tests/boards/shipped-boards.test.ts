/** Every board file that ships: valid, unambiguous, and described by the schema beside it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { boardJsonSchema } from '../../src/boards/board-schema.js';
import { boardsFolder, listBoards, loadBoard } from '../../src/boards/load-board.js';
import { isBuildable, refuseWithoutTemplate } from '../../src/firmware/template.js';
import { flashMethodOf } from '../../src/flash/index.js';
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

  it.each(boards.map((board) => [board.id, board] as const))('%s is built for, or says that it is not', (_, board) => {
    if (board.template === undefined) {
      expect(isBuildable(board)).toBe(false);
      expect(() => refuseWithoutTemplate(board)).toThrow(
        `Thimble does not build a whole program for the ${board.name}`,
      );
    } else {
      expect(existsSync(join(projectFolder, 'firmware-templates', board.template))).toBe(true);
      expect(isBuildable(board)).toBe(true);
      expect(() => refuseWithoutTemplate(board)).not.toThrow();
    }
  });

  it.each(boards.map((board) => [board.id, board] as const))('%s has a flash method, or a command', (_, board) => {
    const method = flashMethodOf(board);
    if (method.name !== 'by-hand' || board.serial.usbIds.length === 0) return;
    expect(board.facts?.flashCommands.length).toBeGreaterThan(0);
  });

  it('have no more to use than there is', () => {
    for (const { id, facts, flashBytes, ramBytes } of boards) {
      expect(facts?.usableFlashBytes ?? 0, id).toBeLessThanOrEqual(flashBytes);
      expect(facts?.usableRamBytes ?? 0, id).toBeLessThanOrEqual(ramBytes);
    }
  });

  it('cover the kits that courses use, and name their core, pin and loader', () => {
    const kits =
      'arduino-uno arduino-nano arduino-mega2560 nano33ble-sense nicla-vision xiao-esp32s3-sense esp32-devkit ' +
      'esp32-s3-devkitc esp32-c3-devkitm rpi-pico rpi-pico2 microbit-v1 microbit-v2 nucleo-f401re nucleo-f446re ' +
      'nucleo-l476rg nucleo-f767zi nucleo-h743zi2 teensy-40 teensy-41 grove-vision-ai-v2 xiao-nrf52840-sense';
    for (const id of kits.split(' ')) expect(loadBoard(id).facts, id).toBeDefined();
    expect(['uno', 'pico', 'pico2'].map((alias) => loadBoard(alias).id)).toEqual([
      'arduino-uno',
      'rpi-pico',
      'rpi-pico2',
    ]);
    expect(loadBoard('xiao-esp32s3').facts?.led).toEqual({ pin: 'GPIO21', activeLow: true });
  });

  it('are described by board.schema.json as the code checks them', () => {
    expect(readFileSync(join(boardsFolder, 'board.schema.json'), 'utf8')).toBe(boardJsonSchema());
  });
});
