import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { boardFaults } from '../../../src/boards/board-schema.js';
import { listBoards, loadBoard, readBoardFile } from '../../../src/boards/load-board.js';
import { editDistance, nearestNames } from '../../../src/boards/nearest-names.js';
import { ThimbleError } from '../../../src/core/errors.js';

const failure = (run: () => unknown): ThimbleError => {
  try {
    run();
  } catch (error) {
    if (error instanceof ThimbleError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};
const folder = mkdtempSync(join(tmpdir(), 'thimble-boards-'));
const file = (name: string, content: string) => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
const pico = (change: object) => JSON.stringify({ ...loadBoard('pico'), ...change });

describe('boards by name', () => {
  it('finds the Pico by id and by alias, in any case', () => {
    expect(loadBoard('rpi-pico')).toEqual(loadBoard('pico'));
    expect(loadBoard('Pico').mcu).toBe('RP2040');
  });

  it('suggests the nearest names for a slip of the pen', () => {
    const error = failure(() => loadBoard('picco'));
    expect(error.code).toBe('E_BOARD_UNKNOWN');
    expect(error.hints[0]).toBe('Did you mean pico?');
  });

  it('suggests nothing where nothing is near', () => {
    const error = failure(() => loadBoard('zzzzzzz'));
    expect(error.hints.join(' ')).not.toContain('Did you mean');
    expect(error.hints.length).toBeLessThanOrEqual(3);
  });

  it('measures the distance of two words', () => {
    expect(editDistance('kitten', 'sitting')).toBe(3);
    expect(editDistance('', 'abc')).toBe(3);
    expect(nearestNames('an386', ['mps2-an386', 'mps2-an385', 'host'])).toEqual(['mps2-an386']);
  });
});

describe('a board file of a person', () => {
  it('is read by its path', () => {
    expect(loadBoard(file('mine.json', pico({ id: 'mine', ramBytes: 65536 })))).toMatchObject({
      id: 'mine',
      ramBytes: 65536,
    });
  });

  it('gets all its faults told at once, each with its JSON path', () => {
    const error = failure(() =>
      loadBoard(
        file('bad.json', pico({ ramBytes: 'many', core: 'z80', colour: 'red', serial: { baud: 1, usbIds: ['x'] } })),
      ),
    );
    expect(error.code).toBe('E_BOARD_FILE');
    for (const part of [
      '$.ramBytes',
      '$.core',
      'colour',
      '$.serial.baud',
      '$.serial.usbIds[0]',
      '$.serial.resetOnOpen',
    ])
      expect(error.message).toContain(part);
    expect(error.where).toContain('bad.json');
  });

  it('may not contradict itself', () => {
    const value = JSON.parse(
      pico({
        aliases: ['rpi-pico'],
        reserved: { flashBytes: 2 ** 21, ramBytes: 2 ** 18, stackBytes: 2 ** 13 },
        virtual: { backend: 'qemu' },
      }),
    );
    expect(boardFaults(value).map((fault) => fault.split(':')[0])).toEqual([
      '$.reserved.flashBytes',
      '$.reserved',
      '$.virtual.machine',
      '$.aliases',
    ]);
  });

  it('may not promise more than it has in its facts', () => {
    const facts = loadBoard('pico').facts!;
    const faultsOf = (change: object) => boardFaults(JSON.parse(pico({ facts: { ...facts, ...change } })));
    expect(faultsOf({})).toEqual([]);
    expect(faultsOf({ usableFlashBytes: 2 ** 20 })[0]).toContain('$.reserved.flashBytes');
    expect(faultsOf({ usableRamBytes: 2 ** 16 })[0]).toContain('$.reserved.ramBytes');
    expect(faultsOf({ generalKnowledge: ['colour'] })[0]).toContain('$.facts.generalKnowledge[0]');
    expect(faultsOf({ colour: 'red' })[0]).toContain('$.facts');
  });

  it('must be JSON, and be there', () => {
    expect(failure(() => loadBoard(file('cut.json', pico({}).slice(0, 40)))).code).toBe('E_BOARD_FILE');
    expect(failure(() => loadBoard(file('big.json', ' '.repeat(300_000)))).code).toBe('E_BOARD_FILE');
    expect(failure(() => loadBoard(file('list.json', '[]'))).code).toBe('E_BOARD_FILE');
    expect(failure(() => loadBoard(join(folder, 'absent.json'))).code).toBe('E_FILE');
  });

  it('must carry its own name where boards are looked up by name', () => {
    expect(failure(() => readBoardFile(file('other.json', pico({})), 'other')).message).toContain('$.id');
    expect(failure(() => listBoards(folder)).code).toBe('E_BOARD_FILE');
  });
});
