/** What other people's tools say, in words that help: recorded from the tools themselves where no board is needed. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exitCodeOf } from '../../../src/core/errors.js';
import { toolErrors } from '../../../src/tools/tool-errors/index.js';
import { translate, translateAny } from '../../../src/tools/translate.js';
import { projectFolder } from '../../shared-folder.js';
import { documentedOutputs } from './documented-outputs.js';

const recordings = join(projectFolder, 'tests/unit/tools/recorded');
const recorded = (name: string) => readFileSync(join(recordings, `${name}.txt`), 'utf8');

/**
 * Debian 12: avrdude 7.1, bossac 1.9.1, dfu-util 0.11, OpenOCD 0.12.0, stm32flash 0.7, teensy_loader_cli 2.2, arm gcc
 * 12.2, avr-gcc 5.4, gcc 12.2. `silent` is a pty that never answers, `garbage` one where a running firmware does.
 */
const cases: readonly (readonly [string, string, string | undefined, string])[] = [
  ['avrdude-missing-port', 'avrdude', 'avrdude-no-port', '/dev/ttyNONE'],
  ['avrdude-noperm', 'avrdude', 'avrdude-no-permission', 'noperm'],
  ['avrdude-silent', 'avrdude', 'avrdude-not-in-sync', 'boot loader'],
  ['avrdude-garbage', 'avrdude', 'avrdude-not-in-sync', 'boot loader'],
  ['avrdude-wiring-silent', 'avrdude', 'avrdude-wiring-timeout', 'Mega'],
  ['avrdude-unknown-programmer', 'avrdude', 'avrdude-unknown-programmer', 'nosuch'],
  ['bossac-missing', 'bossac', 'bossac-no-device', '/dev/ttyNONE'],
  ['bossac-silent', '/usr/bin/bossac', 'bossac-no-device', 'silent'],
  ['dfu-missing', 'dfu-util', 'dfu-no-device', 'boot loader'],
  ['dfu-nofile', 'dfu-util', 'dfu-no-file', 'none.bin'],
  ['openocd-stlink', 'openocd', 'openocd-no-probe', 'probe'],
  ['openocd-cmsis', 'openocd', 'openocd-no-probe', 'probe'],
  ['openocd-noscript', 'openocd', 'openocd-no-script', 'interface/nosuch.cfg'],
  ['openocd-port', 'openocd', 'openocd-no-driver', 'nosuch'],
  ['stm32flash-missing', 'stm32flash', 'stm32flash-no-port', '/dev/ttyNONE'],
  ['stm32flash-notsize', 'stm32flash', 'stm32flash-no-file', 'nosuch.bin'],
  ['stm32flash-silent', 'stm32flash', 'stm32flash-no-answer', 'ROM'],
  ['stm32flash-garbage', 'stm32flash', 'stm32flash-garbled', 'ROM'],
  ['teensy-nofile', 'teensy_loader_cli', 'teensy-no-file', 'none.hex'],
  ['teensy-badmcu', 'teensy_loader_cli.exe', 'teensy-unknown-mcu', 'TEENSY99'],
  ['ld-ram', 'arm-none-eabi-gcc', 'ld-ram-overflowed', '201696 bytes more RAM'],
  ['ld-flash', 'arm-none-eabi-gcc', 'ld-flash-overflowed', '375740 bytes more flash'],
  ['ld-ram-and-flash', 'arm-none-eabi-gcc', 'ld-ram-overflowed', '201696 bytes more RAM'],
  ['ld-backwards', 'arm-none-eabi-gcc', 'ld-location-counter', '0x20001000'],
  ['avr-ram', 'avr-gcc', 'ld-avr-ram', 'RAM'],
  ['avr-flash', 'avr-gcc', 'ld-section-does-not-fit', '.text'],
  ['gcc-assert', 'gcc', 'gcc-arena-assertion', 'kws_arena_fits_the_board'],
  ['gcc-no-header', 'g++', 'gcc-no-header', 'Arduino.h'],
  ['gcc-nolib', 'cc', 'ld-no-library', 'nosuchlib'],
  ['ld-undefined', 'gcc', 'ld-undefined', 'kws_invoke'],
  ['ld-duplicate', 'gcc', 'ld-duplicate', 'kws_invoke'],
  ['ld-nospace', 'gcc', 'gcc-disk-full', 'disk'],
  ['mcu-unknown', 'arm-none-eabi-gcc', 'gcc-unknown-cpu', 'cortex-m99'],
];

describe('recorded outputs', () => {
  it.each(cases)('%s', (name, program, id, words) => {
    const translation = translate(program, recorded(name));
    expect(translation?.id).toBe(id);
    expect(`${translation!.what}: ${translation!.why}`).toContain(words);
    expect(translateAny(recorded(name))?.id).toBe(id); // also where nobody says which tool it was
  });

  it('are all used', () => {
    expect(readdirSync(recordings).sort()).toEqual(cases.map(([name]) => `${name}.txt`).sort());
  });
});

describe('outputs from the documentation', () => {
  it.each(documentedOutputs.map((output) => [output.id, output] as const))('%s', (id, { program, text }) => {
    const translation = translate(program, text);
    expect(translation?.id).toBe(id);
    expect(translateAny(text)?.id).toBe(id);
    expect(JSON.stringify(translation)).not.toMatch(/\$\d/);
  });
});

describe('the tables', () => {
  const patterns = toolErrors.flatMap((table) => table.patterns);

  it('have each pattern tried on an output', () => {
    const tried = new Set([...cases.map(([, , id]) => id), ...documentedOutputs.map(({ id }) => id)]);
    expect(patterns.map(({ id }) => id).filter((id) => !tried.has(id))).toEqual([]);
    expect(new Set(patterns.map(({ id }) => id)).size).toBe(patterns.length);
  });

  it('say what, why and at most three next steps, without a full stop inside of a sentence that goes on', () => {
    for (const { id, what, why, next, code, match } of patterns) {
      expect(exitCodeOf[code], id).toBeDefined();
      expect(what.length * why.length, id).toBeGreaterThan(0);
      expect(next.length, id).toBeGreaterThan(0);
      expect(next.length, id).toBeLessThanOrEqual(3);
      expect(`${what}|${why}`, id).not.toMatch(/\.(\||$)/);
      expect(match.flags, id).not.toContain('g');
    }
  });

  it('has every file of the folder in its list', () => {
    const files = readdirSync(join(projectFolder, 'src/tools/tool-errors'));
    expect(files.length - 2).toBe(toolErrors.length); // index.ts and advice.ts are none
  });

  it('stay quick on whatever a tool says', () => {
    const long = `${'avrdude error: address 0x0 section `.bss open port no-port Failed '.repeat(5000)}`;
    const start = performance.now();
    for (const { programs } of toolErrors) translate(programs[0]!, long);
    expect(performance.now() - start).toBeLessThan(2000);
  });

  it('know nothing of a tool or an output that they do not know', () => {
    expect(translate('avrdude', 'all is well')).toBeUndefined();
    expect(translate('nosuchtool', recorded('avrdude-silent'))).toBeUndefined();
  });

  it('are asked all where a program passes on what others say', () => {
    expect(
      translate('pio', `Linking .pio/build/uno/firmware.elf\n${recorded('ld-ram')}*** [firmware.elf] Error 1`)?.id,
    ).toBe('ld-ram-overflowed');
    expect(
      translate('/usr/bin/arduino-cli', `${recorded('avrdude-silent')}Failed uploading: uploading error: exit status 1`)
        ?.id,
    ).toBe('avrdude-not-in-sync');
    expect(translate('west', 'ninja: build stopped')).toBeUndefined();
  });

  it('see through colours', () => {
    expect(translate('avrdude', 'programmer is \u001b[1mnot\u001b[0m responding')?.id).toBe('avrdude-not-in-sync');
  });
});
