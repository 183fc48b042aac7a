/** The board files against the list of kits that their facts were taken from. Skips where that list is not at hand. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadBoard } from '../../src/boards/load-board.js';
import { sharedPath, withoutShared } from '../shared-folder.js';

interface Kit {
  readonly id: string;
  readonly name: string;
  readonly mcu?: string;
  readonly clock_hz: number;
  readonly flash: number;
  readonly flash_usable?: number;
  readonly ram: number;
  readonly ram_usable?: number;
  readonly mve: boolean;
  readonly usb: readonly string[];
  readonly baud?: number;
  readonly fqbn?: string | null;
  readonly index?: string;
  readonly pio?: string | null;
  readonly usb_src?: string;
  readonly fqbn_src?: string;
  readonly specs_src?: string;
}

/** Not a microcontroller: the list says itself that it is out of scope. */
const NOT_A_BOARD = 'raspberry-pi-linux';
/** The boot loader's drive, at which no program talks. */
const BOOT_LOADER_ONLY = new Set(['2e8a:0003']);

const kits: readonly Kit[] = withoutShared
  ? []
  : (JSON.parse(readFileSync(sharedPath('reference/kits.json'), 'utf8')) as { kits: readonly Kit[] }).kits.filter(
      ({ id }) => id !== NOT_A_BOARD,
    );

describe.skipIf(withoutShared)(`the kits${withoutShared ? ' (needs ../shared)' : ''}`, () => {
  it('are many', () => {
    expect(kits.length).toBeGreaterThanOrEqual(22);
  });

  it.each(kits.map((kit) => [kit.id, kit] as const))('%s is as the list says', (id, kit) => {
    const board = loadBoard(id);
    expect({ clock: board.clockHz, flash: board.flashBytes, ram: board.ramBytes }).toEqual({
      clock: kit.clock_hz,
      flash: kit.flash,
      ram: kit.ram,
    });
    const facts = board.facts!;
    if (kit.flash_usable !== undefined) expect(facts.usableFlashBytes).toBe(kit.flash_usable);
    if (kit.ram_usable !== undefined) expect(facts.usableRamBytes).toBe(kit.ram_usable);
    expect(facts.mve).toBe(kit.mve);
    for (const usb of kit.usb) if (!BOOT_LOADER_ONLY.has(usb)) expect(board.serial.usbIds).toContain(usb);
    if (kit.baud !== undefined) expect(board.serial.baud).toBe(kit.baud);
    if (kit.fqbn)
      expect(kit.fqbn.split(' | ')).toContain(facts.arduino?.fqbn.replace(':cpu=atmega328old', ':cpu=atmega328'));
    if (kit.index && kit.fqbn) expect(facts.arduino?.index).toBe(kit.index);
    if (kit.pio) expect(kit.pio).toContain(facts.platformio!);
    // What the list marks as general knowledge stays marked.
    if (kit.usb_src?.startsWith('general knowledge')) expect(facts.generalKnowledge).toContain('serial');
    if (kit.fqbn_src?.startsWith('general knowledge')) expect(facts.generalKnowledge).toContain('arduino');
    if (kit.specs_src) expect(facts.generalKnowledge).toEqual(expect.arrayContaining(['flashBytes', 'ramBytes']));
  });
});
