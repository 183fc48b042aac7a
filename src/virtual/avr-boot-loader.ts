/**
 * The boot loaders that Arduino ships, from whatever Arduino core is installed: the virtual board then speaks to avrdude
 * with the very code that the real one does. Debian's Optiboot overruns its 512 bytes as shipped (its newer compiler is
 * more generous), so it is compiled from the source beside it where the image does not fit.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { decodeIntelHex, type HexPart } from '../core/intel-hex.js';
import { onPath } from './child-process.js';

interface BootLoader {
  readonly image: string; // below bootloaders/
  readonly end: number; // of the flash
  readonly source?: { readonly file: string; readonly flags: readonly string[] };
}

/** Optiboot's Makefile, target atmega328, and what a current gcc must be forbidden to keep it below 512 bytes. */
const optibootFlags = [
  ...['-mmcu=atmega328p', '-DF_CPU=16000000L', '-DBAUD_RATE=115200', '-DLED_START_FLASHES=3'],
  ...['-Os', '-fno-inline-small-functions', '-fno-split-wide-types', '-mshort-calls'],
  ...['-fno-tree-scev-cprop', '-fno-caller-saves', '-fno-jump-tables', '-fno-inline'],
  ...['-Wl,--section-start=.text=0x7e00', '-Wl,--section-start=.version=0x7ffe', '-Wl,--relax', '-Wl,--gc-sections'],
  ...['-nostartfiles', '-nostdlib'],
];

const optiboot: BootLoader = {
  image: 'optiboot/optiboot_atmega328.hex',
  end: 0x8000,
  source: { file: 'optiboot/optiboot.c', flags: optibootFlags },
};

const bootLoaders: Readonly<Record<string, BootLoader>> = {
  ATmega328P: optiboot,
  ATmega2560: { image: 'stk500v2/stk500boot_v2_mega2560.hex', end: 0x40000 },
};

/** Debian's package, and where the Arduino IDE and arduino-cli put theirs, newest first. */
export function arduinoCores(home = homedir()): readonly string[] {
  const own = ['.arduino15', 'Library/Arduino15', 'AppData/Local/Arduino15'].flatMap((folder) => {
    const versions = join(home, folder, 'packages/arduino/hardware/avr');
    return existsSync(versions)
      ? readdirSync(versions)
          .sort()
          .reverse()
          .map((each) => join(versions, each))
      : [];
  });
  return [...own, '/usr/share/arduino/hardware/arduino/avr'].filter((folder) => existsSync(folder));
}

/**
 * The boot loader of a chip; undefined where no Arduino core is installed, or none of its images is usable.
 */
export async function findBootLoader(mcu: string, cores = arduinoCores()): Promise<readonly HexPart[] | undefined> {
  const wanted = bootLoaders[mcu];
  if (!wanted) return undefined;
  for (const core of cores) {
    const folder = join(core, 'bootloaders');
    const image = join(folder, wanted.image);
    if (!existsSync(image)) continue;
    const parts = decodeIntelHex(readFileSync(image, 'latin1'));
    if (parts.every(({ address, bytes }) => address + bytes.length <= wanted.end)) return parts;
    const source = wanted.source && join(folder, wanted.source.file);
    if (source && existsSync(source) && onPath('avr-gcc')) return compile(source, wanted.source!.flags);
  }
  return undefined;
}

async function compile(source: string, flags: readonly string[]): Promise<readonly HexPart[]> {
  const folder = mkdtempSync(join(tmpdir(), 'thimble-boot-'));
  const run = promisify(execFile);
  try {
    const [elf, hex] = [join(folder, 'boot.elf'), join(folder, 'boot.hex')];
    await run('avr-gcc', ['-w', ...flags, '-o', elf, source], { timeout: 60_000 });
    await run('avr-objcopy', [
      '-O',
      'ihex',
      '-j',
      '.text',
      '-j',
      '.version',
      '--set-section-flags',
      '.version=alloc,load',
      elf,
      hex,
    ]);
    return decodeIntelHex(readFileSync(hex, 'latin1'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
